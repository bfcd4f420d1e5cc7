"""Whether a mouth is seen where the mouth must be: for the measures of what covers a face."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from quality.face.close_up import EYES_APART_PX, CloseUp, luma, median_of, ratios
from quality.face.likeness import SHIFTS, Forms
from quality.face.points import Points
from quality.measure import CannotAssess

_CORNERS: Final = (76, 82)
_UPPER: Final = np.arange(88, 93)
_LOWER: Final = np.array([88, 95, 94, 93, 92])
_ROWS, _COLUMNS = 21, 25
_ACROSS: Final = np.linspace(-0.3, 1.3, _COLUMNS)
_DOWN: Final = np.linspace(-0.3125, 0.3125, _ROWS)
_INSIDE: Final = np.clip(_ACROSS, 0.05, 0.95)
_STEP: Final = _DOWN[1] - _DOWN[0]
_SOUGHT: Final = EYES_APART_PX * (np.arange(-SHIFTS, _ROWS + SHIFTS) * _STEP + _DOWN[0])
# Lips end a tenth of the eye distance from the line between them, and with its corners.
_LIPS: Final = np.exp(
    -((np.abs(_DOWN[:, None] - 0.02) / 0.10) ** 2) - (np.abs(_ACROSS[None] - 0.5) / 0.42) ** 4
)
_LINE: Final = np.exp(-((_DOWN[:, None] / 0.045) ** 2) - (np.abs(_ACROSS[None] - 0.5) / 0.5) ** 6)
"""The line between the lips, not quite as long as they are."""
_PARTED: Final = np.exp(
    -((np.abs(_DOWN[:, None] - 0.02) / 0.14) ** 2) - (np.abs(_ACROSS[None] - 0.5) / 0.45) ** 4
) - np.exp(-((_DOWN[:, None] / 0.09) ** 2) - (np.abs(_ACROSS[None] - 0.5) / 0.36) ** 4)
"""Lips apart: teeth between them are without colour."""
_MOUTHS: Final = Forms(_LIPS, _LINE, _PARTED)
_LINE_ALONE: Final = Forms(_LINE)
_DARK: Final = 0.5
# Half of a very dark face in the shade is noise, which must not outweigh the lips.
_LEAST, _MOST = -0.3, 0.6
_DARKEST: Final = 0.8


def mouth_seen(close: CloseUp) -> float:
    """Return how like a mouth its place is: 0 not at all, 0.9 with full lips, at most 1.5."""
    pixels = _about_mouth(close)
    red, blue = ratios(pixels)
    less_green = _about_median(red + blue, _LEAST, _MOST)
    dark = _about_median(-np.log(luma(pixels)), -_DARKEST, _DARKEST)
    lips = _MOUTHS.best_likeness(less_green)
    return lips + _DARK * max(0.0, _LINE_ALONE.best_likeness(dark))


def _about_median(plane: npt.NDArray[np.floating], least: float, most: float) -> Points:
    centred = plane.astype(np.float64) - median_of(plane)
    return np.clip(centred, least, most, out=centred)


def _about_mouth(close: CloseUp) -> npt.NDArray[np.uint8]:
    """Return the pixels about the mouth along its line, (rows and shifts, columns, 3)."""
    points = close.points
    left, right = (points[corner] for corner in _CORNERS)
    along = right - left
    width = float(np.hypot(*along))
    if not 1 < width < max(close.bgr.shape):
        raise CannotAssess("the mouth has no width within the picture")
    # Columns: along the mouth, and down from it.
    turn = np.array([[along[0], -along[1]], [along[1], along[0]]]) / width
    middle = (_height((points[lip] - left) @ turn) for lip in (_UPPER, _LOWER))
    at = np.empty((len(_SOUGHT), _COLUMNS, 2))
    at[..., 0] = _ACROSS * width
    at[..., 1] = sum(middle) / 2 + _SOUGHT[:, None]
    return close.sampled(at @ turn.T + left)


def _height(lip: Points) -> Points:
    width = max(float(lip[:, 0].max()), 1e-6)
    return np.asarray(np.interp(_INSIDE, lip[:, 0] / width, lip[:, 1]))

"""The face on a small aligned picture, and how alike two of its places are in tone.

What covers a face is foreign to it: its tone is compared with the person's own cheeks, nose and
forehead, never with a number that presumes a skin. A tone is taken apart into light and two ratios
of channels, because shade changes the light and hardly the ratios, on every skin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import hypot, isfinite, log
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.face.alignment import Aligned
from quality.face.points import Points
from quality.measure import CannotAssess

EYES_APART_PX: Final = 56.5
"""Between the eyes on the close-up: half of the aligned face's."""

_ROWS: Final = slice(40, 600)
_COLUMNS: Final = slice(56, 560)
_CORNER: Final = np.array([56.0, 40.0])
_SIZE: Final = (252, 280)
# Keeps the ratios of nearly black pixels, which are noise, near one.
_FLOOR: Final = 4.0
_LOGS: Final = np.log(np.arange(256) + _FLOOR)
_LUMA: Final = np.array([0.0722, 0.7152, 0.2126], np.float32)
PIXELS_MIN: Final = 12
"""A median of fewer says nothing."""

Box = tuple[slice, slice]

# Shade takes three times as much of the light as of the ratios: so much less it counts.
_SHADE: Final = 3.0


@dataclass(frozen=True, slots=True)
class Tone:
    """The median of a place's pixels.

    Attributes:
        light: logarithm of the luma.
        red, blue: logarithms of red over green and of blue over green.
    """

    light: float
    red: float
    blue: float

    def foreign_to(self, other: Tone) -> float:
        """Return how far two tones are apart: 0 alike; shade alone makes 0.3 at most."""
        tint = hypot(self.red - other.red, self.blue - other.blue)
        return hypot(tint, (self.light - other.light) / _SHADE)


@dataclass(frozen=True, eq=False)
class CloseUp:
    """The aligned face at half its size.

    Attributes:
        bgr: (280, 252, 3), uint8.
        points: the 98 landmarks on it, (98, 2).
    """

    bgr: npt.NDArray[np.uint8]
    points: Points

    @cached_property
    def eyes(self) -> tuple[Points, Points]:
        """The middles of the eyes' corners, the picture's left first."""
        points = self.points
        return (points[60] + points[64]) / 2, (points[68] + points[72]) / 2

    def box(self, at: Points, x: tuple[float, float], y: tuple[float, float]) -> Box:
        """Return a rectangle about a point; its sides in eye distances from there.

        Raises:
            CannotAssess: it lies outside the picture.
        """
        height, width = self.bgr.shape[:2]
        left, right = (float(at[0]) + EYES_APART_PX * away for away in x)
        top, bottom = (float(at[1]) + EYES_APART_PX * away for away in y)
        if not isfinite(left + right + top + bottom):
            raise CannotAssess("the points are not in a picture")
        return _within(top, bottom, height), _within(left, right, width)

    def pixels(self, box: Box) -> npt.NDArray[np.uint8]:
        """Return a rectangle's pixels (n, 3).

        Raises:
            CannotAssess: they are too few: the place lies outside the picture.
        """
        found = self.bgr[box].reshape(-1, 3)
        if len(found) < PIXELS_MIN:
            raise CannotAssess("a part of the face lies outside the picture")
        return found

    def sampled(self, at: Points) -> npt.NDArray[np.uint8]:
        """Return the pixels (rows, columns, 3) at points (rows, columns, 2), between pixels too.

        Beyond the edge the last pixel goes on. Raises `CannotAssess`: the points are nowhere.
        """
        if not np.isfinite(at).all():
            raise CannotAssess("the points are not in a picture")
        x, y = (np.ascontiguousarray(at[..., axis], dtype=np.float32) for axis in (0, 1))
        found = cv2.remap(self.bgr, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, dtype=np.uint8)

    def tone(self, box: Box) -> Tone:
        """Return a place's tone. Raises `CannotAssess`."""
        return tone_of(self.pixels(box))


def tone_of(pixels: npt.NDArray[np.uint8]) -> Tone:
    """Return the tone of pixels (n, 3).

    Raises:
        CannotAssess: they are too few.
    """
    if len(pixels) < PIXELS_MIN:
        raise CannotAssess("a part of the face has no pixels")
    # Sorting bytes is faster than selecting among them.
    median = np.sort(pixels.T)[:, len(pixels) // 2]
    blue, green, red = (float(value) + _FLOOR for value in median)
    return Tone(
        log(0.0722 * blue + 0.7152 * green + 0.2126 * red), log(red / green), log(blue / green)
    )


def close_up(aligned: Aligned) -> CloseUp:
    """Return the aligned face's middle at half its size. Raises `CannotAssess`."""
    half = aligned.halved((_ROWS, _COLUMNS))
    return CloseUp(half, (aligned.landmarks_px - _CORNER) / 2)


def shrunk(plane: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return (280, 252[, 3]) of a plane (616, 616[, 3]) on the aligned face."""
    # Areas, not samples: what is fine would be taken for edges.
    small = cv2.resize(plane[_ROWS, _COLUMNS], _SIZE, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def luma(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the luma (...,) of pixels (..., 3), never 0."""
    # Single precision: double is converted first, which takes longer than the sum.
    return np.asarray(pixels.astype(np.float32) @ _LUMA + _FLOOR, np.float32)


def ratios(pixels: npt.NDArray[np.uint8]) -> tuple[Points, Points]:
    """Return the logarithms of red over green and of blue over green, each (...,) of (..., 3)."""
    logs = _LOGS[pixels]
    return logs[..., 2] - logs[..., 1], logs[..., 0] - logs[..., 1]


def tints_apart(pixels: npt.NDArray[np.uint8], tones: Iterable[Tone]) -> list[Points]:
    """Return how far each of the pixels (n, 3) is from each tone in tint alone, (n,) a tone."""
    red, blue = ratios(pixels)
    return [np.hypot(red - tone.red, blue - tone.blue) for tone in tones]


def _within(first: float, last: float, end: int) -> slice:
    return slice(round(min(max(first, 0.0), end)), round(min(max(last, 0.0), end)))

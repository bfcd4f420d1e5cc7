"""The face on a small aligned picture, and how alike two of its places are in tone.

What covers a face is foreign to it: its tone is compared with the person's own cheeks, nose and
forehead, never with a number that presumes a skin. A tone is taken apart into light and two ratios
of channels, because shade changes the light and hardly the ratios, on every skin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
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
# From the forehead to the chin and beside the eyes, with a third of the eye distance to spare.
_NEAR_ROWS: Final = slice(140, 540)
_NEAR_COLUMNS: Final = slice(168, 448)
_SIZE: Final = (252, 280)
# Both coordinates are in one map.
_NO_MAP: Final = np.empty(0, np.float32)
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
        bgr: (280, 252, 3), or (200, 140, 3) of the face alone; uint8.
        points: the 98 landmarks on it, (98, 2).
    """

    bgr: npt.NDArray[np.uint8]
    points: Points
    _tones: dict[tuple[int, ...], Tone] = field(default_factory=dict, init=False, repr=False)

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
        places = at.astype(np.float32)
        found = cv2.remap(
            self.bgr, places, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(found, dtype=np.uint8)

    def tone(self, box: Box) -> Tone:
        """Return a place's tone. Raises `CannotAssess`."""
        # Both eyes and the mouth are compared with the same skin, on every live frame.
        rows, columns = box
        place = rows.start, rows.stop, columns.start, columns.stop
        tone = self._tones.get(place)
        if tone is None:
            tone = self._tones[place] = tone_of(self.pixels(box))
        return tone


def tone_of(pixels: npt.NDArray[np.uint8]) -> Tone:
    """Return the tone of pixels (n, 3).

    Raises:
        CannotAssess: they are too few.
    """
    if len(pixels) < PIXELS_MIN:
        raise CannotAssess("a part of the face has no pixels")
    middle = len(pixels) // 2
    median = np.partition(pixels.T, middle)[:, middle]
    blue, green, red = (float(value) + _FLOOR for value in median)
    return Tone(
        log(0.0722 * blue + 0.7152 * green + 0.2126 * red), log(red / green), log(blue / green)
    )


def close_up(aligned: Aligned, *, hair: bool = True) -> CloseUp:
    """Return the aligned face's middle at half its size; without hair, which spares two thirds.

    Raises:
        CannotAssess: the picture is empty.
    """
    rows, columns = (_ROWS, _COLUMNS) if hair else (_NEAR_ROWS, _NEAR_COLUMNS)
    corner = np.array([columns.start, rows.start], dtype=np.float64)
    return CloseUp(aligned.halved((rows, columns)), (aligned.landmarks_px - corner) / 2)


def shrunk(plane: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return (280, 252[, 3]) of a plane (616, 616[, 3]) on the aligned face."""
    # Areas, not samples: what is fine would be taken for edges.
    small = cv2.resize(plane[_ROWS, _COLUMNS], _SIZE, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def median_of(values: npt.NDArray[np.floating]) -> float:
    """Return the median of an array of any shape, not empty, in double precision."""
    # numpy's own spends more on looking for NaN than on selecting.
    middle = values.size // 2
    if values.size % 2:
        return float(np.partition(values, middle, axis=None)[middle])
    lower, upper = np.partition(values, (middle - 1, middle), axis=None)[middle - 1 : middle + 1]
    return (float(lower) + float(upper)) / 2


def luma(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the luma (...,) of pixels (..., 3), never 0."""
    # Single precision: double is converted first, which takes longer than the sum.
    return np.asarray(pixels.astype(np.float32) @ _LUMA + _FLOOR, np.float32)


def ratios(pixels: npt.NDArray[np.uint8]) -> tuple[Points, Points]:
    """Return the logarithms of red over green and of blue over green, each (...,) of (..., 3)."""
    blue, green, red = (_LOGS.take(pixels[..., channel]) for channel in range(3))
    return red - green, blue - green


def tints_apart(pixels: npt.NDArray[np.uint8], tones: Iterable[Tone]) -> list[Points]:
    """Return how far each of the pixels (n, 3) is from each tone in tint alone, (n,) a tone."""
    red, blue = ratios(pixels)
    return [np.hypot(red - tone.red, blue - tone.blue) for tone in tones]


def _within(first: float, last: float, end: int) -> slice:
    return slice(round(min(max(first, 0.0), end)), round(min(max(last, 0.0), end)))

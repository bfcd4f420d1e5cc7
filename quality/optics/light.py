"""Light behind a picture's 8-bit levels: linear values, luminance, lightness."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.optics.refusal import Refusal

Picture = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are outside."""

WHITE_LEVEL: Final = 254
BLACK_LEVEL: Final = 1
LUMA: Final = np.array([[0.0722, 0.7152, 0.2126]], np.float32)
"""Of linear blue, green and red. Source: ITU-R BT.709."""


def _decoded() -> Plane:
    levels = np.arange(256) / 255
    curve = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return curve.astype(np.float32)


DECODED: Final = _decoded()
"""Linear light, 0..1, of every level. Source: IEC 61966-2-1."""


def linear(levels: Picture) -> Plane:
    """Return linear light, 0..1, in the picture's own shape."""
    return np.asarray(cv2.LUT(levels, DECODED), np.float32).reshape(levels.shape)


def luminance(bgr: Picture) -> Plane:
    """Return relative luminance Y, 0..1, as (height, width)."""
    return np.asarray(cv2.transform(linear(bgr), LUMA), np.float32).reshape(bgr.shape[:2])


def lightness(relative: float) -> float:
    """Return CIE L*, 0..100, of a relative luminance. Source: CIE 15."""
    if relative > 0.008856:
        return float(116 * relative ** (1 / 3) - 16)
    return float(903.3 * max(relative, 0.0))


def grey_of(picture: Picture) -> Picture:
    """Return one plane of levels, whether the picture has colours or not."""
    if picture.ndim == 2:
        return picture
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def middle_box(picture: Picture, share: float) -> Box:
    """Return the box in the middle with this share of width and height."""
    height, width = picture.shape[:2]
    left, top = round(width * (1 - share) / 2), round(height * (1 - share) / 2)
    return left, top, width - left, height - top


def cut(picture: Picture, box: Box) -> Picture:
    """Return a view of what lies in the box."""
    left, top, right, bottom = box
    return picture[top:bottom, left:right]


def exposure_fault(grey: Picture) -> Refusal | None:
    """Return why nothing can be found in a picture that is far too light or far too dark."""
    low, high = np.percentile(grey[::4, ::4], (20, 95))
    if low >= 240:
        return Refusal.OVER_EXPOSED
    if high <= 24:
        return Refusal.UNDER_EXPOSED
    return None

"""A frame an eighth as large, grey: enough to tell light from dark, and torn from whole.

Of a JPEG only the mean of each block is decoded: about 1 ms for 1280 x 720 px [measured], a quarter
of the whole picture's decoding.
"""

from __future__ import annotations

import io
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from drivers.camera import Frame

SHARE: Final = 8
MISSING_GREY: Final = 128
"""What a decoder draws where a JPEG's scan ended early: every coefficient is nought."""
MISSING_SHARE: Final = 0.02
"""[ours] So much of a picture exactly that grey, up to its very end, is no picture's end."""

SmallLook = npt.NDArray[np.uint8]
"""(height_px // 8, width_px // 8), grey, 8 bits."""


class Torn(Exception):
    """The JPEG cannot be decoded, or its scan ends before the picture does."""


def small_look(frame: Frame) -> SmallLook:
    """Return the frame an eighth as large. Raises `Torn`."""
    if frame.jpeg is None:
        size = (max(1, frame.width_px // SHARE), max(1, frame.height_px // SHARE))
        small = cv2.resize(frame.bgr, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
    return _of_jpeg(frame.jpeg)


def _of_jpeg(jpeg: bytes) -> SmallLook:
    try:
        # Pillow and not OpenCV: its decoder writes each damaged picture to the standard error.
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            image.draft("L", (max(1, image.width // SHARE), max(1, image.height // SHARE)))
            small = np.asarray(image.convert("L"), np.uint8)
    # Pillow has no one error for a broken picture.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as broken:
        raise Torn from broken
    if ends_early(small):
        raise Torn
    return small


def ends_early(small: SmallLook) -> bool:
    """Whether the last blocks, in the order of the scan, were never there."""
    there = np.flatnonzero(small.reshape(-1) != MISSING_GREY)
    missing = small.size - (int(there[-1]) + 1 if there.size else 0)
    return bool(missing > MISSING_SHARE * small.size)

"""How restless a background is, whoever says which pixels are background."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.face.alignment import Aligned
from quality.face.luminance import luminance
from quality.measure import CannotAssess

Plane = npt.NDArray[np.uint8]
WIDTH_PX: Final = 354
HEIGHT_PX: Final = 292
# Above the shoulders, without the sides that most pictures do not reach.
_WINDOW: Final = (slice(0, 406), slice(62, 554))
_ERODED: Final = np.ones((4, 4), dtype=np.uint8)


def windowed(plane: Plane, interpolation: int) -> Plane:
    """Return (292, 354[, 3]) of a plane (616, 616[, 3]) on the aligned face."""
    size = (WIDTH_PX, HEIGHT_PX)
    return np.asarray(cv2.resize(plane[_WINDOW], size, interpolation=interpolation), dtype=np.uint8)


def mean_gradient(aligned: Aligned, background: npt.NDArray[np.bool_]) -> float:
    """Return the background's mean luminance gradient, in 8-bit levels by a Scharr filter.

    Args:
        aligned: the face.
        background: (292, 354), True where the window of `windowed` shows neither head nor body;
            what lies outside the picture is left out here, as is the background's rim.

    Raises:
        CannotAssess: there is no background.

    Source: OFIQ 1.0.3, `BackgroundUniformity.cpp`.
    """
    blank = np.zeros(aligned.source.shape[:2], dtype=np.uint8)
    outside = windowed(aligned.moved(blank, cv2.INTER_NEAREST, beyond=255), cv2.INTER_NEAREST)
    counted = cv2.erode((background & (outside == 0)).view(np.uint8), _ERODED)
    if not counted.any():
        raise CannotAssess("no background in sight")
    shade = luminance(windowed(aligned.bgr, cv2.INTER_LINEAR))
    # A kernel size of -1 is Scharr's.
    across, down = (cv2.Sobel(shade, cv2.CV_32F, dx, 1 - dx, ksize=-1) for dx in (1, 0))
    seen = counted > 0
    # Whole numbers: their squares' sum is exact in double precision, and no hypot is needed.
    squares = across[seen].astype(np.float64) ** 2 + down[seen].astype(np.float64) ** 2
    return float(np.sqrt(squares).mean())

"""Luminance in linear light, as 8 bits."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt


def _linear_255(weight: float) -> npt.NDArray[np.float64]:
    share = np.arange(256) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return 255 * weight * linear


_BLUE: Final = _linear_255(0.0722)
_GREEN: Final = _linear_255(0.7152)
_RED: Final = _linear_255(0.2126)


_EXACT: Final = _RED, _GREEN, _BLUE
_QUICK: Final = tuple(table.astype(np.float32) for table in _EXACT)


def luminance(bgr: npt.NDArray[np.uint8], *, exact: bool = True) -> npt.NDArray[np.uint8]:
    """Return floor(255 Y + 0.5), (height, width), of sRGB pixels (height, width, 3).

    Linear light, not gamma luma: a good portrait averages 0.1 to 0.35 of 255, not half.

    Args:
        bgr: the pixels.
        exact: False for a live frame: a third of the time, and one colour in ten thousand, which
            lies next to a half, comes out one level off.

    Source: OFIQ 1.0.3, `GetLuminanceImageFromBGR`; IEC 61966-2-1 for the curve.
    """
    # Tables instead of a power per pixel: it runs on every live frame.
    blue, green, red = cv2.split(bgr)
    of_red, of_green, of_blue = _EXACT if exact else _QUICK
    kind = np.float64 if exact else np.float32
    light: npt.NDArray[np.floating] = np.asarray(cv2.LUT(red, of_red), dtype=kind)
    light += np.asarray(cv2.LUT(green, of_green), dtype=kind)
    light += np.asarray(cv2.LUT(blue, of_blue), dtype=kind)
    return (light + kind(0.5)).astype(np.uint8)

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


_QUICK: Final = tuple(table.astype(np.float32) for table in (_RED, _GREEN, _BLUE))


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
    if not exact:
        parts = [cv2.LUT(*pair) for pair in zip((red, green, blue), _QUICK, strict=True)]
        # OpenCV rounds while it adds, which saves two passes.
        sum_of_two = cv2.add(parts[0], parts[1], dst=parts[0])
        return np.asarray(cv2.add(sum_of_two, parts[2], dtype=cv2.CV_8U), dtype=np.uint8)
    light: npt.NDArray[np.float64] = np.asarray(cv2.LUT(red, _RED), dtype=np.float64)
    light += np.asarray(cv2.LUT(green, _GREEN), dtype=np.float64)
    light += np.asarray(cv2.LUT(blue, _BLUE), dtype=np.float64)
    return (light + 0.5).astype(np.uint8)

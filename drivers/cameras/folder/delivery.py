"""How a played picture leaves the camera: as pixels or as JPEG, whole or harmed on its way."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from drivers.camera import JpegPicture, Picture

QUALITY: Final = 90
ARRIVES_SHARE: Final = 0.67
END: Final = b"\xff\xd9"


def as_jpeg(bgr: Picture) -> JpegPicture:
    """Return the picture as a camera with its own encoder delivers it."""
    return _picture(_encoded(bgr), bgr)


def torn_jpeg(bgr: Picture) -> JpegPicture:
    """Return the JPEG without its last third; its end mark comes through, as on a real bus."""
    whole = _encoded(bgr)
    return _picture(whole[: round(len(whole) * ARRIVES_SHARE)] + END, bgr)


def half_size(bgr: Picture) -> Picture:
    """Return the picture half as wide and half as high."""
    size = (max(1, bgr.shape[1] // 2), max(1, bgr.shape[0] // 2))
    return np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), np.uint8)


def _encoded(bgr: Picture) -> bytes:
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def _picture(jpeg: bytes, bgr: Picture) -> JpegPicture:
    return JpegPicture(jpeg, int(bgr.shape[1]), int(bgr.shape[0]))

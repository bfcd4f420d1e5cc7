"""The picture for viewers: the camera's own JPEG wherever there is one that a browser can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from drivers.camera import Frame, Picture
from edge.frames.jpeg_shape import shape_of

WIDTH_PX: Final = 960
QUALITY: Final = 80
PASSED_WIDTH_MAX_PX: Final = 1920
"""[ours] A larger JPEG costs a viewer more than making it smaller costs us."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One frame as JPEG, unmirrored; made once and shared by all viewers."""

    jpeg: bytes
    sequence: int
    captured_at_s: float


def preview_of(frame: Frame) -> Preview:
    """Return what viewers get of a frame. Raises `ProtocolViolation`: its JPEG has no picture."""
    jpeg = frame.jpeg if passes_through(frame) else None
    return Preview(jpeg or _encoded(frame), frame.sequence, frame.captured_at_s)


def passes_through(frame: Frame) -> bool:
    """Whether the camera's own JPEG is what viewers get."""
    if frame.jpeg is None or frame.width_px > PASSED_WIDTH_MAX_PX:
        return False
    shape = shape_of(frame.jpeg)
    return shape is not None and shape.tables


def _encoded(frame: Frame) -> bytes:
    picture: Picture = frame.bgr
    if frame.width_px > WIDTH_PX:
        size = (WIDTH_PX, round(frame.height_px * WIDTH_PX / frame.width_px))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return jpeg.tobytes()

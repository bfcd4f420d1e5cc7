"""Frames for a measurement: taken one after the other, counted aloud, told apart by their digests.

Pictures that are kept as evidence are cut to the target, so that whoever holds it is not in them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from drivers.camera import Frame, Picture
from drivers.errors import DeviceTimeout
from edge.calibration.procedure import Scene, Stopped
from quality.measure import CannotAssess
from quality.optics.light import Box

STILL_S: Final = 5.0
FRAME_S: Final = 2.0
EVIDENCE_PX: Final = 480
EVIDENCE_QUALITY: Final = 80
MARGIN: Final = 0.06
"""[ours] Of a target's size: its own rim, and no hand behind it."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame of a measurement.

    Attributes:
        sha256: of its raw pixels, rows from the top, blue, green, red.
        at_ms: on the machine's clock, when it was here.
    """

    bgr: Picture
    captured_at_s: float
    at_ms: float
    sha256: str


def stills(scene: Scene, count: int) -> list[Shot]:
    """Take stills in full resolution. Raises `DeviceError`, `Stopped`."""
    return list(_counted(scene, count, lambda: scene.bench.camera.still(STILL_S)))


def frames(scene: Scene, count: int) -> list[Shot]:
    """Take frames in a row, as the preview has them. Raises `DeviceError`, `Stopped`."""
    last = [-1]

    def following() -> Frame:
        frame = scene.bench.camera.wait_frame(last[0], FRAME_S)
        if frame is None:
            raise DeviceTimeout("no frame in time")
        last[0] = frame.sequence
        return frame

    return list(_counted(scene, count, following))


def taken(scene: Scene, frame: Frame) -> Shot:
    """Return a frame as a shot."""
    pixels = np.ascontiguousarray(frame.bgr)
    digest = hashlib.sha256(pixels.data).hexdigest()
    return Shot(frame.bgr, frame.captured_at_s, scene.bench.clock_ms(), digest)


def _counted(scene: Scene, count: int, take: Callable[[], Frame]) -> Iterator[Shot]:
    for number in range(count):
        if scene.stop():
            raise Stopped
        yield taken(scene, take())
        scene.tell((number + 1) / count, "")


def digests(shots: Iterable[Shot]) -> tuple[str, ...]:
    """Return the digests of what a figure stands on."""
    return tuple(shot.sha256 for shot in shots)


def evidence(bgr: Picture, box: Box) -> bytes:
    """Return what lies in the box as a small JPEG.

    Args:
        bgr: (height, width, 3).
        box: left, top, right, bottom in px; what lies outside the picture is left out.

    Raises:
        CannotAssess: nothing of the box lies in the picture.
    """
    height, width = bgr.shape[:2]
    left, top = max(0, box[0]), max(0, box[1])
    inside = bgr[top : min(height, box[3]), left : min(width, box[2])]
    if inside.size == 0:
        raise CannotAssess("partly_hidden")
    scale = min(1.0, EVIDENCE_PX / max(inside.shape[:2]))
    small = cv2.resize(inside, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, EVIDENCE_QUALITY])
    return jpeg.tobytes()


def around(points: npt.NDArray[np.floating]) -> Box:
    """Return the box about points (n, 2), with the target's rim."""
    left, top = points.min(axis=0).tolist()
    right, bottom = points.max(axis=0).tolist()
    rim = MARGIN * max(right - left, bottom - top)
    return (round(left - rim), round(top - rim), round(right + rim), round(bottom + rim))

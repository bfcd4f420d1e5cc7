"""The comparer's process: the only module that imports dlib. Two pictures in, one distance out.

It runs in the cell of `edge.vision.cell`, opens nothing but its two model files, and keeps nothing.
dlib's predictor of 68 points, whose training set is not free, is not used.
"""

from __future__ import annotations

import mmap
import socket
from typing import Any, Final, Literal

import cv2
import dlib  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt

from edge.photos.decoding import decoded
from edge.photos.fault import PHOTO_BYTES_MAX, PhotoUnreadable
from edge.vision.wire import Message, WireBroken, receive, send

Picture = npt.NDArray[np.uint8]

FACE_WIDTH_PX_MIN: Final = 80
"""[dlib] Its detector's own window; a smaller face would be blown up for the network's 150 px."""
_DETECT_SIDE_PX: Final = 800
_CHIP_PX: Final = 150
_CHIP_PADDING: Final = 0.25


class NoSingleFace(Exception):
    """A picture without exactly one face of a fit size; the message is the code."""


class Matcher:
    """dlib's detector, five points and network."""

    def __init__(self, resnet: str, five_points: str) -> None:
        self._detector = dlib.get_frontal_face_detector()
        self._points = dlib.shape_predictor(five_points)
        self._network = dlib.face_recognition_model_v1(resnet)
        # The first picture costs more than every later one.
        self._network.compute_face_descriptor(np.zeros((_CHIP_PX, _CHIP_PX, 3), np.uint8))

    def face_vector(self, bgr: Picture) -> npt.NDArray[np.float64]:
        """Return (128,) of the one face in (height, width, 3). Raises `NoSingleFace`."""
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        scale = min(1.0, _DETECT_SIDE_PX / max(rgb.shape[:2]))
        size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
        small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        boxes = list(self._detector(small, 0)) or self._enlarged(small)
        if not boxes:
            raise NoSingleFace("no_face")
        if len(boxes) > 1:
            raise NoSingleFace("many_faces")
        box = _scaled(boxes[0], 1 / scale)
        # A window that just fits is found a little smaller or larger than it is.
        if box.width() < FACE_WIDTH_PX_MIN * 0.9:
            raise NoSingleFace("face_too_small")
        shape = self._points(rgb, box)
        chip = dlib.get_face_chip(rgb, shape, _CHIP_PX, _CHIP_PADDING)
        return np.array(self._network.compute_face_descriptor(chip))

    def _enlarged(self, small: Picture) -> list[Any]:
        # Only to tell a small face from none: what is found here is too small in any case.
        if max(small.shape[:2]) > _DETECT_SIDE_PX // 2:
            return []
        return [_scaled(box, 0.5) for box in self._detector(cv2.resize(small, None, fx=2, fy=2), 0)]


def _scaled(box: Any, factor: float) -> Any:
    edges = (box.left(), box.top(), box.right(), box.bottom())
    return dlib.rectangle(*(round(edge * factor) for edge in edges))


def serve(wire_fd: int, memory_fd: int, walls: str) -> None:
    """Answer requests until the station closes its end; the first message names the models."""
    cv2.setNumThreads(1)
    with socket.socket(fileno=wire_fd) as wire:
        setup = receive(wire)
        live_bytes_max = int(setup["live_bytes_max"])
        memory = mmap.mmap(memory_fd, live_bytes_max + PHOTO_BYTES_MAX)
        matcher = Matcher(setup["resnet"], setup["five_points"])
        send(wire, {"id": setup["id"], "walls": walls})
        try:
            while True:
                request = receive(wire)
                send(
                    wire, {"id": request["id"], **_reply(matcher, request, memory, live_bytes_max)}
                )
        except (WireBroken, OSError):
            return


def _reply(matcher: Matcher, request: Message, memory: mmap.mmap, live_bytes_max: int) -> Message:
    picture: Literal["live", "photo"] = "live"
    try:
        height_px, width_px = int(request["height_px"]), int(request["width_px"])
        pixels = np.frombuffer(memory[: height_px * width_px * 3], np.uint8)
        live = matcher.face_vector(pixels.reshape(height_px, width_px, 3))
        picture = "photo"
        content = memory[live_bytes_max : live_bytes_max + int(request["photo_bytes"])]
        photo = matcher.face_vector(decoded(content))
        return {"distance": float(np.linalg.norm(live - photo))}
    except (NoSingleFace, PhotoUnreadable) as error:
        return {"not_comparable": [picture, str(error)]}
    # The border to native code: whatever a picture provokes is an answer about that picture.
    except Exception as error:
        return {"refused": type(error).__name__}

"""dlib's face network as a comparer: the daemon's side, which never imports dlib.

The network maps a face to a point; how far apart two points are says how unlike two faces are. Its
author calls two pictures the same person up to a Euclidean distance of 0.6. The record holds
`1 - distance`, so that more is more alike.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.camera import Frame, Picture
from edge.comparison import Compared, ComparisonFailed, NotComparable
from edge.photos.fault import PHOTO_BYTES_MAX, PhotoFault
from edge.vision.child import Child, ChildBegins, ChildLost
from edge.vision.memory import shared_memory
from edge.vision.models import check_model

LIVE_SIDE_MAX_PX: Final = 1280
"""[ours] A face for the network is 150 px wide; in a frame for a document it fills a quarter."""
BOOT_TIMEOUT_S: Final = 20.0
_LIVE_BYTES_MAX: Final = 3 * LIVE_SIDE_MAX_PX**2
_DIGITS: Final = 4
_RESNET_SHA256: Final = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
_FIVE_POINTS_SHA256: Final = "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"
_MODELS: Final = Path(".cache/anxin/models")


class Config(BaseModel):
    """Where the network lies, and how far apart two pictures of one person may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    resnet: Path = _MODELS / "dlib_face_recognition_resnet_model_v1.dat"
    five_points: Path = _MODELS / "shape_predictor_5_face_landmarks.dat"
    distance_max: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Euclidean; 0.6 is the network author's own."""
    calibrated: bool = False
    """`distance_max` was found on this site's own comparisons, so the verdict may decide."""


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    distance: Annotated[float, Field(ge=0, le=2)] | None = None
    not_comparable: tuple[Literal["live", "photo"], str] | None = Field(default=None, strict=False)


def missing(config: Config) -> str | None:
    """Return what is not installed, None if all is there; `python3.11 -m setup comparison` is."""
    if find_spec("dlib") is None:
        return "dlib"
    absent = [file.name for file in (config.resnet, config.five_points) if not file.exists()]
    return absent[0] if absent else None


def open_comparer(config: Config) -> DlibComparer:
    """Start the comparer. Raises `ModelUnfit`: a model file is not the tested one."""
    check_model(config.resnet, _RESNET_SHA256)
    check_model(config.five_points, _FIVE_POINTS_SHA256)
    return DlibComparer(config)


class DlibComparer:
    """Compares in a process of its own, in the vision worker's kind of cell.

    Attributes:
        method: program and network, as the record names them.
    """

    def __init__(self, config: Config) -> None:
        self.method = f"dlib-{_version()}/resnet-v1-{_RESNET_SHA256[:8]}"
        self._config = config
        self._turn = threading.Lock()
        self._memory_fd = shared_memory(_LIVE_BYTES_MAX + PHOTO_BYTES_MAX)
        self._memory: mmap.mmap | None = mmap.mmap(self._memory_fd, 0)
        self._child: Child | None = None
        # Begun now, so that the first person does not wait for it; lost, it begins with the next.
        self._begin()

    @property
    def pid(self) -> int | None:
        """Of the running process, None if there is none."""
        child = self._child
        return child.pid if child is not None and child.alive else None

    def compare(self, live: Frame, photo_jpeg: bytes, timeout_s: float) -> Compared:
        """Compare a live frame with a photo's file.

        Raises:
            NotComparable: one of them does not show exactly one face of a fit size.
            ComparisonFailed: the process was lost, still begins, or took longer than `timeout_s`,
                which counts twice if it had to be waited for.
        """
        bgr = _within(live.bgr, LIVE_SIDE_MAX_PX)
        if not photo_jpeg or len(photo_jpeg) > PHOTO_BYTES_MAX:
            raise NotComparable(
                "photo", PhotoFault.TOO_LARGE if photo_jpeg else PhotoFault.NOT_JPEG
            )
        with self._turn:
            return self._compared(self._ask(bgr, photo_jpeg, timeout_s))

    def close(self) -> None:
        """End the process and free the memory. Closing twice is allowed."""
        with self._turn:
            self._end()
            if self._memory is not None:
                self._memory.close()
                self._memory = None
                os.close(self._memory_fd)

    def _compared(self, answer: _Answer) -> Compared:
        if answer.not_comparable is not None:
            raise NotComparable(*answer.not_comparable)
        if answer.distance is None:
            raise ComparisonFailed("the comparer could not look at the pictures")
        # Rounded before it is judged: what the record shows is what decided.
        value = round(1 - answer.distance, _DIGITS)
        threshold = round(1 - self._config.distance_max, _DIGITS)
        return Compared(self.method, value, threshold, value >= threshold, self._config.calibrated)

    def _ask(self, bgr: Picture, photo: bytes, timeout_s: float) -> _Answer:
        memory = self._memory
        if memory is None:
            raise ComparisonFailed("closed")
        child = self._ready(timeout_s)
        memory[: bgr.nbytes] = np.ascontiguousarray(bgr).reshape(-1).data
        memory[_LIVE_BYTES_MAX : _LIVE_BYTES_MAX + len(photo)] = photo
        request = {
            "width_px": bgr.shape[1], "height_px": bgr.shape[0], "photo_bytes": len(photo)
        }  # fmt: skip
        try:
            return _Answer.model_validate(child.ask(request, timeout_s))
        except BaseException as error:
            # Also when the caller was interrupted: its answer would reach the next question.
            self._end()
            if isinstance(error, ChildLost | ValidationError):
                raise ComparisonFailed(f"the comparer: {_sentence(error)}") from error
            raise
        finally:
            # Nobody needs the two faces any longer.
            memory[: bgr.nbytes] = bytes(bgr.nbytes)
            memory[_LIVE_BYTES_MAX : _LIVE_BYTES_MAX + len(photo)] = bytes(len(photo))

    def _ready(self, timeout_s: float) -> Child:
        if self._child is None or not self._child.alive:
            self._end()
            self._begin()
        child = self._child
        if child is None:
            raise ComparisonFailed("the comparer cannot be started")
        try:
            child.wait_ready(max(0.0, timeout_s))
        except ChildLost as error:
            old = time.monotonic() - child.began_at_s > BOOT_TIMEOUT_S
            if old or not isinstance(error, ChildBegins):
                self._end()
            raise ComparisonFailed(f"the comparer: {error}") from error
        return child

    def _begin(self) -> None:
        setup = {
            "resnet": str(self._config.resnet.resolve()),
            "five_points": str(self._config.five_points.resolve()),
            "live_bytes_max": _LIVE_BYTES_MAX,
        }
        try:
            self._child = Child(self._memory_fd, setup, module="edge.comparison.dlib_worker")
        except ChildLost:
            self._child = None

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, ChildLost) else "its answer makes no sense"


def _version() -> str:
    try:
        return version("dlib-bin")
    except PackageNotFoundError:
        return version("dlib")


def _within(bgr: Picture, side_max_px: int) -> Any:
    scale = side_max_px / max(bgr.shape[:2])
    if scale >= 1:
        return bgr
    size = max(1, round(bgr.shape[1] * scale)), max(1, round(bgr.shape[0] * scale))
    return cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)

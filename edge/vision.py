"""The station's side of seeing: frames go to the vision worker, sights come back, in time.

The worker (`edge.vision_worker`) may crash or hang on any frame; then it is killed, replaced at
once, and the caller told by `VisionLost`. This module never imports a model library.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import threading
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from drivers.camera import Frame
from edge.vision_child import Child, ChildBegins, ChildLost
from edge.vision_wire import Message, memory_bytes
from quality.face.outline import HeadOutline
from quality.measure import Native

BOOT_TIMEOUT_S: Final = 20.0
DEATHS_MAX: Final = 3
_MEMORY_SEALS: Final = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
_FACE_LANDMARKER_SHA256: Final = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
_SELFIE_SHA256: Final = "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c"


class VisionLost(Exception):
    """The worker died or hung and has been replaced: look again, at once if you like."""


class FrameRefused(ValueError):
    """This frame cannot be looked at: too large, or it cost three workers. Take another."""


class ModelUnfit(Exception):
    """A model file is missing or not the one we tested. It stays so until it is fetched again."""


class Depth(Enum):
    """How closely to look: at every preview frame, or once at the still."""

    LIVE = "live"
    STILL = "still"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where the two models lie, checked by their SHA-256 at construction.

    Raises:
        ModelUnfit: one is missing, unreadable or another file.
    """

    face_landmarker: Path
    selfie_segmentation: Path

    def __post_init__(self) -> None:
        _check(self.face_landmarker, _FACE_LANDMARKER_SHA256)
        _check(self.selfie_segmentation, _SELFIE_SHA256)


@dataclass(frozen=True, slots=True)
class Sight:
    """What the worker saw in one frame.

    Attributes:
        frame_sequence: of the frame.
        captured_at_s: `time.monotonic` of the frame.
        faces: how many faces, two at most are sought.
        natives: every face measure's value on the subject, the largest face.
        outline: of the subject's head, with hair and sides on a still; None without a face.
        worker_ms: from the request's arrival in the worker to its answer.
    """

    frame_sequence: int
    captured_at_s: float
    faces: int
    natives: dict[str, Native]
    outline: HeadOutline | None
    worker_ms: float


class VisionWorker:
    """The vision worker as the station uses it; callers take turns.

    Attributes:
        restarts: how many workers had to be replaced since `start`.
    """

    def __init__(
        self,
        models: ModelFiles,
        frame_bytes_max: int = 3 * 4000 * 3000,
        *,
        own_network: bool = True,
    ) -> None:
        """Prepare; nothing runs before `start`. `own_network` is for a test of the proxy wall."""
        self.restarts = 0
        self._models = models
        self._frame_bytes_max = frame_bytes_max
        self._own_network = own_network
        self._turn = threading.Lock()
        self._child: Child | None = None
        self._memory: mmap.mmap | None = None
        self._memory_fd = -1
        self._deaths: tuple[tuple[int, float], int] = ((-1, 0.0), 0)

    def start(self) -> None:
        """Spawn the worker and return at once: it loads its models while others start."""
        with self._turn:
            if self._memory is None:
                self._memory_fd = _shared_memory(memory_bytes(self._frame_bytes_max))
                self._memory = mmap.mmap(self._memory_fd, 0)
            if self._child is None:
                self._child = self._spawn()

    def wait_ready(self, timeout_s: float = BOOT_TIMEOUT_S) -> str:
        """Return once models are loaded, with the walls that stand. Raises `VisionLost`."""
        with self._turn:
            return str(self._ready(timeout_s).walls)

    @property
    def alive(self) -> bool:
        """Whether a worker process runs."""
        child = self._child
        return child is not None and child.alive

    @property
    def pid(self) -> int | None:
        """Of the running worker, None if there is none."""
        child = self._child
        return child.pid if child is not None and child.alive else None

    def look(self, frame: Frame, depth: Depth, timeout_s: float) -> Sight:
        """Return what is seen in the frame.

        Raises:
            VisionLost: the worker died, still loads its models, or did not answer in `timeout_s`,
                which counts twice if it had to be waited for.
            FrameRefused: the frame is too large, or three workers were lost on it.
        """
        with self._turn:
            reply = self._ask(frame, depth.value, timeout_s)
        try:
            return _sight(frame, reply)
        except (KeyError, TypeError, ValueError) as error:
            raise VisionLost("the worker's answer makes no sense") from error

    def person_mask(self, frame: Frame, timeout_s: float) -> npt.NDArray[np.uint8]:
        """Return (height_px, width_px), 0 background to 255 person. Raises as `look`."""
        with self._turn:
            self._ask(frame, "mask", timeout_s)
            memory = self._memory
            if memory is None:
                raise VisionLost("closed")
            first = self._frame_bytes_max
            mask = memory[first : first + frame.width_px * frame.height_px]
        return np.frombuffer(mask, np.uint8).reshape(frame.height_px, frame.width_px)

    def close(self) -> None:
        """End the worker and free the shared memory. Closing twice is allowed."""
        with self._turn:
            if self._child is not None:
                self._child.close()
                self._child = None
            if self._memory is not None:
                self._memory.close()
                self._memory = None
                os.close(self._memory_fd)

    def _ask(self, frame: Frame, what: str, timeout_s: float) -> Message:
        key = (frame.sequence, frame.captured_at_s)
        if frame.bgr.nbytes > self._frame_bytes_max:
            raise FrameRefused(f"{frame.bgr.nbytes} bytes, {self._frame_bytes_max} at most")
        if frame.bgr.size == 0:
            raise FrameRefused("an empty frame")
        if self._deaths[0] == key and self._deaths[1] >= DEATHS_MAX:
            raise FrameRefused(f"{DEATHS_MAX} workers were lost on it")
        child = self._ready(timeout_s)
        if self._memory is None:
            raise VisionLost("not started")
        self._memory[: frame.bgr.nbytes] = np.ascontiguousarray(frame.bgr).reshape(-1).data
        size = {"width_px": frame.width_px, "height_px": frame.height_px}
        try:
            reply = child.ask({"do": what, **size}, timeout_s)
        except BaseException as error:
            # Also when the caller was interrupted: its answer would reach the next question.
            self._replace(child)
            if isinstance(error, ChildLost):
                self._blame(key)
                raise VisionLost(f"the vision worker: {error}") from error
            raise
        if "refused" in reply:
            raise FrameRefused(f"the worker could not look at it: {reply['refused']}")
        return reply

    def _ready(self, timeout_s: float) -> Child:
        if self._memory is None:
            raise VisionLost("not started")
        if self._child is None or not self._child.alive:
            self._discard()
            self.restarts += 1
            self._child = self._spawn()
        child = self._child
        try:
            child.wait_ready(max(0.0, timeout_s))
        except ChildBegins as error:
            if time.monotonic() - child.began_at_s > BOOT_TIMEOUT_S:
                self._discard()
            raise VisionLost(f"the vision worker {error}") from error
        except ChildLost as error:
            # Not spawned again here: a worker that cannot begin would begin for ever.
            self._discard()
            raise VisionLost(f"the vision worker did not begin: {error}") from error
        return child

    def _blame(self, key: tuple[int, float]) -> None:
        blamed, deaths = self._deaths
        self._deaths = (key, deaths + 1 if blamed == key else 1)
        if self._deaths[1] >= DEATHS_MAX:
            raise FrameRefused(f"{DEATHS_MAX} workers were lost on it")

    def _replace(self, child: Child) -> None:
        child.kill()
        self._child = None
        self.restarts += 1
        self._child = self._spawn()

    def _discard(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _spawn(self) -> Child:
        setup = {
            "face_landmarker": str(self._models.face_landmarker.resolve()),
            "selfie_segmentation": str(self._models.selfie_segmentation.resolve()),
            "frame_bytes_max": self._frame_bytes_max,
        }
        try:
            return Child(self._memory_fd, setup, own_network=self._own_network)
        except ChildLost as error:
            raise VisionLost(f"the vision worker {error}") from error


def _sight(frame: Frame, reply: Message) -> Sight:
    outline = reply["outline"]
    return Sight(
        frame.sequence,
        frame.captured_at_s,
        int(reply["faces"]),
        {name: Native(value, reason) for name, (value, reason) in reply["natives"].items()},
        _outline(outline) if outline else None,
        float(reply["worker_ms"]),
    )


def _outline(fields: Message) -> HeadOutline:
    # JSON knows no tuples.
    values: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    return HeadOutline(**values)


def _shared_memory(size_bytes: int) -> int:
    """Return a descriptor of a nameless memory that neither side can resize."""
    descriptor = os.memfd_create("vision", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size_bytes)
    # A worker that shrank it would kill the station with SIGBUS.
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _MEMORY_SEALS)
    return descriptor


def _check(path: Path, sha256: str) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelUnfit(f"model file {path} cannot be read: {error.strerror}") from error
    if found != sha256:
        raise ModelUnfit(f"model file {path} is not the one this release was tested with")

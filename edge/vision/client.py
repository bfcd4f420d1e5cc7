"""The station's side of seeing: pictures go to the vision worker, sights come back, in time.

The worker (`edge.vision.worker`) may crash, hang or lie on any picture; then it is killed, replaced
at once, and the caller told by `VisionLost`. This module never imports a model library.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import threading
import time
from collections.abc import Callable, Hashable
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from drivers.camera import Frame
from edge.photos.fault import PHOTO_BYTES_MAX, PhotoFault, PhotoUnreadable
from edge.photos.reading import Photo, photo_of
from edge.vision.child import Child, ChildBegins, ChildLost
from edge.vision.memory import shared_memory
from edge.vision.models import ModelFiles, ModelUnfit
from edge.vision.sight import Depth, Nonsense, Sight, sight_of
from edge.vision.wire import Message, memory_bytes

__all__ = [
    "BOOT_TIMEOUT_S",
    "DEATHS_MAX",
    "Depth",
    "FrameRefused",
    "ModelFiles",
    "ModelUnfit",
    "Photo",
    "PhotoUnreadable",
    "Sight",
    "VisionLost",
    "VisionWorker",
]

BOOT_TIMEOUT_S: Final = 20.0
DEATHS_MAX: Final = 3
_Seen = TypeVar("_Seen")


class VisionLost(Exception):
    """The worker died or hung and has been replaced: look again, at once if you like."""


class FrameRefused(ValueError):
    """This frame cannot be looked at: too large, or it cost three workers. Take another."""


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
        self._deaths: tuple[Hashable, int] = (None, 0)

    def start(self) -> None:
        """Spawn the worker and return at once: it loads its models while others start."""
        with self._turn:
            if self._memory is None:
                self._memory_fd = shared_memory(memory_bytes(self._frame_bytes_max))
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

    @property
    def occupied(self) -> bool:
        """Whether somebody's turn is now: the next one would wait."""
        return self._turn.locked()

    def look(self, frame: Frame, depth: Depth, timeout_s: float) -> Sight:
        """Return what is seen in the frame.

        Raises:
            VisionLost: the worker died, still loads its models, answered nonsense, or did not
                answer in `timeout_s`, which counts twice if it had to be waited for.
            FrameRefused: the frame is too large, or three workers were lost on it.
        """
        sequence, captured_at_s = frame.sequence, frame.captured_at_s

        def seen(reply: Message) -> Sight:
            return sight_of(reply, depth, sequence, captured_at_s)

        with self._turn:
            return self._ask_about(frame, depth.value, timeout_s, seen)

    def person_mask(self, frame: Frame, timeout_s: float) -> npt.NDArray[np.uint8]:
        """Return (height_px, width_px), 0 background to 255 person. Raises as `look`."""
        shape = frame.height_px, frame.width_px

        def seen(_: Message) -> npt.NDArray[np.uint8]:
            return np.frombuffer(self._written(shape[0] * shape[1]), np.uint8).reshape(shape)

        with self._turn:
            return self._ask_about(frame, "mask", timeout_s, seen)

    def read_photo(self, content: bytes, timeout_s: float) -> Photo:
        """Return what is seen in an earlier photo's file; it is decoded in the worker's cell.

        Raises:
            PhotoUnreadable: it cannot be taken over; its code says why, and stays so.
            VisionLost: as in `look`: read it again.
        """
        if len(content) > min(PHOTO_BYTES_MAX, self._frame_bytes_max):
            raise PhotoUnreadable(PhotoFault.TOO_LARGE)

        def seen(reply: Message) -> Photo:
            size = reply.get("preview_bytes", 0)
            if type(size) is not int or not 0 <= size <= self._frame_bytes_max // 3:
                raise Nonsense("a preview of no size")
            return photo_of(reply, self._written(size))

        with self._turn:
            try:
                request = {"do": "photo", "bytes": len(content)}
                key = hashlib.sha256(content).digest()
                return self._ask(key, memoryview(content), request, timeout_s, seen)
            except FrameRefused as error:
                raise PhotoUnreadable(PhotoFault.UNJUDGED) from error
            finally:
                self._wipe(len(content))

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

    def _ask_about(
        self, frame: Frame, what: str, timeout_s: float, seen: Callable[[Message], _Seen]
    ) -> _Seen:
        if frame.bgr.nbytes > self._frame_bytes_max:
            raise FrameRefused(f"{frame.bgr.nbytes} bytes, {self._frame_bytes_max} at most")
        if frame.bgr.size == 0:
            raise FrameRefused("an empty frame")
        request = {"do": what, "width_px": frame.width_px, "height_px": frame.height_px}
        pixels = np.ascontiguousarray(frame.bgr).reshape(-1).data
        return self._ask((frame.sequence, frame.captured_at_s), pixels, request, timeout_s, seen)

    def _ask(
        self,
        key: Hashable,
        content: memoryview,
        request: Message,
        timeout_s: float,
        seen: Callable[[Message], _Seen],
    ) -> _Seen:
        """Return what `seen` makes of the reply; on `key` no more than three workers are lost."""
        if self._deaths[0] == key and self._deaths[1] >= DEATHS_MAX:
            raise FrameRefused(f"{DEATHS_MAX} workers were lost on it")
        child = self._ready(timeout_s)
        if self._memory is None:
            raise VisionLost("not started")
        self._memory[: len(content)] = content
        try:
            reply = child.ask(request, timeout_s)
            if "refused" not in reply:
                return seen(reply)
        except PhotoUnreadable:
            raise
        except BaseException as error:
            # Also when the caller was interrupted: its answer would reach the next question.
            self._replace(child)
            if isinstance(error, ChildLost | Nonsense):
                self._blame(key)
                raise VisionLost(f"the vision worker: {error}") from error
            raise
        raise FrameRefused("the worker could not look at it")

    def _written(self, count: int) -> bytes:
        """Return a copy of what the worker wrote beside its reply."""
        if self._memory is None:
            raise VisionLost("closed")
        return self._memory[self._frame_bytes_max : self._frame_bytes_max + count]

    def _wipe(self, count: int) -> None:
        """Forget a photo's bytes and its preview: nobody looks here again before the next frame."""
        if self._memory is not None:
            self._memory[:count] = bytes(count)
            self._memory[self._frame_bytes_max :] = bytes(len(self._memory) - self._frame_bytes_max)

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

    def _blame(self, key: Hashable) -> None:
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
            "attack_nets": [[n.around, str(n.file.resolve())] for n in self._models.attack_nets],
            "frame_bytes_max": self._frame_bytes_max,
        }
        try:
            return Child(self._memory_fd, setup, own_network=self._own_network)
        except ChildLost as error:
            raise VisionLost(f"the vision worker {error}") from error

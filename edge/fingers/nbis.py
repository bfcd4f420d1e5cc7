"""NFIQ 2, mindtct and bozorth3 by nbis-py: the daemon's side, which never imports it.

NFIQ 2.3 is the reference implementation of ISO/IEC 29794-4: 0..100. nbis-py crashes on a picture of
10x10 px and holds a forest of 41 MB, so it runs in a process of its own, in the vision worker's
kind of cell. That process ends with each visit in which it saw a print: nothing of a person is left
in it, freed memory included.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.fingerprint import FingerImage
from edge.fingers.examiner import Examined, ExaminerLost, ExaminerState, NotAssessed
from edge.vision.child import Child, ChildBegins, ChildLost
from edge.vision.memory import shared_memory
from edge.vision.wire import Message
from formats.finger.minutia import Minutia, MinutiaKind
from quality.finger.score import FingerScore

ALGORITHM: Final = "NFIQ2"
VERSION: Final = "2.3"
"""Of the algorithm, not of the wheel. Its identifiers in records: `formats.finger.records`."""

SIDE_MIN_PX: Final = 64
"""[ours] At 500 ppi. The smallest window with a score is 160x120; at 10x10 nbis-py crashes."""
PICTURE_BYTES_MAX: Final = 1 << 20
"""NFIQ 2 takes 800x1000 px at most."""
BOOT_TIMEOUT_S: Final = 20.0
_MODULE: Final = "edge.fingers.nbis_worker"
SCORED_PPI: Final = 500


_Row = Annotated[
    tuple[
        Annotated[int, Field(ge=0)],
        Annotated[int, Field(ge=0)],
        Annotated[float, Field(ge=0, le=360)],
        Annotated[int, Field(ge=0, le=2)],
        Annotated[int, Field(ge=0, le=100)],
    ],
    # JSON has no tuples; what is in it is taken strictly all the same.
    Field(strict=False),
]
"""A minutia as it is sent: x and y in pixels, angle in degrees, kind, quality."""


class _Examined(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    score: Annotated[int, Field(ge=0, le=100)]
    minutiae: list[_Row]


class _Matched(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    match: Annotated[int, Field(ge=0)]


_Kind = TypeVar("_Kind", _Examined, _Matched)


def missing() -> str | None:
    """Return what is not installed, None if all is; `python3.11 -m setup fingerprints` does."""
    return None if find_spec("nbis") is not None else "nbis-py"


class NbisExaminer:
    """Examines in a process of its own, which begins with `begin` or with the first question.

    A picture that it cannot look at (smaller than 64 px at 500 ppi, larger than 1 MiB) is
    `NotAssessed` without being asked about.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._memory_fd = shared_memory(2 * PICTURE_BYTES_MAX)
        self._memory: mmap.mmap | None = mmap.mmap(self._memory_fd, 0)
        self._child: Child | None = None
        self._lost = self._has_seen = False

    @property
    def pid(self) -> int | None:
        """Of the running process, None if there is none."""
        child = self._child
        return child.pid if child is not None and child.alive else None

    @property
    def state(self) -> ExaminerState:
        """How it is now."""
        child = self._child
        if child is None:
            return ExaminerState.LOST if self._lost else ExaminerState.RESTING
        if not child.alive:
            return ExaminerState.LOST
        return ExaminerState.READY if child.has_spoken else ExaminerState.BEGINNING

    def begin(self) -> None:
        """Let it load, if it has not; returns at once."""
        with self._turn:
            if self._memory is not None and self.pid is None:
                self._end()
                self._begin()

    def examine(self, image: FingerImage, timeout_s: float) -> Examined:
        """Score a press by NFIQ 2 and find its minutiae.

        Raises:
            NotAssessed: NFIQ 2 gives this picture no score. That is not a score of 0.
            ExaminerLost: the process was lost, still begins, or took longer than `timeout_s`,
                which counts twice if it had to be waited for.
        """
        found = self._ask(_Examined, (image,), timeout_s)
        minutiae = tuple(
            Minutia(x_px, y_px, angle_deg % 360, MinutiaKind(kind), quality)
            for x_px, y_px, angle_deg, kind, quality in found.minutiae
        )
        if any(m.x_px >= image.width_px or m.y_px >= image.height_px for m in minutiae):
            with self._turn:
                self._give_up()
            raise ExaminerLost("the examiner: its answer makes no sense")
        return Examined(FingerScore(found.score, ALGORITHM, VERSION), minutiae)

    def match(self, first: FingerImage, second: FingerImage, timeout_s: float) -> int:
        """Return bozorth3 of two presses, whichever comes first. Raises as `examine`."""
        return self._ask(_Matched, (first, second), timeout_s).match

    def forget(self) -> None:
        """End the process if it has seen a print, and begin another for the next visit."""
        with self._turn:
            if self._has_seen and self._memory is not None:
                self._end()
                self._begin()

    def close(self) -> None:
        """End the process and free the memory. Closing twice is allowed."""
        with self._turn:
            self._end()
            if self._memory is not None:
                self._memory.close()
                self._memory = None
                os.close(self._memory_fd)

    def _ask(self, kind: type[_Kind], images: Sequence[FingerImage], timeout_s: float) -> _Kind:
        if not all(map(_fits, images)):
            raise NotAssessed("a picture of this size is not looked at")
        with self._turn:
            try:
                answer = self._answer(images, timeout_s)
                if (reason := answer.get("not_assessed")) is not None:
                    raise NotAssessed(str(reason))
                return kind.model_validate(answer)
            except ValidationError:
                self._give_up()
                # Not the error itself: it quotes what the worker said of a print.
                raise ExaminerLost("the examiner: its answer makes no sense") from None

    def _answer(self, images: Sequence[FingerImage], timeout_s: float) -> Message:
        memory = self._memory
        if memory is None:
            raise ExaminerLost("closed")
        child = self._ready(timeout_s)
        self._has_seen = True
        request = {"pictures": [[i.width_px, i.height_px, i.resolution_ppi] for i in images]}
        try:
            for place, image in enumerate(images):
                _write(memory, place, image.pixels)
            return child.ask(request, max(0.0, timeout_s))
        except BaseException as error:
            # Also when the caller was interrupted: its answer would reach the next question.
            self._give_up()
            if isinstance(error, ChildLost):
                raise ExaminerLost(f"the examiner: {error}") from error
            raise
        finally:
            for place, image in enumerate(images):
                _write(memory, place, bytes(len(image.pixels)))

    def _ready(self, timeout_s: float) -> Child:
        if self._child is None or not self._child.alive:
            self._end()
            self._begin()
        child = self._child
        if child is None:
            raise ExaminerLost("the examiner cannot be started")
        try:
            child.wait_ready(max(0.0, timeout_s))
        except ChildLost as error:
            old = time.monotonic() - child.began_at_s > BOOT_TIMEOUT_S
            if old or not isinstance(error, ChildBegins):
                self._give_up()
            raise ExaminerLost(f"the examiner: {error}") from error
        return child

    def _begin(self) -> None:
        setup = {"picture_bytes_max": PICTURE_BYTES_MAX}
        try:
            self._child = Child(self._memory_fd, setup, module=_MODULE)
        except ChildLost:
            self._lost = True
        else:
            self._lost = self._has_seen = False

    def _give_up(self) -> None:
        self._end()
        self._lost = True

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None
        self._has_seen = False


def _fits(image: FingerImage) -> bool:
    smaller_px = min(image.width_px, image.height_px) * SCORED_PPI // image.resolution_ppi
    return smaller_px >= SIDE_MIN_PX and len(image.pixels) <= PICTURE_BYTES_MAX


def _write(memory: mmap.mmap, place: int, pixels: bytes) -> None:
    at = place * PICTURE_BYTES_MAX
    memory[at : at + len(pixels)] = pixels

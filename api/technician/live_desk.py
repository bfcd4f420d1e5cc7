"""The live picture for all who look: counted and drawn once for each frame, the best figure held.

Nothing is kept but the newest picture, the one that the remote shutter took for a minute, and two
numbers; all of it is forgotten as soon as somebody is at the person's screen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from api.technician.looks import Looks, drawn, look
from api.technician.station import LiveCamera
from drivers.camera import Frame
from edge.utc import now_ms

FRESH_S: Final = 1.0
"""An older picture is never shown as live."""
EVERY_S: Final = 0.1
"""No more than ten pictures a second are counted, however many look."""
STILL_KEPT_S: Final = 60.0
STILL_TIMEOUT_S: Final = 6.0


@dataclass(frozen=True, slots=True)
class Live:
    """One live picture; `captured_at_s` by `time.monotonic`, `best` of the figure so far."""

    jpeg: bytes
    sequence: int
    captured_at_s: float
    looks: Looks
    best: float | None


@dataclass(frozen=True, slots=True)
class Still:
    """What the remote shutter took."""

    jpeg: bytes
    taken_at_ms: int
    taken_at_s: float
    looks: Looks


class LiveDesk:
    """The pictures of one console. Any thread may ask.

    Args:
        camera: the camera's owner.
        hidden: tells whether nothing may be shown now.
        now_s: the clock that frames are stamped with.
    """

    def __init__(
        self,
        camera: LiveCamera,
        hidden: Callable[[], bool],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._camera = camera
        self._hidden = hidden
        self._now_s = now_s
        self._lock = threading.Lock()
        self._frame: Frame | None = None
        self._looks: Looks | None = None
        self._drawn: dict[frozenset[str], bytes] = {}
        self._counted_at_s = float("-inf")
        self._best: tuple[float, int] | None = None
        self._still: Still | None = None

    @property
    def best(self) -> tuple[float, int] | None:
        """The best sharpness since it was reset, and when (UTC ms)."""
        return self._best

    def reset_best(self) -> None:
        """Begin anew to hold the best figure."""
        with self._lock:
            self._best = None

    def next(self, after: int, aids: frozenset[str], timeout_s: float) -> Live | None:
        """Return a fresh picture other than number `after`; None: none in time, or hidden."""
        if self._hide():
            return None
        with self._lock:
            self._count(after, timeout_s)
            live = self._live(after, aids)
        return None if self._hide() else live

    def shoot(self) -> Still:
        """Take a picture in full resolution and keep it for a minute.

        Raises:
            DeviceError: as the camera does.
        """
        frame = self._camera.still(STILL_TIMEOUT_S)
        looks = look(frame.bgr)
        still = Still(drawn(frame.bgr, looks, frozenset()), now_ms(), self._now_s(), looks)
        with self._lock:
            self._still = still
        return still

    def still(self) -> Still | None:
        """Return what the shutter took, while it is kept and may be seen."""
        if self._hide():
            return None
        with self._lock:
            still = self._still
            if still is not None and self._now_s() - still.taken_at_s > STILL_KEPT_S:
                self._still = still = None
            return still

    def _hide(self) -> bool:
        if not self._hidden():
            return False
        with self._lock:
            # Whoever is there now is another person than whoever looked before.
            self._frame = self._looks = self._still = None
            self._drawn = {}
        return True

    def _count(self, after: int, timeout_s: float) -> None:
        newest = -1 if self._frame is None else self._frame.sequence
        rest_s = self._counted_at_s + EVERY_S - self._now_s()
        if rest_s > 0 and newest != after and self._frame is not None:
            return
        if rest_s > 0:
            time.sleep(min(rest_s, EVERY_S))
        frame = self._camera.wait_frame(newest, timeout_s)
        if frame is None:
            # A camera that was opened anew counts from the beginning.
            frame = self._camera.wait_frame(-1, 0.0)
        if frame is None or (self._frame is not None and frame.sequence == newest):
            return
        self._frame, self._looks, self._drawn = frame, look(frame.bgr), {}
        self._counted_at_s = self._now_s()
        sharp = self._looks.sharpness
        if sharp is not None and (self._best is None or sharp > self._best[0]):
            self._best = (sharp, now_ms())

    def _live(self, after: int, aids: frozenset[str]) -> Live | None:
        frame, looks = self._frame, self._looks
        if frame is None or looks is None or frame.sequence == after:
            return None
        if self._now_s() - frame.captured_at_s > FRESH_S:
            return None
        if aids not in self._drawn:
            self._drawn[aids] = drawn(frame.bgr, looks, aids)
        best = None if self._best is None else self._best[0]
        return Live(self._drawn[aids], frame.sequence, frame.captured_at_s, looks, best)

"""Looks whether a start stays healthy; then its settings are good, and its silence is forgiven.

A thread of its own looks once a second. It writes two small files, once in the life of a start.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from edge.store.errors import StoreError

LOOK_S: Final = 1.0
HEALTHY_AFTER_S: Final = 120.0
"""[ours] Longer than the vision worker's start, a reader's speed search and the first delivery."""
HARMLESS: Final = frozenset(
    {
        "battery_low", "clock_suspect", "field_check_due", "field_check_running", "lid_closed",
        "maintenance", "store_full", "update_trying",
    }
)  # fmt: skip
"""Reasons that speak of the day, not of the settings."""

log = structlog.get_logger("upkeep")


@dataclass(frozen=True, slots=True)
class Healthy:
    """What is looked at, and what follows.

    Attributes:
        failed: only a restart can mend it.
        reasons: why no sitting may begin.
        devices_work: every device is there.
        lived: called once, when the start has lived for long enough, whatever its devices.
        good: called once, when all was well for long enough without a break.
        each: called at every look.
    """

    failed: Callable[[], bool]
    reasons: Callable[[], Sequence[str]]
    devices_work: Callable[[], bool]
    lived: Callable[[], object]
    good: Callable[[], object]
    each: Callable[[], object] = lambda: None


class HealthWatch:
    """Watches one start."""

    def __init__(
        self,
        healthy: Healthy,
        after_s: float = HEALTHY_AFTER_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; `start` begins, and `look` may be called without a thread."""
        self._healthy = healthy
        self._after_s = after_s
        self._clock_s = clock_s
        self._begun_s = self._well_since_s = clock_s()
        self._lived = self._good = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="health-watch")

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """End the thread. Closing twice is allowed."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()

    def look(self) -> None:
        """Look once."""
        healthy, now_s = self._healthy, self._clock_s()
        healthy.each()
        if healthy.failed():
            self._begun_s = self._well_since_s = now_s
            return
        if not self._lived and now_s - self._begun_s >= self._after_s:
            healthy.lived()
            self._lived = True
        if not (set(healthy.reasons()) <= HARMLESS and healthy.devices_work()):
            self._well_since_s = now_s
        elif not self._good and now_s - self._well_since_s >= self._after_s:
            healthy.good()
            self._good = True

    def _watch(self) -> None:
        while not self._closing.wait(LOOK_S):
            try:
                self.look()
            except (OSError, StoreError) as error:
                # It is tried again: a disk that is full today has room tomorrow.
                log.warning("health_not_kept", code=type(error).__name__)

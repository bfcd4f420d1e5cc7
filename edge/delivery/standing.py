"""How one sink does: what its outbox learned of it, as the console and the metrics show it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.store.rows import Role

INVALID_RECEIPTS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """One moment of one outbox.

    Attributes:
        state: "idle", "sending", "backing_off", "out_of_hours", "stopped", "ended" or "failed".
        last_code: how the last try ended; None before the first.
        failures: tries in a row that failed.
        alarms: codes of what a technician must look at.
        next_try_s: seconds until the next try, None if none is planned.
        oldest_age_s: since the oldest waiting package was sealed, None if none waits.
    """

    sink: str
    role: Role
    state: str
    last_code: str | None
    failures: int
    alarms: tuple[str, ...]
    next_try_s: float | None
    waiting: int
    oldest_age_s: float | None


class Standing:
    """Written by the outbox's thread alone; any thread may ask for the status.

    Attributes:
        state: as in `OutboxStatus`.
        failures: tries in a row that failed.
        next_try_at_s: monotonic time of the next try, None if none is planned.
    """

    def __init__(self, sink: str, role: Role, observe_try: Callable[[str], None]) -> None:
        self.state = "idle"
        self.failures = 0
        self.next_try_at_s: float | None = None
        self.count = observe_try
        """Is told the code of every try that ended."""
        self._sink = sink
        self._role: Role = role
        self._last_code = ""
        self._alarms: frozenset[str] = frozenset()
        self._invalid_receipts = 0

    def begin_try(self) -> None:
        """A package is on its way."""
        self.state, self.next_try_at_s = "sending", None

    def rest(self, state: str, next_try_at_s: float | None) -> None:
        """Nothing is sent until then; None: until something comes."""
        self.state, self.next_try_at_s = state, next_try_at_s

    def work(self, code: str) -> None:
        """The sink works, whatever it said of the package."""
        self._alarms -= {"sink_closed", "receipts_invalid"}
        self._last_code = code
        self.failures = self._invalid_receipts = 0
        self.count(code)

    def fail(self, code: str) -> None:
        """A try failed; it is counted once it is noted."""
        self.failures += 1
        self._last_code = code

    def doubt(self) -> None:
        """A receipt did not verify; so many in a row are an alarm."""
        self._invalid_receipts += 1
        if self._invalid_receipts >= INVALID_RECEIPTS_MAX:
            self.alarm("receipts_invalid")

    def alarm(self, code: str) -> None:
        """A technician must look."""
        self._alarms |= {code}

    def end(self, alarm: str = "") -> None:
        """The thread is over, by an alarm or because it was asked to."""
        self.state = "failed" if alarm else "ended"
        if alarm:
            self.alarm(alarm)

    def status(self, waiting: int, oldest_ms: int | None) -> OutboxStatus:
        """Return this moment; `oldest_ms`: when the oldest that waits was sealed, UTC."""
        next_at_s = self.next_try_at_s
        return OutboxStatus(
            sink=self._sink,
            role=self._role,
            state=self.state,
            last_code=self._last_code or None,
            failures=self.failures,
            alarms=tuple(sorted(self._alarms)),
            next_try_s=None if next_at_s is None else max(0.0, next_at_s - time.monotonic()),
            waiting=waiting,
            oldest_age_s=None if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000),
        )

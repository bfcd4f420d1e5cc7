"""How long an outbox waits, and what it shows of itself."""

from __future__ import annotations

import random
from dataclasses import dataclass

from edge.store.rows import Role


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the outbox waits, in seconds; the waits themselves are drawn at random.

    Attributes:
        first_max_s: before the first try, so that a city's power return does not hit the centre
            at once.
        base_s, max_s: back-off n is drawn from 0 to min(max_s, base_s * 2**n): full jitter.
        pending_s: between two questions for a receipt that is not there yet.
        closed_s: after an answer that only new settings, there or here, can mend.
    """

    first_max_s: float = 300.0
    base_s: float = 2.0
    max_s: float = 900.0
    pending_s: float = 60.0
    closed_s: float = 3600.0

    def back_off_s(self, failures: int) -> float:
        """Draw the wait after that many failures in a row, the first being 1."""
        # The exponent has a ceiling so that years of failures do not overflow a float.
        ceiling_s = min(self.max_s, self.base_s * 2.0 ** min(failures - 1, 30))
        return random.uniform(0, ceiling_s)  # noqa: S311 - spreads load, hides nothing


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """One moment of one outbox.

    Attributes:
        state: "idle", "sending", "backing_off", "stopped", "ended" or "failed".
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

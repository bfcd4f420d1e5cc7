"""How content people were: counted by the day, and by nothing else.

No time of day, no sitting, no order among the answers, no figure that grows while somebody watches:
who gave which cannot be found out afterwards, not even by whoever knows who was served when.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

import apsw
import structlog

from edge.service.tickets import Tickets
from edge.store import Store
from edge.store.disk_floor import Reserve
from edge.store.errors import StoreError
from edge.utc import now_ms, rfc3339

Score = Literal["good", "fair", "poor"]
Reason = Literal["", "waited", "hard"]
SCORES: Final = get_args(Score)
REASONS: Final = get_args(Reason)
SCALE: Final = len(SCORES)
FLOOR: Final = 5
"""[ours] Of fewer answers than these in a month nothing is told: they could be counted off against
the persons who were here."""

log = structlog.get_logger("ratings")


@dataclass(frozen=True, slots=True)
class MonthRatings:
    """The answers of a month that is over; `reasons` are those of poor ones that gave any."""

    scores: dict[str, int]
    reasons: dict[str, int]

    @property
    def answers(self) -> int:
        """How many answered."""
        return sum(self.scores.values())


class Ratings:
    """Takes answers. Any thread may call it."""

    def __init__(
        self,
        store: Store,
        tickets: Tickets | None = None,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        """Count in the journal; with `tickets` a poor answer opens one."""
        self._store = store
        self._tickets = tickets
        self._clock_ms = clock_ms

    def note(self, score: Score, reason: Reason = "") -> None:
        """Count one answer. One that cannot be written is lost: nobody is kept waiting for it.

        Raises:
            ValueError: no such score, or a reason with another score than "poor".
        """
        if score not in SCORES or reason not in REASONS or (reason and score != "poor"):
            raise ValueError("no such answer")
        day = rfc3339(self._clock_ms())[:10]
        try:
            self._store.write(lambda db: _count(db, day, score, reason), Reserve.SITTING)
        except StoreError:
            log.warning("rating_lost")
        if score == "poor" and self._tickets is not None:
            self._tickets.raise_("rating", None, reason or "poor")


def month_ratings(db: apsw.Connection, month: str, now_at_ms: int) -> MonthRatings | None:
    """Return the answers of a month ("2026-11"); None while it runs, or of fewer than `FLOOR`."""
    if month >= rfc3339(now_at_ms)[:7]:
        return None
    found = db.execute(
        "select score, reason, sum(count) from rating where substr(day, 1, 7) = ?"
        " group by score, reason",
        (month,),
    )
    scores, reasons = dict.fromkeys(SCORES, 0), dict.fromkeys(filter(None, REASONS), 0)
    for score, reason, count in found:
        scores[score] += count
        if reason:
            reasons[reason] += count
    ratings = MonthRatings(scores, reasons)
    return ratings if ratings.answers >= FLOOR else None


def _count(db: apsw.Connection, day: str, score: str, reason: str) -> None:
    db.execute(
        "insert into rating(day, score, reason, count) values(?, ?, ?, 1)"
        " on conflict(day, score, reason) do update set count = count + 1",
        (day, score, reason),
    )

"""What the service did for people in a month: calls, waits, papers, answers. Counts, and nobody.

A count so small that it could be held against the persons who were here is not told: see `FLOOR`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Final

import apsw

from edge import figures
from edge.service import ticket
from edge.service.ratings import FLOOR, MonthRatings, month_ratings
from edge.service.ticket import KINDS

ACTS: Final = ("raised", "again", "answered", "resolved", "withdrawn")


@dataclass(frozen=True, slots=True)
class ServiceMonth:
    """One month.

    Attributes:
        calls: of each kind but ratings, how many were raised, raised again, answered, resolved,
            withdrawn.
        waits_ms: of everybody who called and was answered, shortest first.
        papers: how many papers were to be brought later, and of which codes, from `FLOOR` on.
        ratings: None while the month runs, or of fewer answers than `FLOOR`.
        followed_up: tickets of poor answers: raised, answered, resolved; with `ratings` alone.
    """

    calls: Mapping[str, Mapping[str, int]]
    waits_ms: Sequence[int]
    papers: int
    papers_by_code: Mapping[str, int]
    ratings: MonthRatings | None
    followed_up: Mapping[str, int]

    def wait_s(self, share: float) -> float | None:
        """Return the wait that this share of the calls did not exceed: the nearest rank, or None.

        Args:
            share: 0.5 for the median, 0.95.
        """
        if not self.waits_ms:
            return None
        return self.waits_ms[ceil(share * len(self.waits_ms)) - 1] / 1000


def service_month(db: apsw.Connection, month: str, now_ms: int) -> ServiceMonth:
    """Return what was counted in a month ("2026-11", UTC).

    Args:
        db: of the journal.
        month: which.
        now_ms: UTC: of the running month no answers are told.
    """
    counted = figures.month_figures(db, month)
    tickets, papers = counted.get(figures.TICKET, {}), counted.get(figures.MATERIAL, {})
    ratings = month_ratings(db, month, now_ms)
    begins_ms, ends_ms = bounds_ms(month)
    return ServiceMonth(
        calls={kind: _acts(tickets, kind) for kind in KINDS if kind != "rating"},
        waits_ms=ticket.waits_ms(db, begins_ms, ends_ms),
        papers=sum(papers.values()),
        papers_by_code={code: count for code, count in papers.items() if count >= FLOOR},
        ratings=ratings,
        followed_up={} if ratings is None else _acts(tickets, "rating"),
    )


def bounds_ms(month: str) -> tuple[int, int]:
    """Return when a month ("2026-11") begins and ends, in UTC milliseconds."""
    year, number = (int(part) for part in month.split("-"))
    begins = datetime(year, number, 1, tzinfo=UTC)
    ends = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return round(begins.timestamp() * 1000), round(ends.timestamp() * 1000)


def _acts(tickets: Mapping[str, int], kind: str) -> dict[str, int]:
    return {act: tickets.get(f"{kind}.{act}", 0) for act in ACTS}

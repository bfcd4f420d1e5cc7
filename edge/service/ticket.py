"""One call for staff, from raised to resolved, and its row in the journal.

Every function runs in the caller's transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import apsw

TicketKind = Literal["help", "device", "number", "rating", "rest"]
KINDS: Final = get_args(TicketKind)
DAY_MS: Final = 24 * 3600 * 1000
KEPT_MS: Final = 400 * DAY_MS
"""So long a resolved ticket can be counted: as long as a receipt is kept."""
_COLUMNS: Final = (
    "id, kind, sitting_id, why, raised_at_ms, last_at_ms, times,"
    " answered_at_ms, answered_by, wait_ms, resolved_at_ms, resolved_by"
)


class NoSuchTicket(Exception):
    """No open ticket has that id: it was resolved meanwhile, or never raised. Look again."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One call for staff.

    Attributes:
        id: random.
        kind: what staff are wanted for.
        sitting_id: of whoever is served; None before a sitting, and always for a rating.
        why: a code: "touched", "pictures", "camera_lost", "waited", ...
        raised_at_ms: UTC; of a rating the beginning of its day.
        last_at_ms: UTC; when it was raised the last time.
        times: how often it was raised; a rating: how many of its day.
        answered_at_ms, answered_by: UTC, and the staff's id; None while nobody comes.
        wait_ms: from raised to answered.
        resolved_at_ms, resolved_by: UTC, and the staff's id; no id: the person needs nobody now.
    """

    id: str
    kind: TicketKind
    sitting_id: str | None
    why: str
    raised_at_ms: int
    last_at_ms: int
    times: int = 1
    answered_at_ms: int | None = None
    answered_by: str | None = None
    wait_ms: int | None = None
    resolved_at_ms: int | None = None
    resolved_by: str | None = None

    @property
    def answered(self) -> bool:
        """Whether somebody said that he comes."""
        return self.answered_at_ms is not None

    @property
    def resolved(self) -> bool:
        """Whether nothing is left to do."""
        return self.resolved_at_ms is not None


def new_ticket(kind: TicketKind, sitting_id: str | None, why: str, now_ms: int) -> Ticket:
    """Return a ticket that is raised now; a rating's tells neither the hour nor the sitting."""
    if kind not in KINDS:
        raise ValueError(f"no ticket is of kind {kind!r}")
    if kind == "rating":
        sitting_id, now_ms = None, now_ms - now_ms % DAY_MS
    return Ticket(secrets.token_hex(8), kind, sitting_id, why, now_ms, now_ms)


def keep(db: apsw.Connection, ticket: Ticket) -> None:
    """Write a ticket as it is now, new or changed."""
    values = tuple(getattr(ticket, name.strip()) for name in _COLUMNS.split(","))
    marks = ", ".join("?" * len(values))
    db.execute(f"insert or replace into ticket({_COLUMNS}) values({marks})", values)


def open_tickets(db: apsw.Connection) -> list[Ticket]:
    """Return the tickets that nobody has resolved, oldest first."""
    rows = db.execute(
        f"select {_COLUMNS} from ticket where resolved_at_ms is null order by raised_at_ms, id"  # noqa: S608 - our own names
    )
    return [Ticket(*row) for row in rows]


def waits_ms(db: apsw.Connection, from_ms: int, until_ms: int) -> list[int]:
    """Return how long each person waited who called between these moments and was answered."""
    rows: Sequence[tuple[Any, ...]] = db.execute(
        "select wait_ms from ticket where raised_at_ms >= ? and raised_at_ms < ?"
        " and kind <> 'rating' and wait_ms is not null order by wait_ms",
        (from_ms, until_ms),
    ).fetchall()
    return [int(wait_ms) for (wait_ms,) in rows]


def any_to_forget(db: apsw.Connection, now_ms: int) -> bool:
    """Tell whether a resolved ticket has been kept long enough."""
    found = db.execute(
        "select 1 from ticket where raised_at_ms < ? and resolved_at_ms is not null limit 1",
        (now_ms - KEPT_MS,),
    ).get
    return found is not None


def forget(db: apsw.Connection, now_ms: int) -> None:
    """Delete resolved tickets that were kept long enough."""
    db.execute(
        "delete from ticket where raised_at_ms < ? and resolved_at_ms is not null",
        (now_ms - KEPT_MS,),
    )

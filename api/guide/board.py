"""From screen, lists and role to what the console's templates draw. Pure: no I/O, no clock.

Words are codes here; the templates ask the catalogues. The key changes whenever the page must be
drawn anew; what only moves within it is in `live`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from api.console.session import Session
from api.guide.rows import Detail, QueueRow
from edge.assist.offers import NOTHING, Offers, may_see, offers
from edge.assist.remote import places
from edge.left import LeftSitting
from edge.service.ticket import Ticket
from edge.sitting import FingerPhase, Snapshot, State, mark_of

MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One call for staff, as the console lists it.

    Attributes:
        minutes: since it was raised, whole; None where nobody shall know.
        here: it is of whoever is before the screen now.
    """

    id: str
    kind: str
    why: str
    minutes: int | None
    times: int
    answered_by: str
    here: bool


@dataclass(frozen=True, slots=True)
class Lists:
    """What stands in the journal, read a moment ago.

    Attributes:
        initial: first letter of the surname of whoever is served, "" if nobody knows.
        number: the day's number of the same, "" without one.
        opened: id of the row that is open.
        detail: what that row tells, None if nothing.
        fresh: the lists could be read; else the store does not answer.
    """

    queue: tuple[QueueRow, ...] = ()
    tickets: tuple[TicketRow, ...] = ()
    left: tuple[LeftSitting, ...] = ()
    initial: str = ""
    number: str = ""
    opened: str = ""
    detail: Detail | None = None
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class Board:
    """One drawn console.

    Attributes:
        mark: names the screen that forms were drawn for; a post with another does nothing.
        hint: kiosk catalogue id of what the person is told now, "" for nothing.
        mine: this session's person acts for the subject now; `others`: somebody else does.
        offers: what may be done now; empty unless it is `mine`.
        sees: the camera's picture may be seen.
        remote: "", "asked", "on", or "other" while somebody else helps from afar.
    """

    shown: Snapshot
    session: Session
    lists: Lists
    mark: str
    hint: str
    mine: bool
    others: bool
    offers: Offers
    sees: bool
    remote: str
    key: str

    @property
    def served(self) -> bool:
        """Whether somebody is in a sitting."""
        return self.shown.sitting_id is not None

    @property
    def said(self) -> str:
        """The line that answers the last act, as long as the screen is the one it was done on."""
        return self.session.said if self.session.said_on == self.mark else ""

    @property
    def places(self) -> tuple[str, ...]:
        """Actions of the buttons that somebody far away may mark."""
        return places(self.shown)

    @property
    def live(self) -> dict[str, str | int | bool]:
        """What a page that stands needs to keep up; codes and counts, nothing of a person."""
        return {"key": self.key, "calls": len(self.lists.tickets), "sees": self.sees}


def board(shown: Snapshot, session: Session, lists: Lists, remote_owner: str) -> Board:
    """Draw the console for one session."""
    member = session.member
    far = member.role == "remote"
    mine = not far and shown.assisted_by == member.staff_id
    phase = shown.remote.phase if shown.remote else ""
    remote = phase if not phase or not far or remote_owner == member.staff_id else "other"
    may = offers(shown, member.role) if mine else NOTHING
    sees = may_see(shown) and (remote == "on" or not far)
    hint = _hint(shown) if not far or remote == "on" else ""
    mark = mark_of(shown)
    parts = (
        shown.token, mark, shown.overlay, shown.state, shown.assisted_by, shown.remote, shown.help,
        shown.portrait_in, shown.fingers_in, shown.finger_exceptions, shown.missing, shown.result,
        shown.stuck, shown.calm_long, shown.shutter_refused, shown.camera, shown.reader,
        shown.out_of_service, shown.number_unknown, shown.number_closed, hint, sees, remote, may,
        lists, session.language, session.said,
    )  # fmt: skip
    # Hashed: neither a token nor a name is to be read in what goes over the line again and again.
    key = sha256(repr(parts).encode()).hexdigest()[:16]
    others = bool(shown.assisted_by) and not mine
    return Board(shown, session, lists, mark, hint, mine, others, may, sees, remote, key)


def ticket_rows(
    tickets: Sequence[Ticket], sitting_id: str | None, now_ms: int
) -> tuple[TicketRow, ...]:
    """Return the calls as the console lists them: of whoever is here now first, then the oldest."""
    rows = [
        TicketRow(
            id=ticket.id,
            kind=ticket.kind,
            why=ticket.why,
            # Of a rating the day alone is kept.
            minutes=None
            if ticket.kind == "rating"
            else max(0, now_ms - ticket.raised_at_ms) // MINUTE_MS,
            times=ticket.times,
            answered_by=ticket.answered_by or "",
            here=sitting_id is not None and ticket.sitting_id == sitting_id,
        )
        for ticket in tickets
    ]
    return tuple(sorted(rows, key=lambda row: not row.here))


def _hint(shown: Snapshot) -> str:
    if shown.state is State.FINGER and shown.finger:
        if shown.finger.phase in (FingerPhase.READING, FingerPhase.CHECKING):
            return f"finger.{shown.finger.phase.value}"
        return shown.finger.hint or "finger.place"
    return shown.hint or ""

"""Calls for staff: raised, answered, resolved. Each is told as an event and outlives a restart.

Whoever calls does not wait for the disk: what cannot be written now waits in memory, and is shown
to the staff all the same. A call that nobody answers is raised again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import apsw
import structlog

from edge import figures
from edge.events import EventType, note_event
from edge.service import ticket as rows
from edge.service.ticket import NoSuchTicket, Ticket, TicketKind, new_ticket
from edge.store import Store
from edge.store.disk_floor import Reserve
from edge.store.errors import StoreError
from edge.trust import audit
from edge.trust.audit import Actor
from edge.utc import now_ms, rfc3339

AGAIN_AFTER_S: Final = 60.0
TIMES_MAX: Final = 10
"""[ours] Who did not come in ten minutes is not there: it stays open, and rings no more."""
LOOK_S: Final = 1.0
FORGET_EVERY_LOOKS: Final = 3600
WAITING_MAX: Final = 500

log = structlog.get_logger("tickets")

__all__ = ["NoSuchTicket", "Ticket", "TicketKind", "Tickets"]


def steady_ms() -> int:
    """Return milliseconds since this machine started; nobody can set that clock."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


@dataclass(frozen=True, slots=True)
class _Change:
    """One thing to write: the ticket as it is then, and what is told and counted of it."""

    ticket: Ticket
    what: str
    at_ms: int
    actor: Actor | None = None


class Tickets:
    """The open calls of one station. Any thread may call it."""

    def __init__(
        self,
        store: Store,
        *,
        again_after_s: float = AGAIN_AFTER_S,
        observe_wait: Callable[[float], None] = lambda _: None,
        clock_ms: Callable[[], int] = now_ms,
        clock_steady_ms: Callable[[], int] = steady_ms,
    ) -> None:
        """Take up what an earlier run left open; nothing is raised again before `start`.

        Args:
            store: the journal.
            again_after_s: so long a call may go unanswered before it is raised again.
            observe_wait: is told the seconds from each call to its answer, or to where the person
                needs nobody any more.
            clock_ms: UTC milliseconds.
            clock_steady_ms: milliseconds by a clock that never jumps.
        """
        self._store = store
        self._again_after_ms = round(again_after_s * 1000)
        self._observe_wait = observe_wait
        self._clock_ms = clock_ms
        self._steady_ms = clock_steady_ms
        self._lock = threading.Lock()
        self._open = {one.id: one for one in store.read(rows.open_tickets)}
        begun_ms = clock_steady_ms()
        self._rang_ms = dict.fromkeys(self._open, begun_ms)
        self._raised_ms: dict[str, int] = {}
        self._waiting: deque[_Change] = deque(maxlen=WAITING_MAX)
        self._writing = threading.Lock()
        self._looks = 0
        self._closing = threading.Event()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to raise again what nobody answers."""
        self._thread = threading.Thread(target=self._watch, name="tickets")
        self._thread.start()

    def close(self) -> None:
        """Write what waits and end the thread. Closing twice is allowed."""
        self._closing.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()
        self._write()

    def raise_(self, kind: TicketKind, sitting_id: str | None, why: str) -> str:
        """Call staff; the same call while nobody has answered is that ticket, raised once more.

        Args:
            kind: what for.
            sitting_id: of whoever is served; None before a sitting.
            why: a code.

        Returns:
            the ticket's id, at once; it is written as soon as it can be.

        Raises:
            ValueError: no such kind.
        """
        at_ms, steady = self._clock_ms(), self._steady_ms()
        with self._lock:
            asked = new_ticket(kind, sitting_id, why, at_ms)
            same = next((one for one in self._open.values() if _same_call(one, asked)), None)
            if same is None:
                ticket = asked
                self._raised_ms[ticket.id] = steady
            else:
                ticket = replace(same, times=same.times + 1, last_at_ms=asked.raised_at_ms)
            self._open[ticket.id] = ticket
            self._rang_ms[ticket.id] = steady
            self._waiting.append(_Change(ticket, "raised" if same is None else "again", at_ms))
        self._write_soon()
        return ticket.id

    def answer(self, ticket_id: str, staff_id: str) -> Ticket:
        """Note that somebody comes; who said so first stays.

        Raises:
            NoSuchTicket: resolved meanwhile, or never raised.
        """
        with self._lock:
            before = self._find(ticket_id)
            if before.answered:
                return before
            after = self._answered(before, staff_id)
            self._open[ticket_id] = after
            self._post(after, "answered", staff_id)
        self._told_wait(after)
        self._write()
        return after

    def resolve(self, ticket_id: str, staff_id: str) -> Ticket:
        """Note that nothing is left to do; what nobody answered is answered with it.

        Raises:
            NoSuchTicket: resolved meanwhile, or never raised.
        """
        with self._lock:
            before = self._find(ticket_id)
            answered = before if before.answered else self._answered(before, staff_id)
            if not before.answered:
                self._post(answered, "answered", staff_id)
            after = replace(answered, resolved_at_ms=self._clock_ms(), resolved_by=staff_id)
            self._drop(ticket_id)
            self._post(after, "resolved", staff_id)
        if not before.answered:
            self._told_wait(after)
        self._write()
        return after

    def withdraw(self, ticket_id: str) -> None:
        """Note that the person needs nobody any more; of one that is not open: nothing."""
        with self._lock:
            before = self._open.get(ticket_id)
            if before is None:
                return
            in_vain = None if before.answered else self._waited_ms(before)
            after = replace(before, resolved_at_ms=self._clock_ms())
            self._drop(ticket_id)
            self._post(after, "resolved" if before.answered else "withdrawn")
        if in_vain is not None:
            self._observe_wait(in_vain / 1000)
        self._write_soon()

    def open(self) -> list[Ticket]:
        """Return what is not resolved: first what nobody answered, then the oldest."""
        with self._lock:
            found = list(self._open.values())
        return sorted(found, key=lambda one: (one.answered, one.raised_at_ms, one.id))

    def ticket(self, ticket_id: str) -> Ticket | None:
        """Return an open ticket, None if it is not open."""
        with self._lock:
            return self._open.get(ticket_id)

    def look(self) -> None:
        """Raise again what nobody answered for so long, write what waits, forget what is old."""
        at_ms, steady = self._clock_ms(), self._steady_ms()
        with self._lock:
            for one in list(self._open.values()):
                late = steady - self._rang_ms[one.id] >= self._again_after_ms
                if late and not one.answered and one.kind != "rating" and one.times < TIMES_MAX:
                    again = replace(one, times=one.times + 1, last_at_ms=at_ms)
                    self._open[one.id] = again
                    self._rang_ms[one.id] = steady
                    self._waiting.append(_Change(again, "again", at_ms))
        self._write()
        if self._looks % FORGET_EVERY_LOOKS == 0:
            self._forget(at_ms)
        self._looks += 1

    def _watch(self) -> None:
        while not self._closing.is_set():
            self.look()
            self._news.wait(LOOK_S)
            self._news.clear()

    def _find(self, ticket_id: str) -> Ticket:
        try:
            return self._open[ticket_id]
        except KeyError:
            raise NoSuchTicket(ticket_id) from None

    def _answered(self, ticket: Ticket, staff_id: str) -> Ticket:
        return replace(
            ticket,
            answered_at_ms=self._clock_ms(),
            answered_by=staff_id,
            wait_ms=self._waited_ms(ticket),
        )

    def _waited_ms(self, ticket: Ticket) -> int | None:
        if ticket.kind == "rating":
            return None
        begun_ms = self._raised_ms.get(ticket.id)
        if begun_ms is not None:
            return self._steady_ms() - begun_ms
        # Of one that a run before us raised only the wall clock knows, which may have been set.
        return max(0, self._clock_ms() - ticket.raised_at_ms)

    def _told_wait(self, ticket: Ticket) -> None:
        if ticket.wait_ms is not None:
            self._observe_wait(ticket.wait_ms / 1000)

    def _post(self, ticket: Ticket, what: str, staff_id: str | None = None) -> None:
        actor = None if staff_id is None else Actor("attendant", staff_id)
        self._waiting.append(_Change(ticket, what, self._clock_ms(), actor))

    def _drop(self, ticket_id: str) -> None:
        del self._open[ticket_id]
        self._rang_ms.pop(ticket_id, None)
        self._raised_ms.pop(ticket_id, None)

    def _write_soon(self) -> None:
        if self._thread is None:
            self._write()
        else:
            self._news.set()

    def _write(self) -> None:
        with self._writing:
            with self._lock:
                changes = tuple(self._waiting)
            if not changes:
                return

            def write(db: apsw.Connection) -> None:
                for change in changes:
                    _keep(db, change)

            try:
                self._store.write(write, Reserve.SITTING)
            except StoreError:
                log.warning("tickets_wait", count=len(changes))
                return
            with self._lock:
                # What came meanwhile stands behind; of a full queue the first are gone already.
                while self._waiting and any(self._waiting[0] is change for change in changes):
                    self._waiting.popleft()

    def _forget(self, at_ms: int) -> None:
        try:
            if self._store.read(lambda db: rows.any_to_forget(db, at_ms)):
                self._store.write(lambda db: rows.forget(db, at_ms), Reserve.LAST)
        except StoreError:
            log.warning("tickets_not_forgotten")


def _same_call(one: Ticket, asked: Ticket) -> bool:
    if one.answered or (one.kind, one.sitting_id, one.why) != (
        asked.kind, asked.sitting_id, asked.why,
    ):  # fmt: skip
        return False
    return one.kind != "rating" or one.raised_at_ms == asked.raised_at_ms


def _keep(db: apsw.Connection, change: _Change) -> None:
    """Write one change with its event, its count and, of what staff did, its row of audit."""
    ticket, what, at_ms = change.ticket, change.what, change.at_ms
    rows.keep(db, ticket)
    figures.count(db, figures.TICKET, f"{ticket.kind}.{what}", at_ms)
    if change.actor is not None:
        subject = {"ticket_id": ticket.id}
        audit.append(db, rfc3339(at_ms), change.actor, _ACTS[what], subject, "ok")
    if ticket.kind == "rating":
        # Told at once it would say who of those that just left was not content.
        return
    if what == "raised":
        figures.count(db, figures.HELP, "raised", at_ms)
    facts: dict[str, int | str | None] = {
        "why": ticket.why, "kind": ticket.kind, "ticket_id": ticket.id, "times": ticket.times,
    }  # fmt: skip
    if ticket.wait_ms is not None:
        facts["wait_ms"] = ticket.wait_ms
    note_event(db, _EVENTS[what], ticket.sitting_id, facts, at_ms)


_EVENTS: Final[dict[str, EventType]] = {
    "raised": "help.raised",
    "again": "help.raised",
    "answered": "help.answered",
    "resolved": "help.resolved",
    "withdrawn": "help.resolved",
}
_ACTS: Final = {"answered": "ticket.answer", "resolved": "ticket.resolve"}
"""What staff do, as the audit chain has it."""

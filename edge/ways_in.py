"""How a sitting begins, or is gone on with: by a touch, a slip, after a power cut, after leaving.

Runs on the sitting's thread. What follows is the moves' (`edge.moves`).
"""

from __future__ import annotations

import secrets

import structlog

from edge.help_call import HelpCalls
from edge.moves import Moves
from edge.orders import desk as order_desk
from edge.orders.order import Order
from edge.orders.slips import SlipTries, slip_code
from edge.record import Record
from edge.room import Room
from edge.screen import Screen
from edge.sitting import Event, NameView, PreferencesView, move
from edge.visit import Visit

log = structlog.get_logger("sitting")


class WaysIn:
    """Opens visits for the moves."""

    def __init__(self, room: Room, screen: Screen, moves: Moves, calls: HelpCalls) -> None:
        self._room = room
        self._screen = screen
        self._moves = moves
        self._calls = calls
        self._tries = SlipTries()

    def find(self, given: str, *, by_staff: bool) -> None:
        """Begin the order of a slip; an unknown number is for staff to look into.

        Raises:
            IllegalMove, StoreFull, StoreBroken: as `Moves.make`.
        """
        code = slip_code(given)
        begun = None
        if code is not None and (by_staff or not self._tries.closed):
            begun = order_desk.begin_by_slip(self._room, self._screen.snapshot.language, code)
        if begun is None:
            if not by_staff:
                self._tries.unknown()
            self._calls.call("number", "unknown")
            self._moves.make(Event.NUMBER_UNKNOWN)
            self._screen.show(number_unknown=True, number_closed=self._tries.closed)
            return
        self._calls.settle("unknown")
        order = begun[1]
        named = bool(order.surname) or order.proxy
        event = Event.ORDER_FOUND if named else Event.ORDER_FOUND_NAMELESS
        self._begin(event, *begun)

    def resume(self) -> None:
        """Go on where a power cut or a restart interrupted, if somebody may still be there."""
        record = self._room.records.interrupted(self._room.limits.resume_within_s)
        if record is None or not self._room.makes(record.progress.documents):
            order_desk.settle(self._room, None)
            return
        order_desk.settle(self._room, record.sitting_id)
        self._resume(record)

    def resume_left(self, record: Record, staff_id: str) -> None:
        """Go on with a sitting that was left; its order has ended. Raises as `Moves.make`."""
        record.take_up(staff_id)
        log.info("left_resumed", sitting=record.sitting_id)
        self._resume(record)

    def _resume(self, record: Record) -> None:
        order = order_desk.take(self._room, record.sitting_id)
        visit = Visit(self._room, record, self._screen, order)
        with self._screen.together():
            self._screen.show(language=record.language, resumed=True)
            self._open(visit, order)
            self._calls.adopt(record.sitting_id)
            self._moves.make(visit.resumes_with)

    def start(self, event: Event) -> None:
        """Begin by a touch: the oldest order that waits, a walk-in, or none of both.

        Raises:
            IllegalMove, StoreFull, StoreBroken: as `Moves.make`.
        """
        move(self._screen.snapshot.state, event)
        begun = order_desk.begin_record(self._room, self._screen.snapshot.language)
        if begun is None:
            # Only orders begin here, and none waits: perhaps the person has a number.
            self._moves.make(Event.ENTER_NUMBER)
        else:
            self._begin(event, *begun)

    def _begin(self, event: Event, record: Record, order: Order | None) -> None:
        """Open a visit; nobody sees a screen between the welcome and its first state."""
        visit = Visit(self._room, record, self._screen, order)
        if event is Event.START_AS_RELATIVE:
            known = visit.relative_acts() is Event.NAME_RELATIVE_KNOWN
            event = Event.NAME_RELATIVE_KNOWN if known else event
        if visit.reuse is not None:
            visit.reuse.begin()
        after = move(self._screen.snapshot.state, event)
        with self._screen.together():
            self._screen.show(language=record.language, number_unknown=False, number_closed=False)
            self._open(visit, order)
            self._moves.show(after)
        log.info("moved", sitting=self._moves.sitting_id, event_code=event.value, state=after.value)

    def _open(self, visit: Visit, order: Order | None) -> None:
        self._moves.visit = visit
        self._screen.show(
            sitting_id=visit.record.sitting_id,
            token=secrets.token_urlsafe(16),
            documents=tuple(document.id for document in visit.documents),
            portrait_in=visit.record.portrait_in,
            fingers_in=visit.record.fingers_in,
            missing=visit.record.missing,
            name=None if order is None else NameView(order.surname, order.honorific),
            day_number="" if order is None else order.slip_code,
            who="applicant" if visit.record.progress.proxy is None else "proxy",
            fingers_asked=visit.fingers.asked_at_all,
            preferences=_preferences(order),
        )
        visit.fingers.show_all()


def _preferences(order: Order | None) -> PreferencesView:
    if order is None:
        return PreferencesView()
    said = order.preferences
    return PreferencesView(said.text_scale, said.voice, said.contrast, said.seated, said.language)

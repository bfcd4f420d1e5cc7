"""Moves and their effects: what the table names is done, recorded and shown, in this order.

Runs on the sitting's thread. When to move is not decided here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from edge.health import Figures
from edge.orders import desk as order_desk
from edge.room import Room
from edge.screen import Picture, Screen
from edge.sitting import Event, Result, Snapshot, State, move
from edge.store.errors import StoreError
from edge.visit import Visit

_PHOTO_MAY_BE_SHOWN: Final = frozenset({State.CONSENT, State.REUSE, State.REUSE_CHECK})

log = structlog.get_logger("sitting")


class Moves:
    """The visit that runs, and its moves.

    Attributes:
        visit: None while nobody is here.
    """

    def __init__(self, room: Room, figures: Figures, screen: Screen) -> None:
        self.visit: Visit | None = None
        self._room = room
        self._figures = figures
        self._screen = screen

    def make(self, event: Event) -> None:
        """Make one move: its effect first, so that a failed write leaves the state as it was.

        Raises:
            IllegalMove: the table names no such move; nothing changed.
            StoreFull, StoreBroken: the effect could not be recorded; nothing moved.
        """
        after = move(self._screen.snapshot.state, event)
        self._take_effect(event)
        log.info("moved", sitting=self.sitting_id, event_code=event.value, state=after.value)
        visit = self.visit
        if after is State.WELCOME or visit is None:
            self.forget()
            return
        reuse = None if visit.reuse is None else visit.reuse.shown_in(after)
        self._screen.show(state=after, hint=None, hold_share=0.0, reuse=reuse)
        if visit.reuse is not None and after not in _PHOTO_MAY_BE_SHOWN:
            visit.reuse.forget()
        if after is State.PORTRAIT:
            visit.look_for_portrait()
        elif after is State.CLOSING:
            self._screen.show(result=visit.hand_in())
            self.make(Event.STORED)
        elif after is State.RESULT:
            self._tell_result(visit, withdrawn=event is Event.WITHDRAWN)
            # The screen may stand for a minute: nothing of the person waits for its end.
            visit.stop()
            self._screen.show(finger=None, portrait_preview=False)
            self._screen.hold(Picture.PORTRAIT, None)

    def resume(self) -> None:
        """Go on where a power cut or a restart interrupted, if somebody may still be there."""
        record = self._room.records.interrupted(self._room.limits.resume_within_s)
        if record is None or not self._room.makes(record.progress.documents):
            order_desk.settle(self._room, None)
            return
        order_desk.settle(self._room, record.sitting_id)
        portrait_settled = record.portrait_in or any(m.what == "portrait" for m in record.missing)
        order = order_desk.take(self._room, record.sitting_id)
        visit = Visit(self._room, record, self._screen, order)
        with self._screen.together():
            self._screen.show(language=record.language, resumed=True)
            self._open(visit)
            self.make(Event.RESUME_FINGER if portrait_settled else Event.RESUME_PORTRAIT)

    def not_stored(self, reason: str) -> None:
        """A write failed: the person is led to the window, and nothing is called done."""
        log.error("not_stored", sitting=self.sitting_id, reason=reason)
        if self._screen.snapshot.state is State.RESULT or self.visit is None:
            self.forget()
            return
        with suppress(StoreError):
            # Whoever stands here after a restart must not be led into this sitting.
            self.visit.record.leave_alone()
        self._screen.show(result=Result.TO_WINDOW)
        self.make(Event.NOT_STORED)

    def withdraw(self, sitting_id: str) -> bool:
        """The centre took its order back: lead whoever stands here to the window, if anybody."""
        if self.visit is None or sitting_id != self.sitting_id:
            return False
        self._screen.show(result=Result.TO_WINDOW)
        self.make(Event.WITHDRAWN)
        return True

    def leave_alone(self, visit: Visit) -> None:
        """Nobody is here: what was accepted stays for an attendant. Raises as `make`."""
        log.info("left_alone", sitting=self.sitting_id, state=self._screen.snapshot.state.value)
        visit.record.leave_alone()
        if visit.record.progress.consented:
            order_desk.settle(self._room, None)
        else:
            order_desk.put_back(self._room, visit.record)
        self.forget()

    def forget(self) -> None:
        """Wipe memory and screen: the next person sees nothing of the last one."""
        if self.visit is not None:
            self.visit.stop()
        self.visit = None
        self._screen.wipe(Snapshot(language=self._room.language))

    @property
    def sitting_id(self) -> str:
        """Of the present sitting, "" without one."""
        return self._screen.snapshot.sitting_id or ""

    def _take_effect(self, event: Event) -> None:
        if event is Event.START:
            self._start()
        visit = self.visit
        if visit is None:
            return
        effects: dict[Event, Callable[[], None]] = {
            Event.DECLINE: lambda: self._decline(visit),
            Event.LEAVE: lambda: self._leave(visit),
            Event.PORTRAIT_KEPT: visit.keep_portrait,
            Event.PORTRAIT_GIVEN_UP: visit.give_up_portrait,
            Event.FINGER_SKIPPED: visit.fingers.skip,
            Event.HAND_SKIPPED: visit.fingers.skip_hand,
            Event.FINGERS_REFUSED: visit.fingers.refuse,
        }
        if visit.reuse is not None:
            effects |= {
                Event.REUSE_CHOSEN: visit.reuse.choose,
                Event.REUSE_DECLINED: visit.reuse.decline,
                Event.REUSE_AGREED: visit.reuse.take_over,
                Event.REUSE_REFUSED: visit.reuse.refuse,
                Event.RESUME_PORTRAIT: visit.reuse.resumed,
                Event.RESUME_FINGER: visit.reuse.resumed,
            }
        effect = effects.get(event)
        if effect is not None:
            effect()

    def _start(self) -> None:
        record, order = order_desk.begin_record(self._room, self._screen.snapshot.language)
        visit = Visit(self._room, record, self._screen, order)
        if visit.reuse is not None:
            visit.reuse.begin()
        with self._screen.together():
            self._screen.show(language=record.language)
            self._open(visit)
            self._screen.show(state=State.CONSENT)

    def _open(self, visit: Visit) -> None:
        self.visit = visit
        self._screen.show(
            sitting_id=visit.record.sitting_id,
            token=secrets.token_urlsafe(16),
            documents=tuple(document.id for document in visit.documents),
            portrait_in=visit.record.portrait_in,
            fingers_in=visit.record.fingers_in,
            missing=visit.record.missing,
        )
        visit.fingers.show_all()

    def _decline(self, visit: Visit) -> None:
        visit.record.drop("declined")
        self._screen.show(result=Result.CANCELLED)

    def _leave(self, visit: Visit) -> None:
        visit.record.drop("left")
        order_desk.end(self._room, visit.record, Result.CANCELLED)

    def _tell_result(self, visit: Visit, *, withdrawn: bool) -> None:
        result = self._screen.snapshot.result
        if result is not None:
            # The person is led to the window, the centre is told that it cancelled.
            self._figures.count_sitting(Result.CANCELLED if withdrawn else result)
            order_desk.end(self._room, visit.record, result)

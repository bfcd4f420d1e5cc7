"""Moves and their effects: what the table names is done, recorded and shown, in this order.

Runs on the sitting's thread. When to move is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from edge.health import Figures
from edge.help_call import HelpCalls
from edge.orders import desk as order_desk
from edge.room import Room
from edge.screen import Picture, Screen
from edge.sitting import (
    Event,
    Overlay,
    Result,
    Snapshot,
    State,
    move,
)
from edge.store.errors import StoreError
from edge.visit import Visit

_BEFORE_CONSENT: Final = frozenset({State.NAME, State.PROXY})
_HOW_IT_WAS: Final = frozenset({State.RATING, State.RATING_REASON})
_HANDED_IN: Final = _HOW_IT_WAS | {State.RESULT}
_LETTER: Final = frozenset({Event.LETTER_SHOWN, Event.LETTER_LATER})
_PHOTO_MAY_BE_SHOWN: Final = frozenset(
    {
        *(State.NAME, State.PROXY, State.CONSENT),
        *(State.MATERIALS, State.REUSE, State.REUSE_CHECK),
    }
)

log = structlog.get_logger("sitting")


class Moves:
    """The visit that runs, and its moves.

    Attributes:
        visit: None while nobody is here.
    """

    def __init__(self, room: Room, figures: Figures, screen: Screen, calls: HelpCalls) -> None:
        self.visit: Visit | None = None
        self._room = room
        self._figures = figures
        self._screen = screen
        self._calls = calls

    def ask(self, event: Event) -> None:
        """Make the move that the person chose, or the one that her order puts in its place.

        Raises:
            IllegalMove, StoreFull, StoreBroken: as `make`.
        """
        shown, visit = self._screen.snapshot, self.visit
        if visit is not None:
            if event in (Event.AGREE, Event.AGREE_PHOTO_ONLY):
                event = visit.agree(shown, event)
            elif event is Event.NAME_RELATIVE:
                event = visit.relative_acts()
            elif event in _LETTER and not visit.keep_letter(event):
                return
        if event is Event.FINISH and shown.state is State.RESULT and self._asks_how_it_was:
            event = Event.FINISH_TO_RATING
        self.make(event)

    def make(self, event: Event) -> None:
        """Make one move: its effect first, so that a failed write leaves the state as it was.

        Raises:
            IllegalMove: the table names no such move; nothing changed.
            StoreFull, StoreBroken: the effect could not be recorded; nothing moved.
        """
        before = self._screen.snapshot.state
        after = move(before, event)
        self._take_effect(event, before)
        if before not in _HOW_IT_WAS:
            # How somebody found it stands beside no sitting and no time of day.
            log.info("moved", sitting=self.sitting_id, event_code=event.value, state=after.value)
        if after is State.WELCOME:
            self.forget()
            if event is Event.NAME_WRONG:
                self._calls.call("number", "not_hers")
                self._screen.show(overlay=Overlay.HELP)
            return
        self.show(after)
        if self.visit is not None:
            self._arrive(self.visit, event, after)

    def show(self, after: State) -> None:
        """Show the first look of a state."""
        visit = self.visit
        reuse = None if visit is None or visit.reuse is None else visit.reuse.shown_in(after)
        gone = {} if after is State.NAME else {"name": None}
        self._screen.show(state=after, hint=None, hold_share=0.0, reuse=reuse, letter="", **gone)

    def _arrive(self, visit: Visit, event: Event, after: State) -> None:
        """Do what a state begins with."""
        if visit.reuse is not None and after not in _PHOTO_MAY_BE_SHOWN:
            visit.reuse.forget()
        if after is State.MATERIALS:
            self._ask_for_material(visit)
        elif after is State.PORTRAIT:
            visit.look_for_portrait()
        elif after is State.FINGER and visit.fingers_over:
            self.make(Event.FINGERS_SETTLED)
        elif after is State.CLOSING:
            self._screen.show(result=visit.hand_in())
            self.make(Event.STORED)
        elif after is State.RESULT:
            self._tell_result(visit, withdrawn=event is Event.WITHDRAWN)
            # The screen may stand for a minute: nothing of the person waits for its end.
            visit.stop()
            self._screen.show(finger=None, portrait_preview=False, assisted_by="", remote=None)
            self._screen.hold(Picture.PORTRAIT, None)

    def _ask_for_material(self, visit: Visit) -> None:
        step = visit.next_material()
        self._screen.show(material=step)
        if step is None:
            offered = visit.photo_offered()
            settled = Event.MATERIALS_SETTLED_TO_OFFER if offered else Event.MATERIALS_SETTLED
            self.make(settled)

    def not_stored(self, reason: str) -> None:
        """A write failed: the person is led to the window, and nothing is called done."""
        log.error("not_stored", sitting=self.sitting_id, reason=reason)
        state = self._screen.snapshot.state
        if state in _HANDED_IN or (self.visit is None and state is not State.NUMBER):
            self.forget()
            return
        if self.visit is not None:
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

    def lead_to_window(self) -> None:
        """Staff go on with the person at the window; what was accepted stays for them.

        Raises:
            IllegalMove, StoreFull, StoreBroken: as `make`.
        """
        move(self._screen.snapshot.state, Event.LED_TO_WINDOW)
        if self.visit is not None:
            self._let_be(self.visit)
        self._screen.show(result=Result.TO_WINDOW)
        self.make(Event.LED_TO_WINDOW)

    def leave_alone(self) -> None:
        """Nobody is here: what was accepted stays for an attendant. Raises as `make`."""
        visit = self.visit
        log.info("left_alone", sitting=self.sitting_id, state=self._screen.snapshot.state.value)
        if visit is not None:
            self._let_be(visit)
            if visit.record.progress.consented:
                order_desk.settle(self._room, None)
            else:
                order_desk.put_back(self._room, visit.record)
        self.forget()

    def _let_be(self, visit: Visit) -> None:
        """Keep what was accepted for an attendant; before the consent nothing was."""
        if visit.record.progress.consented:
            visit.record.leave_alone()
        else:
            visit.record.drop("not_begun")

    def forget(self) -> None:
        """Wipe memory and screen: the next person sees nothing of the last one."""
        if self.visit is not None:
            self.visit.stop()
        self.visit = None
        self._calls.settle()
        self._screen.wipe(Snapshot(language=self._room.language))

    @property
    def sitting_id(self) -> str:
        """Of the present sitting, "" without one."""
        return self._screen.snapshot.sitting_id or ""

    @property
    def _asks_how_it_was(self) -> bool:
        asks = self._room.service.rating and self._room.ratings is not None
        return asks and self._screen.snapshot.result is not Result.CANCELLED

    def _take_effect(self, event: Event, before: State) -> None:
        visit = self.visit
        self._rate(event, before)
        if visit is None:
            return
        effects: dict[Event, Callable[[], None]] = {
            Event.DECLINE: lambda: self._decline(visit),
            Event.LEAVE: lambda: self._leave(visit, before),
            Event.NAME_WRONG: lambda: self._not_hers(visit),
            Event.MATERIAL_HERE: lambda: visit.settle_material(here=True),
            Event.MATERIAL_LATER: lambda: visit.settle_material(here=False),
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

    def _rate(self, event: Event, before: State) -> None:
        ratings = self._room.ratings
        if ratings is None:
            return
        if event is Event.RATE_GOOD:
            ratings.note("good")
        elif event is Event.RATE_FAIR:
            ratings.note("fair")
        elif event is Event.REASON_WAITED:
            ratings.note("poor", "waited")
        elif event is Event.REASON_HARD:
            ratings.note("poor", "hard")
        elif before is State.RATING_REASON:
            ratings.note("poor")

    def _decline(self, visit: Visit) -> None:
        visit.record.drop("declined")
        self._screen.show(result=Result.CANCELLED)

    def _leave(self, visit: Visit, before: State) -> None:
        if before in _BEFORE_CONSENT:
            # Whose order it is was not even settled: its person may come yet.
            visit.record.drop("not_begun")
            order_desk.put_back(self._room, visit.record)
            return
        visit.record.drop("left")
        order_desk.end(self._room, visit.record, Result.CANCELLED)

    def _not_hers(self, visit: Visit) -> None:
        visit.record.drop("not_hers")
        order_desk.put_back(self._room, visit.record)

    def _tell_result(self, visit: Visit, *, withdrawn: bool) -> None:
        result = self._screen.snapshot.result
        if result is not None:
            # The person is led to the window, the centre is told that it cancelled.
            self._figures.count_sitting(Result.CANCELLED if withdrawn else result)
            order_desk.end(self._room, visit.record, result)

"""What the clock does to a sitting: asks who is still there, ends what nobody answers, shows cards.

Nothing runs out while somebody is here. Runs on the sitting's thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from edge.help_call import HelpCalls
from edge.moves import Moves
from edge.presence import Presence
from edge.room import Room
from edge.screen import Screen
from edge.service.idle import card_now
from edge.sitting import Event, Overlay, State

RESULT_STAYS_S: Final = 60.0
HELP_STAYS_S: Final = 900.0
"""Whoever waits for staff is not asked for a while; but nobody must block the station for ever."""
_ENDING: Final = frozenset({State.RESULT, State.RATING, State.RATING_REASON})


class Timers:
    """Every limit of time of a sitting."""

    def __init__(
        self,
        room: Room,
        screen: Screen,
        moves: Moves,
        calls: HelpCalls,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._room = room
        self._screen = screen
        self._moves = moves
        self._calls = calls
        self._clock_s = clock_s
        self._presence = Presence(room, clock_s)
        self._touched_at_s = self._asked_at_s = self._cards_since_s = clock_s()
        self._cards_turn = -1

    def touched(self) -> None:
        """Somebody touched the screen, or the sitting moved on."""
        self._touched_at_s = self._clock_s()
        self._presence.noticed()

    def mind(self, seen: bool | None) -> None:
        """Do what is due.

        Args:
            seen: whether the step that runs saw a face; None if none looks.

        Raises:
            StoreFull, StoreBroken: as every move.
        """
        state = self._screen.snapshot.state
        if state in _ENDING:
            self._mind_the_end(state)
        elif state is State.WELCOME:
            self._mind_the_welcome()
        elif state is not State.CLOSING:
            self._mind_the_person(seen)

    @property
    def _untouched_s(self) -> float:
        return self._clock_s() - self._touched_at_s

    def _mind_the_end(self, state: State) -> None:
        stays_s = RESULT_STAYS_S if state is State.RESULT else self._room.limits.rating_s
        if self._screen.snapshot.overlay in (Overlay.HELP, Overlay.REST):
            # The end of a sitting takes its calls back: not from somebody who still waits for them.
            stays_s = max(stays_s, HELP_STAYS_S)
        if self._untouched_s > stays_s:
            self._moves.make(Event.FINISH)

    def _mind_the_welcome(self) -> None:
        shown, limits = self._screen.snapshot, self._room.limits
        if shown.overlay in (Overlay.HELP, Overlay.REST):
            self._presence.look(shown, None)
            if self._presence.absent_s > max(limits.idle_s, HELP_STAYS_S):
                # Whoever called may wait on a chair that the camera does not see; but not for ever.
                self._calls.settle()
                self._screen.show(overlay=None)
            return
        cards = self._room.content().card_ids()
        if shown.overlay not in (None, Overlay.IDLE) or not (cards or shown.overlay):
            return
        here = self._presence.look(shown, None)
        if shown.overlay is None:
            if self._presence.absent_s > limits.idle_cards_s:
                self._cards_since_s = self._clock_s()
                self._cards_turn += 1
                self._screen.show(
                    overlay=Overlay.IDLE, card=card_now(cards, 0.0, self._cards_turn) or ""
                )
        elif here or not cards:
            self._screen.show(overlay=None, card="")
        else:
            idle_s = self._clock_s() - self._cards_since_s
            self._screen.show(card=card_now(cards, idle_s, self._cards_turn) or "")

    def _mind_the_person(self, seen: bool | None) -> None:
        shown, limits = self._screen.snapshot, self._room.limits
        if shown.overlay is Overlay.REST:
            # A rest has no end; but somebody should look after whoever rests so long.
            if self._untouched_s > limits.rest_ticket_s and not self._calls.open("resting"):
                self._calls.call("rest", "resting")
            return
        here = self._presence.look(shown, seen)
        if shown.overlay is Overlay.STILL_THERE:
            if here:
                self._screen.show(overlay=None)
            elif self._clock_s() - self._asked_at_s > limits.still_there_s:
                self._moves.leave_alone()
            return
        waits_s = HELP_STAYS_S if shown.overlay is Overlay.HELP else 0.0
        if self._presence.absent_s > max(limits.idle_s, waits_s):
            self._asked_at_s = self._clock_s()
            self._screen.show(overlay=Overlay.STILL_THERE)

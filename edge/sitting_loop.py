"""The one loop that runs a sitting: touches, devices' steps and the clock in, moves out.

This thread alone moves the state (`edge.moves`). What a person must be told is in the snapshot.
Web threads reach it through `edge.capture` only.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from drivers.errors import DeviceError
from edge.covers import Covers
from edge.desk_requests import Requests
from edge.fingers.exceptions import SignedReason
from edge.health import Figures
from edge.help_call import HelpCalls
from edge.left import LeftSittings
from edge.moves import Moves
from edge.override import OverrideReason
from edge.record_room import NoSealingKey
from edge.room import Room
from edge.screen import Screen
from edge.sitting import (
    FROM_THE_PERSON,
    TRANSITIONS,
    Event,
    IllegalMove,
    NotNow,
    Overlay,
    Snapshot,
    StaleToken,
    State,
    move,
)
from edge.staff_moves import StaffMoves
from edge.store.errors import StoreBroken, StoreFull
from edge.timers import Timers
from edge.trust.keys import KeyUnusable
from edge.vision.client import FrameRefused, VisionLost
from edge.visit import Visit
from edge.ways_in import WaysIn

ROUND_S: Final = 0.05
"""How long the loop waits for a request when nothing else is to be done."""
_BEGINS: Final = frozenset({Event.START, Event.START_AS_RELATIVE})
_PAUSED: Final = frozenset({Overlay.HELP, Overlay.REST, Overlay.STILL_THERE})
"""Nothing is looked at and nothing pressed while one of these covers the screen."""

log = structlog.get_logger("sitting")


class SittingLoop:
    """One sitting after the other. All methods run on the loop's own thread.

    Attributes:
        staff: what staff do to the present sitting.
        left: sittings that somebody left.
        rounds: how often the loop went round: what does not move, hangs.
        broken: only a restart of the service can mend it.
    """

    def __init__(
        self,
        room: Room,
        figures: Figures,
        screen: Screen,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; `clock_s` is what the limits of time go by."""
        self._room = room
        self._screen = screen
        self._covers = Covers(room)
        self._calls = HelpCalls(room, figures, screen)
        self._moves = Moves(room, figures, screen, self._calls)
        self._ways_in = WaysIn(room, screen, self._moves, self._calls)
        self._timers = Timers(room, screen, self._moves, self._calls, clock_s)
        self.staff = StaffMoves(room, screen, self._moves)
        self.left = LeftSittings(room.records, lambda: screen.snapshot.sitting_id or "")
        self.rounds = 0
        self.broken = threading.Event()

    def run(self, requests: Requests[Snapshot], stopping: threading.Event) -> None:
        """Resume what a power cut interrupted, then serve until `stopping`."""
        refusals = (IllegalMove, StaleToken, NotNow)
        try:
            self._guarded(self._ways_in.resume)
            while not stopping.is_set():
                self.rounds += 1
                requests.serve(self._guarded, refusals, 0.0 if self._watching else ROUND_S)
                self._guarded(self._round)
        except Exception as error:  # nobody may stand before a screen that is dead
            log.critical("uncaught", exc_info=error)
            self.broken.set()
        finally:
            if self._moves.visit is not None:
                self._moves.visit.close()

    def from_person(
        self, event: Event, token: str, still: Callable[[Snapshot], bool] | None
    ) -> None:
        """Make a move for the person. Raises `IllegalMove`, `StaleToken`."""
        shown = self._screen.snapshot
        if still is not None and not still(shown):
            raise StaleToken
        self._check(token)
        begins = event in _BEGINS
        refused = begins and (bool(shown.out_of_service) or not shown.can_start)
        if event not in FROM_THE_PERSON or refused:
            raise IllegalMove(shown.state, event)
        move(shown.state, event)
        self._touch()
        if begins:
            self._ways_in.start(event)
        else:
            self._moves.ask(event)

    def give_number(self, token: str, digits: str, staff_id: str) -> None:
        """Begin the order of a slip. Raises `IllegalMove`, `StaleToken`."""
        self._check(token)
        shown = self._screen.snapshot
        if Event.NUMBER_UNKNOWN not in TRANSITIONS[shown.state] or shown.out_of_service:
            raise IllegalMove(shown.state, Event.ORDER_FOUND)
        self._touch()
        self._ways_in.find(digits, by_staff=bool(staff_id))

    def act_for(
        self, event: Event, token: str, staff_id: str, still: Callable[[Snapshot], bool] | None
    ) -> None:
        """Make a move that an attendant makes for the person. Raises as `StaffDesk.act_for`."""
        self.staff.check_acts(staff_id)
        if event is Event.LED_TO_WINDOW:
            self.lead_to_window(token, staff_id)
        else:
            self.from_person(event, token, still)

    def lead_to_window(self, token: str, staff_id: str) -> None:
        """End the sitting at the window. Raises `IllegalMove`, `StaleToken`."""
        self._check(token)
        move(self._screen.snapshot.state, Event.LED_TO_WINDOW)
        log.info("led_to_window", sitting=self._moves.sitting_id)
        self._touch()
        self._moves.lead_to_window()

    def resume_left(self, sitting_id: str, staff_id: str) -> None:
        """Go on with a sitting that was left. Raises `NotNow`."""
        shown = self._screen.snapshot
        if shown.state is not State.WELCOME or shown.out_of_service:
            raise NotNow("somebody is served")
        self._touch()
        self._ways_in.resume_left(self.left.record(sitting_id), staff_id)

    def sign(self, token: str, staff_id: str, same: bool) -> None:
        """Take an attendant's word about two pictures. Raises `IllegalMove`, `StaleToken`."""
        self._check(token)
        reuse = None if self._moves.visit is None else self._moves.visit.reuse
        event = None if reuse is None else reuse.sign(staff_id, same)
        if event is None:
            raise IllegalMove(self._screen.snapshot.state, Event.REUSE_AGREED)
        self._touch()
        self._moves.make(event)

    def show_pin_wait(self, wait_s: float) -> None:
        """Say how long the next PIN must wait, where somebody is about to sign."""
        if self._moves.visit is not None and self._moves.visit.reuse is not None:
            self._moves.visit.reuse.show_wait(wait_s)

    def shutter(self, token: str, staff_id: str, reason: OverrideReason) -> None:
        """Take the portrait by hand. Raises `IllegalMove`, `StaleToken`."""
        self._check(token)
        visit, state = self._moves.visit, self._screen.snapshot.state
        if visit is None or state is not State.PORTRAIT:
            raise IllegalMove(state, Event.PORTRAIT_TAKEN)
        visit.take_now(reason, staff_id)
        log.info("manual_shutter", sitting=self._moves.sitting_id, reason=reason.value)
        self._touch()

    def sign_exception(self, token: str, position: str, signed: SignedReason) -> None:
        """Take an attendant's word for a finger. Raises `IllegalMove`, `StaleToken`."""
        self._check(token)
        event, state = Event.EXCEPTION_CONFIRMED, self._screen.snapshot.state
        move(state, event)
        visit = self._moves.visit
        if visit is None or not visit.fingers.sign(position, signed):
            raise IllegalMove(state, event)
        log.info("exception_signed", sitting=self._moves.sitting_id)
        self._touch()
        self._moves.make(event)

    def speak(self, language: str) -> None:
        """Speak another language from now on."""
        self._screen.show(language=language)

    def withdraw(self, sitting_id: str) -> None:
        """Lead whoever is in this sitting to the window: its order was taken back."""
        if self._moves.withdraw(sitting_id):
            self._touch()

    def call_help(self, wanted: bool) -> None:
        """Put the help screen up and call staff, or take both away."""
        self._timers.touched()
        if wanted:
            self._screen.show(overlay=Overlay.HELP)
            self._calls.call("help", "touched")
        else:
            self._calls.settle("touched")
            self._screen.show(overlay=None)

    def rest(self, wanted: bool) -> None:
        """Stop every timer until the person comes back, or go on."""
        self._timers.touched()
        if not wanted:
            self._calls.settle("resting")
        self._screen.show(overlay=Overlay.REST if wanted else None)

    def still_here(self) -> None:
        """Somebody is here: the question, or the idle screen, goes away."""
        self._timers.touched()
        if self._screen.snapshot.overlay in (Overlay.IDLE, Overlay.STILL_THERE):
            self._screen.show(overlay=None, card="")

    def note_look(self, token: str, scale: str, theme: str, voice: str) -> None:
        """Take note of the look that is in force. Raises `StaleToken`."""
        self._check(token)
        if self._moves.visit is not None:
            self._moves.visit.record.note_look(scale, theme, voice)

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except StoreFull:
            self._moves.not_stored("store_full")
        except NoSealingKey:
            self._moves.not_stored("no_sealing_key")
        except KeyUnusable:
            # The TPM went away under us: a start will say so, and closes nothing with another key.
            self.broken.set()
            self._moves.not_stored("station_key_away")
        except StoreBroken:
            # A failed write is never retried: the service stops, restarts and recovers.
            self.broken.set()
            self._moves.not_stored("store_broken")

    @property
    def _watching(self) -> bool:
        """Whether a step looks at every frame now, so that the loop has no time to wait."""
        return self._screen.snapshot.overlay not in _PAUSED and self._looking

    @property
    def _looking(self) -> bool:
        visit = self._moves.visit
        return visit is not None and visit.looking(self._screen.snapshot.state)

    def _check(self, token: str) -> None:
        expected = self._screen.snapshot.token
        if expected and not secrets.compare_digest(expected.encode(), token.encode()):
            raise StaleToken

    def _touch(self) -> None:
        self._timers.touched()
        if self._screen.snapshot.overlay is Overlay.HELP:
            self._calls.settle("touched")
        self._screen.show(overlay=None, card="")

    def _round(self) -> None:
        """One turn of the loop: devices, the step of the present state, the clock."""
        visit = self._moves.visit
        self._screen.show(**self._covers.changes(self._screen.snapshot, looking=self._looking))
        self._calls.look()
        shown = self._screen.snapshot
        if visit is not None and shown.overlay not in _PAUSED:
            event = self._step(visit, shown.state)
            self._calls.follow(self._screen.snapshot)
            if event is not None:
                self._timers.touched()
                self._moves.make(event)
        self._timers.mind(self._seen)

    @property
    def _seen(self) -> bool | None:
        """Whether the step that runs saw a face in its last frame; None if none looks."""
        if self._moves.visit is None or not self._watching:
            return None
        # Whom a camera saw that has gone since may have gone as well.
        return self._moves.visit.present and self._room.camera.status.working

    def _step(self, visit: Visit, state: State) -> Event | None:
        steps = {
            State.REUSE_CHECK: visit.reuse_step,
            State.PORTRAIT: visit.portrait_step,
            State.FINGER: visit.fingers.step,
        }
        looked = self._looking
        try:
            event = steps.get(state, _no_event)()
        except VisionLost:
            self._covers.note_sight(lost=True)
            log.warning("vision_lost", restarts=self._room.vision.restarts)
        except FrameRefused:
            log.warning("frame_refused", sitting=self._moves.sitting_id)
        except DeviceError:
            log.warning("still_failed", sitting=self._moves.sitting_id)
        else:
            if looked:
                self._covers.note_sight(lost=False)
            return event
        return None


def _no_event() -> Event | None:
    """In most states only the person moves on."""
    return None

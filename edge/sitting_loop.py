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
from edge.moves import Moves
from edge.override import OverrideReason
from edge.record_room import NoSealingKey
from edge.room import Room
from edge.screen import Screen
from edge.sitting import (
    FROM_THE_PERSON,
    Event,
    IllegalMove,
    Overlay,
    Snapshot,
    StaleToken,
    State,
    move,
)
from edge.store.errors import StoreBroken, StoreFull
from edge.trust.keys import KeyUnusable
from edge.vision.client import FrameRefused, VisionLost
from edge.visit import Visit

ROUND_S: Final = 0.05
"""How long the loop waits for a request when nothing else is to be done."""
RESULT_STAYS_S: Final = 60.0
OVERLAY_STAYS_S: Final = 900.0
"""Help and rest have no hurry; but whoever called and went must not block the station for ever."""
PRESENCE_EVERY_S: Final = 2.0

log = structlog.get_logger("sitting")


class SittingLoop:
    """One sitting after the other. All methods run on the loop's own thread."""

    def __init__(self, room: Room, figures: Figures, screen: Screen) -> None:
        self._room = room
        self._figures = figures
        self._screen = screen
        self._covers = Covers(room)
        self._moves = Moves(room, figures, screen)
        self._touched_at_s = self._looked_at_s = time.monotonic()
        self._covered_at_s = float("-inf")
        self._helpless_since_s: float | None = None
        self.rounds = 0
        """How often the loop went round: what does not move, hangs."""
        self.broken = threading.Event()

    def run(self, requests: Requests[Snapshot], stopping: threading.Event) -> None:
        """Resume what a power cut interrupted, then serve until `stopping`."""
        refusals = (IllegalMove, StaleToken)
        try:
            self._guarded(self._moves.resume)
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
        if event not in FROM_THE_PERSON or (event is Event.START and shown.out_of_service):
            raise IllegalMove(shown.state, event)
        move(shown.state, event)
        self._touch()
        if event is Event.AGREE and self._moves.visit is not None:
            event = self._moves.visit.agree(shown.language)
        self._moves.make(event)

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
        """Put the help screen up and count the call, or take it away."""
        self._cover(Overlay.HELP if wanted else None)
        if wanted:
            self._tell_staff("touched")

    def rest(self, wanted: bool) -> None:
        """Stop every timer until the person comes back, or go on."""
        self._cover(Overlay.REST if wanted else None)

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
        covered = self._screen.snapshot.overlay not in (None, Overlay.CALM)
        return not covered and self._looking

    @property
    def _looking(self) -> bool:
        visit = self._moves.visit
        return visit is not None and visit.looking(self._screen.snapshot.state)

    def _check(self, token: str) -> None:
        expected = self._screen.snapshot.token
        if expected and not secrets.compare_digest(expected.encode(), token.encode()):
            raise StaleToken

    def _touch(self) -> None:
        self._touched_at_s = time.monotonic()
        self._cover(None)

    def _round(self) -> None:
        """One turn of the loop: devices, the step of the present state, the clock."""
        shown, visit = self._screen.snapshot, self._moves.visit
        self._screen.show(**self._covers.changes(shown, looking=self._looking))
        shown = self._screen.snapshot
        if visit is None:
            self._touched_at_s = time.monotonic()
            covered = shown.overlay in (Overlay.HELP, Overlay.REST)
            if not covered:
                # Whoever waited for staff in the last sitting has gone.
                self._helpless_since_s = None
            if covered and self._touched_at_s - self._covered_at_s > RESULT_STAYS_S:
                # Whoever called for help before a sitting began has gone.
                self._cover(None)
            return
        if shown.overlay in (Overlay.HELP, Overlay.REST):
            self._mind_the_clock(visit, max(self._room.limits.idle_s, OVERLAY_STAYS_S))
            return
        event = self._step(visit, shown.state)
        for why in sorted(_asks_for_staff(self._screen.snapshot) - _asks_for_staff(shown)):
            # The screen has promised that staff come.
            self._tell_staff(why)
        if event is not None:
            self._touched_at_s = time.monotonic()
            self._moves.make(event)
        self._mind_the_clock(visit, self._room.limits.idle_s)

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

    def _tell_staff(self, why: str) -> None:
        log.warning("help_called", sitting=self._moves.sitting_id)
        self._figures.count_help()
        self._room.raise_help(self._screen.snapshot.sitting_id, why)
        if self._helpless_since_s is None:
            self._helpless_since_s = time.monotonic()

    def _cover(self, overlay: Overlay | None) -> None:
        self._covered_at_s = time.monotonic()
        if overlay is not Overlay.HELP and self._helpless_since_s is not None:
            self._figures.observe_help(self._covered_at_s - self._helpless_since_s)
            self._helpless_since_s = None
        self._screen.show(overlay=overlay)

    def _mind_the_clock(self, visit: Visit, idle_s: float) -> None:
        now_s, state = time.monotonic(), self._screen.snapshot.state
        if self._moves.visit is not visit:
            return
        if state is State.RESULT:
            if now_s - self._touched_at_s > RESULT_STAYS_S:
                self._moves.make(Event.FINISH)
            return
        if self._somebody_is_here(visit, now_s):
            self._touched_at_s = now_s
        if now_s - self._touched_at_s > idle_s:
            self._moves.leave_alone(visit)

    def _somebody_is_here(self, visit: Visit, now_s: float) -> bool:
        if self._watching:
            return visit.present
        if now_s - self._looked_at_s < PRESENCE_EVERY_S:
            return False
        self._looked_at_s = now_s
        return visit.look_for_presence()


def _asks_for_staff(shown: Snapshot) -> set[str]:
    """Return what waits for staff whom nobody called by hand."""
    pictures = shown.reuse is not None and shown.reuse.needs_staff
    asked = {"pictures": pictures, "fingers": shown.attendant_called}
    return {what for what, waits in asked.items() if waits}


def _no_event() -> Event | None:
    """In most states only the person moves on."""
    return None

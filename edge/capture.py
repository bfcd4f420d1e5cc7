"""The one loop that runs a sitting: requests in, moves by the table, snapshots out.

Web threads only post requests; this thread alone moves the state. What a person must be told is in
the snapshot. What a step does with devices and record stands in `visit`.
"""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Final

import structlog

from drivers.errors import DeviceError
from edge.health import Figures
from edge.screen import Picture, Screen
from edge.sitting import (
    FROM_THE_PERSON,
    Event,
    IllegalMove,
    Overlay,
    Result,
    Snapshot,
    StaleToken,
    State,
    move,
)
from edge.staff import WrongPin
from edge.store_errors import StoreBroken, StoreError, StoreFull
from edge.vision import FrameRefused, VisionLost
from edge.visit import Room, Visit

ROUND_S: Final = 0.05
"""How long the loop waits for a request when nothing else is to be done."""
CALM_AFTER_S: Final = 1.0
CALM_LONG_AFTER_S: Final = 10.0
RESULT_STAYS_S: Final = 60.0
OVERLAY_STAYS_S: Final = 900.0
"""Help and rest have no hurry; but whoever called and went must not block the station for ever."""
REFUSALS_STAND_S: Final = 1.0
"""How long an answer about the store's room holds: it costs a look at the disk."""
PRESENCE_EVERY_S: Final = 2.0
REQUEST_TIMEOUT_S: Final = 8.0
LANGUAGES: Final = ("zh-CN", "en")

log = structlog.get_logger("sitting")


class SittingDesk:
    """Runs one sitting after the other. All public methods may be called from any thread."""

    def __init__(self, room: Room, figures: Figures) -> None:
        """Prepare; `figures` counts results and calls for help."""
        self._room = room
        self._figures = figures
        self._screen = Screen(Snapshot(language=room.language))
        self._requests: queue.SimpleQueue[tuple[Callable[[], None], Future[Snapshot]]]
        self._requests = queue.SimpleQueue()
        self._visit: Visit | None = None
        self._touched_at_s = self._looked_at_s = time.monotonic()
        self._vision_lost_at_s: float | None = None
        self._refusals_at_s = float("-inf")
        self._covered_at_s = float("-inf")
        self._store_refusals: tuple[str, ...] = ()
        self._stopping = threading.Event()
        self._broken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sitting", daemon=True)

    def start(self) -> None:
        """Resume what a power cut interrupted, then serve."""
        self._thread.start()

    def close(self) -> None:
        """End the thread after the move in hand. What was accepted is committed already."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def broken(self) -> threading.Event:
        """Set when only a restart of the service can mend it: the store failed, or we did."""
        return self._broken

    @property
    def alive(self) -> bool:
        """Whether the loop runs."""
        return self._thread.is_alive()

    @property
    def snapshot(self) -> Snapshot:
        """The present screen."""
        return self._screen.snapshot

    def wait(self, after_revision: int, timeout_s: float) -> Snapshot:
        """Return the present screen, as soon as it is newer than this revision or time is up."""
        return self._screen.wait(after_revision, timeout_s)

    def portrait_jpeg(self, token: str) -> bytes | None:
        """Return the portrait under review to whoever shows the sitting's token; else None."""
        return self._screen.jpeg(Picture.PORTRAIT, token)

    def earlier_photo_jpeg(self, token: str) -> bytes | None:
        """Return the earlier photo that may be taken over, while it is shown; else None."""
        return self._screen.jpeg(Picture.EARLIER, token)

    def live_look_jpeg(self, token: str) -> bytes | None:
        """Return the one live frame that is compared, while it is shown; else None."""
        return self._screen.jpeg(Picture.LIVE_LOOK, token)

    def sign_same_person(self, token: str, staff_id: str, pin: str, same: bool) -> Snapshot:
        """Let an attendant sign that both pictures show the same person, or that they do not.

        Args:
            token: of the sitting whose pictures the attendant saw.
            staff_id: of the attendant, as the staff file has it.
            pin: the attendant's.
            same: what the attendant saw.

        Raises:
            WrongPin: id and PIN do not fit, or a wait still runs.
            IllegalMove: nothing is to be signed now.
            StaleToken: the token is not the present sitting's.
            TimeoutError: the loop did not come to it in time.
        """
        self._check_staff(staff_id, pin)
        return self._do(lambda: self._sign(token, staff_id, same))

    def manual_shutter(self, token: str, staff_id: str, pin: str, reason: str) -> Snapshot:
        """Let an attendant take the portrait now, because a measure cannot be met.

        One face, visible eyes and the size stay demanded; what else fails is recorded as waived.

        Args:
            token: of the sitting.
            staff_id: of the attendant, as the staff file has it.
            pin: the attendant's.
            reason: one of the codes in `edge.portrait_capture`.

        Raises:
            WrongPin: id and PIN do not fit, or a wait still runs.
            ValueError: no such reason.
            IllegalMove: no portrait is looked for now.
            StaleToken: the token is not the present sitting's.
            TimeoutError: the loop did not come to it in time.
        """
        self._check_staff(staff_id, pin)
        return self._do(lambda: self._shutter(token, staff_id, reason))

    def ask(
        self, event: Event, token: str = "", still: Callable[[Snapshot], bool] | None = None
    ) -> Snapshot:
        """Make a move for the person and return the screen after it.

        Args:
            event: what the person chose.
            token: of the sitting that the person is in.
            still: is the screen that the person saw still there? Asked where nothing can come
                between the answer and the move.

        Raises:
            IllegalMove: the table names no such move now, or it is not the person's to make.
            StaleToken: the token is not the present sitting's, or the screen went on.
            TimeoutError: the loop did not come to it in time.
        """
        return self._do(lambda: self._from_person(event, token, still))

    def set_language(self, language: str) -> Snapshot:
        """Speak another language from now on. Raises `ValueError` for one we do not have."""
        if language not in LANGUAGES:
            raise ValueError(f"languages are {', '.join(LANGUAGES)}")
        return self._do(lambda: self._screen.show(language=language))

    def call_help(self, wanted: bool) -> Snapshot:
        """Put the help screen up and count the call, or take it away. The sitting stays."""
        return self._do(lambda: self._call_help(wanted))

    def rest(self, wanted: bool) -> Snapshot:
        """Stop every timer until the person comes back, or go on."""
        return self._do(lambda: self._cover(Overlay.REST if wanted else None))

    def _do(self, action: Callable[[], None]) -> Snapshot:
        done: Future[Snapshot] = Future()
        self._requests.put((action, done))
        try:
            return done.result(REQUEST_TIMEOUT_S)
        except TimeoutError:
            # Nobody waits for it any more: a touch must not take effect long after.
            done.cancel()
            raise

    def _check_staff(self, staff_id: str, pin: str) -> None:
        # On the asking thread: the hash is slow on purpose, and the loop has a person before it.
        staff = self._room.staff
        if staff is None or not staff.check(staff_id, pin):
            raise WrongPin(0.0 if staff is None else staff.wait_s(staff_id))

    # Everything below runs on the sitting's thread.

    def _sign(self, token: str, staff_id: str, same: bool) -> None:
        raise IllegalMove(self._screen.snapshot.state, Event.REUSE_AGREED)

    def _shutter(self, token: str, staff_id: str, reason: str) -> None:
        raise IllegalMove(self._screen.snapshot.state, Event.PORTRAIT_TAKEN)

    def _run(self) -> None:
        try:
            self._guarded(self._resume)
            while not self._stopping.is_set():
                self._answer(wait=not self._watching)
                self._guarded(self._round)
        except Exception as error:  # nobody may stand before a screen that is dead
            log.critical("uncaught", exc_info=error)
            self._broken.set()
        finally:
            if self._visit is not None:
                self._visit.stop()

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except StoreFull:
            self._not_stored("store_full")
        except StoreBroken:
            # A failed write is never retried: the service stops, restarts and recovers.
            self._broken.set()
            self._not_stored("store_broken")

    def _answer(self, *, wait: bool) -> None:
        try:
            action, done = self._requests.get(block=wait, timeout=ROUND_S)
        except queue.Empty:
            return
        if not done.set_running_or_notify_cancel():
            return
        try:
            self._guarded(action)
        except (IllegalMove, StaleToken) as refusal:
            done.set_exception(refusal)
        except Exception as mistake:
            done.set_exception(mistake)
            raise
        else:
            done.set_result(self._screen.snapshot)

    @property
    def _watching(self) -> bool:
        shown = self._screen.snapshot
        return shown.state is State.PORTRAIT and shown.overlay in (None, Overlay.CALM)

    def _from_person(
        self, event: Event, token: str, still: Callable[[Snapshot], bool] | None
    ) -> None:
        shown = self._screen.snapshot
        if still is not None and not still(shown):
            raise StaleToken
        if shown.token and not secrets.compare_digest(shown.token.encode(), token.encode()):
            raise StaleToken
        if event not in FROM_THE_PERSON or (event is Event.START and shown.out_of_service):
            raise IllegalMove(shown.state, event)
        move(shown.state, event)
        self._touched_at_s = time.monotonic()
        self._cover(None)
        self._move(event)

    def _move(self, event: Event) -> None:
        """Make one move: its effect first, so that a failed write leaves the state as it was."""
        after = move(self._screen.snapshot.state, event)
        self._take_effect(event)
        log.info("moved", sitting=self._sitting_id, event_code=event.value, state=after.value)
        if after is State.WELCOME:
            self._forget_visit()
            return
        self._screen.show(state=after, hint=None, hold_share=0.0)
        if after is State.PORTRAIT and self._visit is not None:
            self._visit.look_for_portrait()
        if after is State.RESULT and self._screen.snapshot.result is not None:
            self._figures.count_sitting(self._screen.snapshot.result)
        if after is State.CLOSING and self._visit is not None:
            self._screen.show(result=self._visit.hand_in())
            self._move(Event.STORED)

    def _take_effect(self, event: Event) -> None:
        if event is Event.START:
            record = self._room.records.begin(self._language)
            with self._screen.together():
                self._open(Visit(self._room, record, self._screen))
                self._screen.show(state=State.CONSENT)
        visit = self._visit
        if visit is None:
            return
        if event is Event.AGREE:
            visit.record.keep_consent(self._language)
        elif event is Event.DECLINE:
            visit.record.drop("declined")
            self._screen.show(result=Result.CANCELLED)
        elif event is Event.LEAVE:
            visit.record.drop("left")
        elif event is Event.PORTRAIT_KEPT:
            visit.keep_portrait()
        elif event is Event.PORTRAIT_GIVEN_UP:
            visit.give_up_portrait()
        elif event is Event.FINGER_SKIPPED:
            visit.skip_finger()

    def _open(self, visit: Visit) -> None:
        self._visit = visit
        self._screen.show(
            sitting_id=visit.record.sitting_id,
            token=secrets.token_urlsafe(16),
            documents=tuple(document.id for document in self._room.documents),
            portrait_in=visit.record.portrait_in,
            fingers_in=visit.record.fingers_in,
            missing=visit.record.missing,
        )

    def _resume(self) -> None:
        """Go on where a power cut or a restart interrupted, if somebody may still be there."""
        record = self._room.records.interrupted(self._room.limits.resume_within_s)
        if record is None:
            return
        portrait_settled = record.portrait_in or any(m.what == "portrait" for m in record.missing)
        with self._screen.together():
            self._screen.show(language=record.language, resumed=True)
            self._open(Visit(self._room, record, self._screen))
            self._move(Event.RESUME_FINGER if portrait_settled else Event.RESUME_PORTRAIT)

    def _round(self) -> None:
        """One turn of the loop: devices, the step of the present state, the clock."""
        self._show_devices()
        shown = self._screen.snapshot
        if self._visit is None:
            self._touched_at_s = time.monotonic()
            covered = shown.overlay in (Overlay.HELP, Overlay.REST)
            if covered and self._touched_at_s - self._covered_at_s > RESULT_STAYS_S:
                # Whoever called for help before a sitting began has gone.
                self._cover(None)
            return
        if shown.overlay in (Overlay.HELP, Overlay.REST):
            self._mind_the_clock(max(self._room.limits.idle_s, OVERLAY_STAYS_S))
            return
        event = self._step(shown.state)
        if event is not None:
            self._touched_at_s = time.monotonic()
            self._move(event)
        self._mind_the_clock(self._room.limits.idle_s)

    def _step(self, state: State) -> Event | None:
        visit = self._visit
        if visit is None:
            return None
        try:
            if state is State.PORTRAIT:
                event = visit.portrait_step()
                self._vision_lost_at_s = None
                return event
            if state is State.FINGER:
                return visit.finger_step()
        except VisionLost:
            if self._vision_lost_at_s is None:
                self._vision_lost_at_s = time.monotonic()
            log.warning("vision_lost", restarts=self._room.vision.restarts)
        except FrameRefused:
            log.warning("frame_refused", sitting=self._sitting_id)
        except DeviceError:
            log.warning("still_failed", sitting=self._sitting_id)
        return None

    def _show_devices(self) -> None:
        """Say what the devices are, and lay the calm screen over a step that waits for one."""
        room, shown = self._room, self._screen.snapshot
        overlay, out_s = shown.overlay, self._out_for_s(shown.state)
        refusals = self._refusals() if shown.state is State.WELCOME else ()
        if overlay not in (Overlay.HELP, Overlay.REST):
            overlay = None
            if refusals:
                overlay = Overlay.OUT_OF_SERVICE
            elif out_s > CALM_AFTER_S:
                overlay = Overlay.CALM
        self._screen.show(
            overlay=overlay,
            calm_long=out_s > CALM_LONG_AFTER_S,
            out_of_service=refusals,
            camera=room.camera.status.state.value,
            reader=room.reader.status.state.value,
        )

    def _out_for_s(self, state: State) -> float:
        if state is State.PORTRAIT:
            lost_at_s = self._vision_lost_at_s
            blind_s = 0.0 if lost_at_s is None else time.monotonic() - lost_at_s
            return max(self._room.camera.out_for_s, blind_s)
        return self._room.reader.out_for_s if state is State.FINGER else 0.0

    def _refusals(self) -> tuple[str, ...]:
        """Why no sitting may begin now; told before anybody stands at the camera."""
        now_s = time.monotonic()
        if now_s - self._refusals_at_s > REFUSALS_STAND_S:
            self._refusals_at_s, self._store_refusals = now_s, self._room.records.refusals()
        working = self._room.camera.status.working and self._room.seeing.is_set()
        return (*(() if working else ("device_out",)), *self._store_refusals)

    def _call_help(self, wanted: bool) -> None:
        self._cover(Overlay.HELP if wanted else None)
        if wanted:
            log.warning("help_called", sitting=self._sitting_id)
            self._figures.count_help()

    def _cover(self, overlay: Overlay | None) -> None:
        self._covered_at_s = time.monotonic()
        self._screen.show(overlay=overlay)

    def _mind_the_clock(self, idle_s: float) -> None:
        now_s, state = time.monotonic(), self._screen.snapshot.state
        if state is State.RESULT:
            if now_s - self._touched_at_s > RESULT_STAYS_S:
                self._move(Event.FINISH)
            return
        if self._somebody_is_here(now_s):
            self._touched_at_s = now_s
        if now_s - self._touched_at_s > idle_s:
            # What was accepted stays, sealed, for an attendant to resume, hand in or delete.
            log.info("left_alone", sitting=self._sitting_id, state=state.value)
            if self._visit is not None:
                self._visit.record.leave_alone()
            self._forget_visit()

    def _somebody_is_here(self, now_s: float) -> bool:
        visit = self._visit
        if visit is None:
            return False
        if self._watching:
            return visit.present
        if now_s - self._looked_at_s < PRESENCE_EVERY_S:
            return False
        self._looked_at_s = now_s
        return visit.look_for_presence()

    def _not_stored(self, reason: str) -> None:
        log.error("not_stored", sitting=self._sitting_id, reason=reason)
        state = self._screen.snapshot.state
        if state is State.RESULT or self._visit is None:
            self._forget_visit()
            return
        with suppress(StoreError):
            # Whoever stands here after a restart must not be led into this sitting.
            self._visit.record.leave_alone()
        self._screen.show(result=Result.TO_WINDOW)
        self._move(Event.NOT_STORED)

    def _forget_visit(self) -> None:
        if self._visit is not None:
            self._visit.stop()
        self._visit = None
        # The next person begins in the station's own language and sees nothing of the last one.
        self._screen.wipe(Snapshot(language=self._room.language))

    @property
    def _sitting_id(self) -> str:
        return self._screen.snapshot.sitting_id or ""

    @property
    def _language(self) -> str:
        return self._screen.snapshot.language

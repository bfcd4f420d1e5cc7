"""The sitting as everybody else sees it: ask for a move, look at the screen, wait for the next.

Web threads only post requests; one loop (`edge.sitting_loop`) alone moves the state.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date

from edge.desk_requests import Requests
from edge.fingers.exceptions import ExceptionReason, Permanence, SignedReason
from edge.health import Figures
from edge.orders.errors import OrderRefused
from edge.override import OverrideReason
from edge.room import Room
from edge.screen import Picture, Screen
from edge.sitting import LANGUAGES, Event, Snapshot
from edge.sitting_loop import SittingLoop
from edge.staff import Staff, WrongPin
from edge.staff_desk import StaffDesk
from edge.store.errors import StoreBroken, StoreFull


class SittingDesk(StaffDesk):
    """Runs one sitting after the other. All public methods may be called from any thread."""

    def __init__(self, room: Room, figures: Figures) -> None:
        """Prepare; `figures` counts results and calls for help."""
        self._staff = room.staff
        self._screen = Screen(Snapshot(language=room.language))
        self._requests = Requests(lambda: self._screen.snapshot)
        self._loop = SittingLoop(room, figures, self._screen)
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._loop.run,
            args=(self._requests, self._stopping),
            name="sitting",
            daemon=True,
        )

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
        return self._loop.broken

    @property
    def staff(self) -> Staff | None:
        """Who may sign here; None where nobody can."""
        return self._staff

    @property
    def alive(self) -> bool:
        """Whether the loop runs."""
        return self._thread.is_alive()

    @property
    def rounds(self) -> int:
        """How often the loop went round; it grows many times a second."""
        return self._loop.rounds

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
        return self._requests.ask(lambda: self._loop.sign(token, staff_id, same))

    def manual_shutter(self, token: str, staff_id: str, pin: str, reason: str) -> Snapshot:
        """Let an attendant take the portrait now, because a measure cannot be met.

        One face, visible eyes and the size stay demanded; what else fails is recorded as waived.

        Args:
            token: of the sitting.
            staff_id: of the attendant, as the staff file has it.
            pin: the attendant's.
            reason: a value of `edge.override.OverrideReason`.

        Raises:
            WrongPin: id and PIN do not fit, or a wait still runs.
            ValueError: no such reason.
            IllegalMove: no portrait is looked for now.
            StaleToken: the token is not the present sitting's.
            TimeoutError: the loop did not come to it in time.
        """
        why = OverrideReason(reason)
        self._check_staff(staff_id, pin)
        return self._requests.ask(lambda: self._loop.shutter(token, staff_id, why))

    def confirm_exception(  # noqa: PLR0917 - what an attendant says of one finger
        self,
        token: str,
        staff_id: str,
        pin: str,
        position: str,
        reason: str,
        permanence: str,
        come_back_on: str | None = None,
    ) -> Snapshot:
        """Let an attendant sign why a finger is not given; it counts as missing no more.

        The finger that is asked for now is skipped with it; a second word mends the first.

        Args:
            token: of the sitting.
            staff_id: of the attendant, as the staff file has it.
            pin: the attendant's.
            position: of the finger, as the screen has it.
            reason: a value of `edge.fingers.exceptions.ExceptionReason`.
            permanence: a value of `edge.fingers.exceptions.Permanence`.
            come_back_on: civil date from today on, only for what is temporary.

        Raises:
            WrongPin: id and PIN do not fit, or a wait still runs.
            ValueError: no such reason, permanence or date.
            IllegalMove: nothing is to be signed now, or not for this finger.
            StaleToken: the token is not the present sitting's.
            TimeoutError: the loop did not come to it in time.
        """
        signed = SignedReason(
            staff_id, ExceptionReason(reason), Permanence(permanence), come_back_on
        )
        if come_back_on is not None and date.fromisoformat(come_back_on) < date.today():
            raise ValueError("nobody comes back on a day that is over")
        self._check_staff(staff_id, pin)
        return self._requests.ask(lambda: self._loop.sign_exception(token, position, signed))

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
        return self._requests.ask(lambda: self._loop.from_person(event, token, still))

    def give_number(self, token: str, digits: str, staff_id: str = "") -> Snapshot:
        """Begin the order of a slip: its six digits, or what a scanner read of its code.

        An unknown number is no mistake of anybody's: the screen says that staff look into it.

        Args:
            token: of the present screen, "" on the welcome screen.
            digits: as they were typed or read; anything that is no number of ours is unknown.
            staff_id: of the attendant who gives it at the console; "" for the person.

        Raises:
            IllegalMove: no number is taken now.
            StaleToken: the token is not the present screen's.
            TimeoutError: the loop did not come to it in time.
        """
        return self._requests.ask(lambda: self._loop.give_number(token, digits, staff_id))

    def still_here(self) -> Snapshot:
        """Somebody is here: take away the question, or the cards of the idle screen."""
        return self._requests.ask(self._loop.still_here)

    def note_look(self, token: str, scale: str, theme: str, voice: str) -> None:
        """Take note of the look that is in force, for the record of a person who agreed to that.

        Args:
            token: of the sitting; another one's look is nobody's.
            scale: size of the text, "1" the ordinary one.
            theme: name of the colours.
            voice: "on" or "off".
        """
        self._requests.ask(lambda: self._loop.note_look(token, scale, theme, voice))

    def remote_answer(self, agreed: bool) -> Snapshot:
        """Let somebody far away see the screen, or not; also ends it. Harmless if nobody asks."""
        return self._requests.ask(lambda: self._loop.staff.remote_answer(agreed))

    def set_language(self, language: str) -> Snapshot:
        """Speak another language from now on. Raises `ValueError` for one we do not have."""
        if language not in LANGUAGES:
            raise ValueError(f"languages are {', '.join(LANGUAGES)}")
        return self._requests.ask(lambda: self._loop.speak(language))

    def withdraw(self, sitting_id: str, cancel: Callable[[], None]) -> None:
        """Let the centre take an order back, and lead whoever stands here to the window.

        Args:
            sitting_id: of the order's sitting.
            cancel: ends the order; runs where no step of the sitting can come between.

        Raises:
            TimeoutError: the loop did not come to it in time.
            OrderRefused, StoreFull: what `cancel` raised; the sitting goes on.
            StoreBroken: only a restart of the service can mend it.
        """
        refused: list[Exception] = []

        def withdraw() -> None:
            try:
                cancel()
            except StoreBroken as error:
                refused.append(error)
                raise
            except (OrderRefused, StoreFull) as error:
                # An answer for the centre; the person need not notice.
                refused.append(error)
            else:
                self._loop.withdraw(sitting_id)

        self._requests.ask(withdraw)
        if refused:
            raise refused[0]

    def call_help(self, wanted: bool) -> Snapshot:
        """Put the help screen up and count the call, or take it away. The sitting stays."""
        return self._requests.ask(lambda: self._loop.call_help(wanted))

    def rest(self, wanted: bool) -> Snapshot:
        """Stop every timer until the person comes back, or go on."""
        return self._requests.ask(lambda: self._loop.rest(wanted))

    def _check_staff(self, staff_id: str, pin: str) -> None:
        # On the asking thread: the hash is slow on purpose, and the loop has a person before it.
        if self._staff is None:
            raise WrongPin(0.0)
        if not self._staff.check(staff_id, pin):
            wait_s = self._staff.wait_s(staff_id)
            self._requests.ask(lambda: self._loop.show_pin_wait(wait_s))
            raise WrongPin(wait_s)

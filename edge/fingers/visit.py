"""The fingers of one visit: asked for by the plan, pressed, kept, or excepted with a reason.

Runs on the sitting's thread. What it holds of the person (the prints that are kept, for telling a
finger that is given twice) is in memory only and goes as soon as no further finger is asked for.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Final

import structlog

from drivers.fingerprint import FingerImage
from edge.fingers.capture import EARLIER_MAX, NEXT_FINGER, FingerCapture, FingerFailed, FingerTaken
from edge.fingers.exceptions import SignedReason, Why, exception_of
from edge.fingers.plan import Asked, FingerPlan, hand_of
from edge.fingers.wishes import FingerWishes
from edge.record import Record
from edge.room import Room
from edge.screen import Screen
from edge.sitting import Event
from quality.finger.print import Print

ATTENDANT_AFTER: Final = 10
"""Presses in all, after which the attendant is called without anybody asking."""

log = structlog.get_logger("fingers")


class FingerVisit:
    """The fingers of one person, from the first that is asked for to the last that is settled."""

    def __init__(self, room: Room, record: Record, screen: Screen, wishes: FingerWishes) -> None:
        """Go on where the record stands: at the beginning, or after a restart."""
        self._room = room
        self._record = record
        self._screen = screen
        self._wishes = wishes
        progress = record.progress
        self._plan: FingerPlan = wishes.plan(
            record.fingers_in, progress.fingers_closed, ended=progress.fingers_ended
        )
        self._capture: FingerCapture | None = None
        self._noted = 0
        self._given: dict[str, FingerImage] = {}
        self._prints: deque[Print] = deque(maxlen=EARLIER_MAX)
        if self._plan.next() is not None:
            # Loads while the person reads and is photographed.
            room.judge.begin()

    def step(self) -> Event | None:
        """Look after the press that runs; ask for the next finger when one is settled.

        Raises:
            StoreFull, StoreBroken: as every write.
        """
        capture = self._capture
        if capture is None:
            asked = self._plan.next()
            if asked is None:
                return Event.FINGERS_SETTLED
            if self._reader_unfit:
                self._end(Why.NOT_FOR_ENROLMENT)
                return Event.FINGER_SETTLED
            capture = self._capture = self._begun(asked)
        outcome = capture.step(time.monotonic())
        self._note_presses(capture)
        self._screen.show(finger=capture.view)
        if outcome is None:
            return None
        self._settle(outcome)
        return Event.FINGER_SETTLED

    def skip(self) -> None:
        """Go on without the finger that is asked for: this finger cannot."""
        asked = self._asked
        if asked is None:
            return
        if self._reader_long_out:
            self._end(Why.DEVICE_OUT)
        else:
            self._close([asked.position], self._plan.close(asked.position))

    def skip_hand(self) -> None:
        """Go on without the hand that is asked for: none of its fingers can."""
        asked = self._asked
        if asked is None:
            return
        if self._reader_long_out:
            self._end(Why.DEVICE_OUT)
            return
        hand = hand_of(asked.position)
        wanted = [p for p in self._plan.unsettled_slots if hand_of(p) == hand]
        closed = self._plan.close(asked.position).close_hand(hand)
        self._close([asked.position, *wanted], closed)

    def refuse(self) -> None:
        """Go on without any further finger; nobody asks why."""
        self._end(Why.REFUSED)

    def sign(self, position: str, signed: SignedReason) -> bool:
        """Take an attendant's word for why a finger is not given; False if nothing asks for it.

        The finger that is asked for now is skipped with it.
        """
        asked = self._asked
        if asked is not None and asked.position == position:
            self._close([position], self._plan.close(position))
        done = self._record.sign_exception(position, signed)
        self._show()
        return done

    def show_all(self) -> None:
        """Show what is settled, after a beginning or a restart."""
        self._show()

    def stop(self) -> None:
        """End a running press, and forget what memory holds of the person's fingers."""
        self._let_go()
        self._forget()

    @property
    def over(self) -> bool:
        """No finger is asked for any more."""
        return self._capture is None and self._plan.next() is None

    @property
    def asked_at_all(self) -> bool:
        """This visit is about fingers."""
        return bool(self._wishes.slots)

    @property
    def _asked(self) -> Asked | None:
        return None if self._capture is None else self._capture.asked

    @property
    def _reader_unfit(self) -> bool:
        # None: it was not open yet, and nobody knows.
        return self._wishes.enrolment_grade and self._room.reader.enrolment_grade is False

    @property
    def _reader_long_out(self) -> bool:
        """The way round the reader is offered: whoever takes it is not asked at each finger."""
        return self._screen.snapshot.calm_long and not self._room.reader.status.working

    def _begun(self, asked: Asked) -> FingerCapture:
        room = self._room
        made = self._record.progress.presentations.get(asked.position, ())
        self._noted = 0
        return FingerCapture(
            room.reader,
            room.judge,
            room.fingers,
            asked,
            earlier=self._prints,
            given=self._given,
            numbers_from=len(made) + 1,
            hint=NEXT_FINGER if asked.fallback_of else None,
        )

    def _note_presses(self, capture: FingerCapture) -> None:
        for press in capture.presentations[self._noted :]:
            self._record.note_press(capture.asked.position, press)
            self._noted += 1
        if not self._screen.snapshot.attendant_called:
            self._screen.show(attendant_called=self._record.presses_made >= ATTENDANT_AFTER)

    def _settle(self, outcome: FingerTaken | FingerFailed) -> None:
        if isinstance(outcome, FingerTaken):
            self._record.keep_finger(outcome)
            self._given[outcome.position] = outcome.best.image
            self._plan = self._plan.give(outcome.position)
            self._let_go()
            self._show()
        else:
            self._close([outcome.position], self._plan.close(outcome.position), Why.FAILED)

    def _end(self, why: Why) -> None:
        """Ask for no more fingers: those that are wanted still are excepted."""
        asked = [] if self._asked is None else [self._asked.position]
        left = [*asked, *self._plan.unsettled_slots]
        log.warning("fingers_ended", sitting=self._record.sitting_id, reason=why.value)
        self._close(left, self._plan.close(*left).end(), why)

    def _close(
        self, positions: Sequence[str], plan: FingerPlan, why: Why = Why.NOT_POSSIBLE
    ) -> None:
        made = {} if self._capture is None else {self._capture.asked.position: self._capture}
        exceptions = [
            exception_of(position, why, made[position].presentations if position in made else ())
            for position in dict.fromkeys(positions)
        ]
        self._record.except_fingers(exceptions, plan.closed, ended=plan.ended)
        self._plan = plan
        self._let_go()
        self._show()

    def _let_go(self) -> None:
        if self._capture is not None:
            self._capture.cancel()
            self._capture = None
        if self._plan.next() is None:
            # Nothing is left that a print could be compared with.
            self._forget()

    def _forget(self) -> None:
        self._given.clear()
        self._prints.clear()
        self._room.judge.forget()

    def _show(self) -> None:
        record, unfilled = self._record, self._record.unfilled_slots
        shown = None if self._capture is None else self._capture.view
        self._screen.show(
            finger=shown,
            fingers_in=record.fingers_in,
            finger_exceptions=tuple(
                one.view(wanted=one.position in unfilled) for one in record.exceptions
            ),
            missing=record.missing,
        )

"""One finger: up to so many presses, the best kept, a hint after each.

Runs on the sitting's thread and never blocks: the reader's own thread takes the presses, the
judge's looks at them, and the next press is asked for meanwhile. Time is without limit: a request
that brought no finger is repeated and never counted.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Final

from drivers.errors import DeviceError
from drivers.fingerprint import FingerImage, Retry
from edge.fingers.judge import MATCH_MIN, JudgedPress, PressJudge
from edge.fingers.plan import Asked
from edge.fingers.presses import (
    Agreement,
    GoodPress,
    Presentation,
    PressRules,
    Verdict,
    weigh,
)
from edge.reader_owner import Outcome, ReaderOwner
from edge.settings_sections import Fingers
from edge.sitting import FingerPhase, FingerStep
from quality.finger.causes import Cause
from quality.finger.gates import doubt
from quality.finger.print import Print

SHOWN_STEPS: Final = 50
EARLIER_MAX: Final = 5
"""Pictures of the same reader that a new one is compared with: a latent print shows again."""

AGAIN: Final = "finger.again"
"""The press was poor and no cause is known, or the ridges are worn: no pressing mends that."""
CONFIRM: Final = "finger.confirm"
"""The press was good: the same finger once more."""
NEXT_FINGER: Final = "finger.next_finger"
"""Another finger stands in; nothing was done wrong."""

CAUSES: Final[dict[Retry, Cause]] = {
    Retry.NO_FINGER: Cause.PLACE,
    Retry.LIFTED_EARLY: Cause.HOLD,
    Retry.OFF_CENTRE: Cause.PARTIAL,
    Retry.SMEARED: Cause.MOVED,
    Retry.OLD_PRINT: Cause.CLEAN_GLASS,
}


@dataclass(frozen=True, slots=True)
class FingerTaken:
    """The best press of a finger.

    Attributes:
        slot: the finger that was wanted; this one, or the one that it stands in for.
        best: the press that is kept.
        views: all presses that agree, the best first.
        low_quality: it stayed below what is accepted at once.
    """

    position: str
    slot: str
    best: GoodPress
    views: tuple[GoodPress, ...]
    agreement: Agreement
    low_quality: bool
    presentations: tuple[Presentation, ...]

    @property
    def fallback_of(self) -> str | None:
        """The finger that it stands in for, None if it was wanted itself."""
        return None if self.slot == self.position else self.slot


@dataclass(frozen=True, slots=True)
class FingerFailed:
    """No press of this finger was good enough."""

    position: str
    agreement: Agreement
    presentations: tuple[Presentation, ...]


class FingerCapture:
    """The presses of one finger position."""

    def __init__(
        self,
        reader: ReaderOwner,
        judge: PressJudge,
        limits: Fingers,
        asked: Asked,
        *,
        earlier: deque[Print],
        given: Mapping[str, FingerImage],
        numbers_from: int = 1,
        hint: str | None = None,
    ) -> None:
        """Take presses of one finger.

        Args:
            reader: takes them.
            judge: looks at them.
            limits: the station's.
            asked: which finger, and for which.
            earlier: the visit's last prints; added to here.
            given: the prints that are kept already, by position: none may be given twice.
            numbers_from: number of the first press: others may have been made before a restart.
            hint: said before the first press.
        """
        self._reader = reader
        self._judge = judge
        self._limits = limits
        self._asked = asked
        self._earlier = earlier
        self._given = given
        self._rules = PressRules(limits.accept_score, limits.stop_loss_score, limits.presses_max)
        self._numbers_from = numbers_from
        self._lock = threading.Lock()
        self._view = FingerStep(
            asked.position,
            1,
            FingerPhase.PLACE,
            hint=hint,
            fallback_of=asked.fallback_of,
        )
        self._press: Future[Outcome] | None = None
        self._judged: Future[JudgedPress] | None = None
        self._pressed_at_s = self._next_at_s = 0.0
        self._lift_from_s: float | None = None
        self._made: list[Presentation] = []
        self._good: list[GoodPress] = []

    @property
    def asked(self) -> Asked:
        """The finger that is pressed."""
        return self._asked

    @property
    def view(self) -> FingerStep:
        """What the screen shows of this finger now."""
        with self._lock:
            return self._view

    @property
    def presentations(self) -> tuple[Presentation, ...]:
        """The presses so far, without their images."""
        return tuple(self._made)

    def step(self, now_s: float) -> FingerTaken | FingerFailed | None:
        """Look after what runs, or ask for the next press; return the outcome when settled."""
        if self._judged is not None and self._judged.done():
            judged, self._judged = self._judged.result(), None
            self._add(judged)
            return self._settled()
        if self._press is not None and self._press.done() and self._judged is None:
            press, self._press = self._press, None
            return self._pressed(press, now_s)
        if self._press is None and now_s >= self._next_at_s:
            self._ask()
        return None

    def cancel(self) -> None:
        """End a running press; its outcome is ignored."""
        if self._press is not None:
            self._reader.cancel()
            self._press = None
        if self._judged is not None:
            self._judged.cancel()
            self._judged = None

    def _ask(self) -> None:
        try:
            self._press = self._reader.capture(self._limits.press_timeout_s, self._progress)
        except DeviceError:
            return
        if self._judged is None:
            self._show(phase=FingerPhase.PLACE, share=0.0)

    def _progress(self, received_bytes: int, expected_bytes: int) -> None:
        if received_bytes == 0:
            self._lift_from_s = time.monotonic()
        share = round(SHOWN_STEPS * received_bytes / max(expected_bytes, 1)) / SHOWN_STEPS
        self._show(phase=FingerPhase.READING, share=min(share, 1.0))

    def _pressed(self, press: Future[Outcome], now_s: float) -> FingerTaken | FingerFailed | None:
        try:
            outcome = press.result()
        except DeviceError:
            # The station's fault, not a press: the reader's state puts the calm screen up.
            self._show(phase=FingerPhase.PLACE, share=0.0)
            return None
        if outcome is None or outcome is Retry.NO_FINGER:
            hint = self.view.hint or Cause.PLACE.value
            self._show(phase=FingerPhase.PLACE, share=0.0, hint=hint)
            return None
        # On a slow line the finger had all the time of the upload to leave the glass.
        lift_from_s, self._lift_from_s = self._lift_from_s, None
        since_s = now_s if lift_from_s is None else min(now_s, lift_from_s)
        self._pressed_at_s, self._next_at_s = now_s, since_s + self._limits.lift_s
        if isinstance(outcome, Retry):
            self._note(None, CAUSES[outcome].value)
            self._say(CAUSES[outcome].value)
            return self._settled()
        against = {_press_name(press.number): press.image for press in self._good}
        against |= {_given_name(position): image for position, image in self._given.items()}
        self._judged = self._judge.judge(outcome, tuple(self._earlier), against)
        self._show(phase=FingerPhase.CHECKING, share=1.0)
        return None

    def _add(self, judged: JudgedPress) -> None:
        """Count a press that was judged, and say what to do next."""
        self._earlier.append(judged.seen)
        number = self._numbers_from + len(self._made)
        if judged.score is None:
            cause = AGAIN if judged.cause is None else judged.cause.value
            self._note(None, cause)
            self._say(AGAIN if judged.cause is Cause.WORN else cause)
            return
        if any(judged.matches.get(_given_name(p), 0) >= MATCH_MIN for p in self._given):
            self._note(judged.score, Cause.GIVEN_ALREADY.value)
            self._say(Cause.GIVEN_ALREADY.value)
            return
        named = {
            press.number: judged.matches.get(_press_name(press.number)) for press in self._good
        }
        matches = {number: match for number, match in named.items() if match is not None}
        why = doubt(judged.readings)
        good = GoodPress(
            number, judged.image, judged.score, judged.minutiae, matches, doubted=why is not None
        )
        cause, hint = self._said_of(good, judged.cause or why)
        self._good.append(good)
        self._note(judged.score, cause)
        self._say(hint)

    def _said_of(self, press: GoodPress, cause: Cause | None) -> tuple[str, str]:
        """Return a good press's cause and its hint."""
        if press.score.value < self._limits.accept_score or press.doubted:
            if cause is None:
                return "", AGAIN
            return cause.value, AGAIN if cause is Cause.WORN else cause.value
        others = [p for p in self._good if p.score.value >= self._limits.accept_score]
        # A poor press may fail to match its own finger: only two good ones show that they differ.
        assessed = [press.matches[p.number] for p in others if p.number in press.matches]
        if assessed and max(press.matches.values()) < MATCH_MIN:
            return Cause.OTHER_FINGER.value, Cause.OTHER_FINGER.value
        return "", CONFIRM

    def _note(self, score: Any, cause: str) -> None:
        number = self._numbers_from + len(self._made)
        self._made.append(Presentation(number, score, cause, self._pressed_at_s))

    def _say(self, hint: str) -> None:
        changes: dict[str, Any] = {"hint": hint, "presentation": len(self._made) + 1}
        if self.view.phase is not FingerPhase.READING or self._press is None:
            changes |= {"phase": FingerPhase.RETRY, "share": 0.0}
        self._show(**changes)

    def _settled(self) -> FingerTaken | FingerFailed | None:
        weighed = weigh(self._good)
        decided = self._rules.decide(weighed, self._made)
        if decided.verdict is Verdict.GO_ON:
            return None
        self.cancel()
        self._show(phase=FingerPhase.CHECKING, share=1.0, hint=None, presentation=len(self._made))
        position, best = self._asked.position, decided.kept
        if best is None:
            return FingerFailed(position, weighed.agreement, self.presentations)
        return FingerTaken(
            position,
            self._asked.slot,
            best,
            (best, *(view for view in weighed.views if view is not best)),
            weighed.agreement,
            decided.low_quality,
            self.presentations,
        )

    def _show(self, **changes: Any) -> None:
        with self._lock:
            self._view = replace(self._view, **changes)


def _press_name(number: int) -> str:
    return f"press {number}"


def _given_name(position: str) -> str:
    return f"given {position}"

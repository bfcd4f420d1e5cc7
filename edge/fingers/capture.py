"""One finger: up to so many presses, the best kept, a hint after each poor one.

Runs on the sitting's thread and never blocks: the reader's own thread takes the presses.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Final

from drivers.errors import DeviceError
from drivers.fingerprint import FingerImage, Retry
from edge.reader_owner import Outcome, ReaderOwner
from edge.settings import Fingers
from edge.sitting import FingerPhase, FingerStep
from quality.finger.causes import Cause, poor_press_cause
from quality.finger.gates import retry_cause
from quality.finger.print import Print, print_of
from quality.finger.score import FingerScore, ridge_score
from quality.measure import CannotAssess

HINT_STAYS_S: Final = 2.0
"""Time to read the hint and to lift the finger before the next press is taken."""
SHOWN_STEPS: Final = 50
EARLIER_MAX: Final = 5
"""Pictures of the same reader that a new one is compared with: a latent print shows again."""

AGAIN: Final = "finger.again"
"""The press was poor and no cause is known: a worn finger cannot be pressed any better."""

CAUSES: Final[dict[Retry, Cause]] = {
    Retry.NO_FINGER: Cause.PLACE,
    Retry.LIFTED_EARLY: Cause.HOLD,
    Retry.OFF_CENTRE: Cause.PARTIAL,
    Retry.SMEARED: Cause.MOVED,
    Retry.OLD_PRINT: Cause.CLEAN_GLASS,
}


@dataclass(frozen=True, slots=True)
class Presentation:
    """One press as the record keeps it: number, score or cause, never its image."""

    number: int
    score: int | None
    cause: str
    at_s: float


@dataclass(frozen=True, slots=True)
class FingerTaken:
    """The best press of a finger; `low_quality` if it stayed below what is accepted at once."""

    position: str
    image: FingerImage
    score: FingerScore
    low_quality: bool
    presentations: tuple[Presentation, ...]


@dataclass(frozen=True, slots=True)
class FingerMissing:
    """No press of this finger was good enough, or none could be given."""

    position: str
    reason: str
    presentations: tuple[Presentation, ...]


class FingerCapture:
    """The presses of one finger position."""

    def __init__(
        self, reader: ReaderOwner, limits: Fingers, position: str, earlier: deque[Print]
    ) -> None:
        """Take presses of `position`; `earlier` are the visit's last prints, added to here."""
        self._earlier = earlier
        self._reader = reader
        self._limits = limits
        self._lock = threading.Lock()
        self._view = FingerStep(position, 1, FingerPhase.PLACE)
        self._press: Future[Outcome] | None = None
        self._retry_at_s = 0.0
        self._best: tuple[FingerImage, FingerScore] | None = None
        self._presentations: list[Presentation] = []

    @property
    def view(self) -> FingerStep:
        """What the screen shows of this finger now."""
        with self._lock:
            return self._view

    @property
    def presentations(self) -> tuple[Presentation, ...]:
        """The presses so far, without their images."""
        return tuple(self._presentations)

    def step(self, now_s: float) -> FingerTaken | FingerMissing | None:
        """Look after the press that runs, or ask for the next; return the outcome when settled."""
        if self._press is None:
            if now_s >= self._retry_at_s:
                self._ask()
            return None
        if not self._press.done():
            return None
        press, self._press = self._press, None
        try:
            outcome = press.result()
        except DeviceError:
            # The station's fault, not a press: the reader's state puts the calm screen up.
            self._show(phase=FingerPhase.PLACE, share=0.0)
            return None
        return self._judge(outcome, now_s)

    def cancel(self) -> None:
        """End a running press; its outcome is ignored."""
        if self._press is not None:
            self._reader.cancel()
            self._press = None

    def _ask(self) -> None:
        try:
            self._press = self._reader.capture(self._limits.press_timeout_s, self._progress)
        except DeviceError:
            return
        self._show(phase=FingerPhase.PLACE, share=0.0)

    def _progress(self, received_bytes: int, expected_bytes: int) -> None:
        share = round(SHOWN_STEPS * received_bytes / max(expected_bytes, 1)) / SHOWN_STEPS
        self._show(phase=FingerPhase.READING, share=min(share, 1.0))

    def _judge(self, outcome: Outcome, now_s: float) -> FingerTaken | FingerMissing | None:
        if outcome is None or outcome is Retry.NO_FINGER:
            self._show(phase=FingerPhase.PLACE, share=0.0, hint=Cause.PLACE.value)
            return None
        if isinstance(outcome, FingerImage):
            score, hint = self._weigh(outcome)
        else:
            score, hint = None, CAUSES[outcome].value
        number = len(self._presentations) + 1
        value = score.value if score else None
        self._presentations.append(Presentation(number, value, hint or "", now_s))
        if (score and score.value >= self._limits.accept_score) or self._used_up():
            return self._settle()
        self._retry_at_s = now_s + HINT_STAYS_S
        self._show(phase=FingerPhase.RETRY, share=0.0, hint=hint, presentation=number + 1)
        return None

    def _weigh(self, image: FingerImage) -> tuple[FingerScore | None, str | None]:
        """Return the press's score, if it is a finger's, and the hint, if it is not good enough."""
        seen = print_of(image)
        cause = retry_cause(seen, tuple(self._earlier))
        self._earlier.append(seen)
        if cause is not None:
            return None, cause.value
        try:
            score = ridge_score(seen)
        except CannotAssess:
            return None, AGAIN
        if self._best is None or score.value > self._best[1].value:
            self._best = (image, score)
        if score.value >= self._limits.accept_score:
            return score, None
        poor = poor_press_cause(seen)
        return score, poor.value if poor else AGAIN

    def _used_up(self) -> bool:
        return len(self._presentations) >= self._limits.presses_max

    def _settle(self) -> FingerTaken | FingerMissing:
        self._show(phase=FingerPhase.CHECKING, share=1.0, hint=None)
        position, presses = self._view.position, self.presentations
        if self._best is None or self._best[1].value < self._limits.stop_loss_score:
            return FingerMissing(position, "failed", presses)
        image, score = self._best
        low = score.value < self._limits.accept_score
        return FingerTaken(position, image, score, low, presses)

    def _show(self, **changes: Any) -> None:
        with self._lock:
            self._view = replace(self._view, **changes)

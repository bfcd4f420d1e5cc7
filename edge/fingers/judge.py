"""One press judged: gates first, then a score, then how alike it is to the presses given.

Runs on a thread of its own, so that the reader's next poll and the sitting go on. What the matches
mean (the same finger again, another one, one given already) is decided by who asked.

An examiner that is lost in the middle costs its time-out at most: this press is then judged by our
own score, under its own name, and not matched; the next press begins another examiner.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import structlog

from drivers.fingerprint import FingerImage
from edge.fingers.examiner import (
    NO_EXAMINER,
    ExaminerLost,
    ExaminerState,
    FingerExaminer,
    NotAssessed,
)
from formats.finger.minutia import Minutia
from quality.finger.causes import Cause, poor_press_cause
from quality.finger.gates import gate_readings, refusal
from quality.finger.print import Print, print_of
from quality.finger.score import FingerScore, ridge_score
from quality.measure import CannotAssess, Reading

MATCH_MIN: Final = 40
"""bozorth3 from which on two presses are of one finger: impostors reached 24 on 80 real prints,
48 on drawn ones, 2 of 780 pairs being at 40 or more [measured, `docs/accuracy.md`]."""

EXAMINE_TIMEOUT_S: Final = 5.0
MATCHING_TIMEOUT_S: Final = 5.0
"""For all matches of one press. Both: some twenty times what a busy machine took."""


log = structlog.get_logger("examiner")


@dataclass(frozen=True, slots=True)
class JudgedPress:
    """What one press is worth.

    Attributes:
        image: the press itself.
        seen: the same with skin and ridges found, for the gates of the presses to come.
        readings: every gate, with unit and range.
        score: None if a gate refused it, or if the score's algorithm could not assess it.
        cause: why it is refused or below what is accepted at once; None where nothing is wrong, or
            where nothing can be done better.
        minutiae: empty without an examiner.
        matches: bozorth3 by the name of each image given; a name that is missing was not assessed.
    """

    image: FingerImage
    seen: Print
    readings: tuple[Reading, ...]
    score: FingerScore | None
    cause: Cause | None
    minutiae: tuple[Minutia, ...] = ()
    matches: Mapping[str, int] = field(default_factory=dict)


class PressJudge:
    """Judges presses one after the other. All methods may be called from any thread."""

    def __init__(self, examiner: FingerExaminer | None, accept_score: int) -> None:
        """Judge with `examiner`, which is closed with the judge; None: by our own score alone."""
        self._examiner = examiner
        self._accept_score = accept_score
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="press-judge")
        self._lock = threading.Lock()
        self._asked: set[Future[JudgedPress]] = set()

    @property
    def matching(self) -> bool:
        """Whether presses are matched now: there is an examiner, and it is not lost."""
        return self._examiner is not None and self._examiner.state is not ExaminerState.LOST

    @property
    def examiner_state(self) -> str:
        """`ExaminerState` of the examiner, "none" without one."""
        return NO_EXAMINER if self._examiner is None else self._examiner.state.value

    def begin(self) -> None:
        """Let the examiner load, as somebody begins a visit; returns at once."""
        if self._examiner is not None:
            self._post(self._examiner.begin)

    def judge(
        self, image: FingerImage, earlier: Sequence[Print], against: Mapping[str, FingerImage]
    ) -> Future[JudgedPress]:
        """Judge one press. The future may be cancelled or dropped at any time.

        Args:
            image: the press.
            earlier: the last pictures of this reader, five at most: a latent print shows again.
            against: the presses that it is matched with, by names of the caller's.

        Raises:
            RuntimeError: the judge is closed.
        """
        judged = self._thread.submit(self._judged, image, tuple(earlier), dict(against))
        with self._lock:
            self._asked.add(judged)
        judged.add_done_callback(self._settled)
        return judged

    def forget(self) -> None:
        """Drop all that is known of this person: presses not judged yet too. Returns at once."""
        self._cancel_all()
        if self._examiner is not None:
            self._post(self._examiner.forget)

    def close(self) -> None:
        """Forget, end the thread and the examiner. Closing twice is allowed."""
        self._cancel_all()
        self._thread.shutdown(cancel_futures=True)
        if self._examiner is not None:
            self._examiner.close()

    def _post(self, do: Callable[[], None]) -> None:
        # Closed already: then nothing is left to begin or to forget.
        with contextlib.suppress(RuntimeError):
            self._thread.submit(do)

    def _cancel_all(self) -> None:
        with self._lock:
            asked = tuple(self._asked)
        for judged in asked:
            judged.cancel()

    def _settled(self, judged: Future[JudgedPress]) -> None:
        with self._lock:
            self._asked.discard(judged)

    def _judged(
        self, image: FingerImage, earlier: Sequence[Print], against: Mapping[str, FingerImage]
    ) -> JudgedPress:
        seen = print_of(image)
        readings = gate_readings(seen, earlier)
        refused = refusal(readings, seen)
        if refused is not None:
            return JudgedPress(image, seen, readings, None, refused)
        if self._examiner is not None:
            try:
                examined = self._examiner.examine(image, EXAMINE_TIMEOUT_S)
            except NotAssessed:
                # Our own score would say more of such a picture than the reference dares to.
                return JudgedPress(image, seen, readings, None, poor_press_cause(seen))
            except ExaminerLost:
                log.warning("examiner_lost", state=self.examiner_state)
            else:
                score, minutiae = examined.score, examined.minutiae
                cause, matches = self._cause(seen, score), _matches(self._examiner, image, against)
                return JudgedPress(image, seen, readings, score, cause, minutiae, matches)
        own = _own_score(seen)
        return JudgedPress(image, seen, readings, own, self._cause(seen, own))

    def _cause(self, seen: Print, score: FingerScore | None) -> Cause | None:
        good = score is not None and score.value >= self._accept_score
        return None if good else poor_press_cause(seen)


def _matches(
    examiner: FingerExaminer, image: FingerImage, against: Mapping[str, FingerImage]
) -> dict[str, int]:
    matches: dict[str, int] = {}
    until_s = time.monotonic() + MATCHING_TIMEOUT_S
    for name, other in against.items():
        try:
            matches[name] = examiner.match(image, other, until_s - time.monotonic())
        except NotAssessed:
            continue
        except ExaminerLost:
            log.warning("examiner_lost", state=examiner.state.value)
            break
    return matches


def _own_score(seen: Print) -> FingerScore | None:
    try:
        return ridge_score(seen)
    except CannotAssess:
        return None

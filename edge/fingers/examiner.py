"""What scores a press by the reference algorithm, finds its minutiae and matches two presses.

This is what the sitting knows of an examiner; the only one is `edge.fingers.nbis`, an optional
extra. Without one a press is scored by our own `anxin-ridge-1`, and whether two presses are of one
finger is not assessed. Nobody is ever looked for among many.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

import structlog

from drivers.fingerprint import FingerImage
from edge.settings_sections import ExaminerChoice
from formats.finger.minutia import Minutia
from quality.finger.score import FingerScore

__all__ = [
    "NO_EXAMINER",
    "Examined",
    "ExaminerLost",
    "ExaminerState",
    "FingerExaminer",
    "NotAssessed",
    "load_examiner",
]

NO_EXAMINER: Final = "none"
"""What stands for the state of an examiner that there is not."""

log = structlog.get_logger("examiner")


class ExaminerLost(Exception):
    """The examiner died, hung or has not begun; it is replaced. Judge this press by our score."""


class NotAssessed(Exception):
    """The examiner works, but this picture has no score: too blank, too small, no minutiae."""


class ExaminerState(Enum):
    """How an examiner is, as health shows it."""

    RESTING = "resting"
    """Not begun, or ended after a visit: it begins with the next."""
    BEGINNING = "beginning"
    READY = "ready"
    LOST = "lost"
    """It died or hung; it begins anew with the next question."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What an examiner found in one press.

    Attributes:
        score: under the algorithm's own name and version.
        minutiae: in pixels of the image as it was given, whatever resolution was scored.
    """

    score: FingerScore
    minutiae: tuple[Minutia, ...]


class FingerExaminer(Protocol):
    """One examiner; callers take turns, and any thread may ask for `state`."""

    @property
    def state(self) -> ExaminerState:
        """How it is now."""

    def begin(self) -> None:
        """Let it load, if it has not; returns at once."""

    def examine(self, image: FingerImage, timeout_s: float) -> Examined:
        """Score a press and find its minutiae. Raises `NotAssessed`, `ExaminerLost`."""

    def match(self, first: FingerImage, second: FingerImage, timeout_s: float) -> int:
        """Return how alike two presses are (bozorth3). Raises `NotAssessed`, `ExaminerLost`."""

    def forget(self) -> None:
        """Let nothing of this person be left anywhere; returns when nothing is."""

    def close(self) -> None:
        """Forget and end. Closing twice is allowed."""


def load_examiner(choice: ExaminerChoice) -> FingerExaminer | None:
    """Return the examiner that a station is configured for; None: our own score, no matching.

    None is also the answer where it is wanted but not installed, and the log says so.
    """
    if choice == "none":
        return None
    from edge.fingers import nbis  # noqa: PLC0415 - it knows this module

    absent = nbis.missing()
    if absent is not None:
        say = log.warning if choice == "nbis" else log.info
        say("examiner_not_installed", reason=absent)
        return None
    return nbis.NbisExaminer()

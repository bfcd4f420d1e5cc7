"""Fingers that were asked for and are not given: why, for how long, and who signed it. Pure.

An exception is no failure of the person. It stays open until an attendant has signed why, and so
long the finger is missing, unless another one stands in for it; a refusal is the person's own word,
needs nobody's and carries no reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from enum import Enum
from typing import Any, Final

from edge.fingers.presses import Presentation, worn
from edge.sitting import FingerExceptionView
from quality.finger.causes import Cause
from quality.finger.score import FingerScore

GIVEN: Final = "01"
FAILED: Final = "02"
NOT_TAKEN: Final = "03"
"""Result codes as the rules of the resident identity card have them (`CardResult`)."""


class ExceptionReason(Enum):
    """Why a finger is not given. The value is what the record carries."""

    AMPUTATED = "amputated"
    BANDAGED = "bandaged"
    INJURED = "injured"
    WORN = "worn"
    DRY = "dry"
    OTHER = "other"


class Permanence(Enum):
    """Whether the finger can be given some day."""

    PERMANENT = "permanent"
    TEMPORARY = "temporary"


class Why(Enum):
    """What led to an exception. The value stands in `missing[]` while it is open."""

    FAILED = "failed"
    """Pressed as often as may be, and never good enough."""
    NOT_POSSIBLE = "not_possible"
    """The person said that this finger, or this hand, cannot."""
    REFUSED = "refused"
    DEVICE_OUT = "device_out"
    """The reader did not work: the station's fault."""
    NOT_FOR_ENROLMENT = "reader_not_for_enrolment"
    """The reader works, but its window is too small for what was ordered."""


_TO_BE_SIGNED: Final = frozenset({Why.FAILED, Why.NOT_POSSIBLE})
"""For the others there is nothing of the person's to be signed."""


@dataclass(frozen=True, slots=True)
class SignedReason:
    """What an attendant signs.

    Attributes:
        staff_id: who signed.
        come_back_on: civil date, ISO 8601; None if none was agreed on.
    """

    staff_id: str
    reason: ExceptionReason
    permanence: Permanence
    come_back_on: str | None = None

    def __post_init__(self) -> None:
        if self.come_back_on is None:
            return
        if self.permanence is Permanence.PERMANENT:
            raise ValueError("nobody comes back with what is permanent")
        if date.fromisoformat(self.come_back_on).isoformat() != self.come_back_on:
            raise ValueError("a civil date is wanted: 2026-11-22")


@dataclass(frozen=True, slots=True)
class FingerException:
    """One finger that was asked for and is not given, as the record keeps it.

    Attributes:
        position: of the finger, by name.
        result: "02" failed, "03" not taken.
        why: a value of `Why`.
        reason: a value of `ExceptionReason`; None until somebody said, and after a refusal.
        permanence: a value of `Permanence`; None until somebody said, and after a refusal.
        attempts: presses made.
        best_score: of all presses; with algorithm and version, since scores of two do not compare.
        causes: codes of the presses, each once, in the order in which they came.
        confirmed_by: staff id; None until an attendant signed.
    """

    position: str
    result: str
    why: str
    reason: str | None = None
    permanence: str | None = None
    come_back_on: str | None = None
    attempts: int = 0
    best_score: dict[str, Any] | None = None
    causes: tuple[str, ...] = ()
    confirmed_by: str | None = None

    @classmethod
    def from_progress(cls, kept: Mapping[str, Any]) -> FingerException:
        """Return the exception that was kept by `for_progress`."""
        return cls(**{**kept, "causes": tuple(kept["causes"])})

    def for_progress(self) -> dict[str, Any]:
        """Return what journal and record keep: codes and numbers."""
        return asdict(self)

    @property
    def may_be_signed(self) -> bool:
        """There is a reason that an attendant could give, for the first time or to mend it."""
        return Why(self.why) in _TO_BE_SIGNED

    @property
    def open(self) -> bool:
        """Nobody has signed why the finger is not given: it is missing if nothing stands in."""
        return self.confirmed_by is None

    def signed(self, signed: SignedReason) -> FingerException:
        """Return the exception with an attendant's word."""
        return replace(
            self,
            reason=signed.reason.value,
            permanence=signed.permanence.value,
            come_back_on=signed.come_back_on,
            confirmed_by=signed.staff_id,
        )

    def view(self, *, wanted: bool) -> FingerExceptionView:
        """Return what the screen shows of it; `wanted` as there."""
        return FingerExceptionView(
            self.position,
            self.result,
            self.reason or "",
            self.permanence or "",
            confirmed=not (self.open and self.may_be_signed),
            wanted=wanted,
        )


def exception_of(position: str, why: Why, made: Sequence[Presentation] = ()) -> FingerException:
    """Return the exception of a finger, open.

    Of a refusal nothing is said but that: no reason, which might be a medical one, and no causes,
    which would hint at one.
    """
    if why is Why.REFUSED:
        return FingerException(position, NOT_TAKEN, why.value, attempts=len(made))
    scores = [press.score for press in made if press.score is not None]
    best = max(scores, key=lambda score: score.value, default=None)
    return FingerException(
        position,
        FAILED if made and why is not Why.NOT_FOR_ENROLMENT else NOT_TAKEN,
        why.value,
        reason=_measured_reason(made) if why is Why.FAILED else None,
        attempts=len(made),
        best_score=None if best is None else score_row(best),
        causes=tuple(dict.fromkeys(press.cause for press in made if press.cause)),
    )


def score_row(score: FingerScore) -> dict[str, Any]:
    """Return a score as manifests and records carry it."""
    return {"value": score.value, "algorithm": score.algorithm, "version": score.version}


def _measured_reason(made: Sequence[Presentation]) -> str:
    """Return what the presses look like; an attendant who looks at the finger knows better."""
    if worn(made):
        return ExceptionReason.WORN.value
    if any(press.cause == Cause.DRY.value for press in made):
        return ExceptionReason.DRY.value
    return ExceptionReason.OTHER.value

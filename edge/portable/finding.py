"""What one step of a field check found: figure, unit, limit, verdict; and what all came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from edge.portable.field_limits import Limit


class Verdict(Enum):
    """Of one step."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ASSESSED = "not_assessed"


class Outcome(Enum):
    """Of a whole check: a step that failed, or that somebody must still lend a hand to, is due."""

    PASSED = "passed"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class Finding:
    """One step.

    Attributes:
        step: a code, such as "sharpness".
        value: in `unit`; None where nothing could be measured.
        min, max: what is asked; None: nothing on that side.
        reason: a code of why it is not assessed, or what else is to be known; "" if nothing is.
        optional: a check passes without it.
    """

    step: str
    value: float | None
    unit: str
    min: float | None
    max: float | None
    verdict: Verdict
    reason: str = ""
    optional: bool = False

    def row(self) -> dict[str, Any]:
        """Return it as manifests, health and the command carry it."""
        return {**asdict(self), "verdict": self.verdict.value}


def held_against(step: str, value: float, limit: Limit, reason: str = "") -> Finding:
    """Return the finding of a measured value."""
    low = limit.min is not None and value < limit.min
    high = limit.max is not None and value > limit.max
    verdict = Verdict.FAILED if low or high else Verdict.PASSED
    return Finding(step, round(value, 3), limit.unit, limit.min, limit.max, verdict, reason)


def unmeasured(step: str, limit: Limit, reason: str, verdict: Verdict) -> Finding:
    """Return the finding of a step that gave no figure."""
    return Finding(step, None, limit.unit, limit.min, limit.max, verdict, reason)


def outcome_of(findings: Sequence[Finding]) -> Outcome:
    """Return what a check came to."""
    needed = [one for one in findings if not one.optional]
    passed = needed and all(one.verdict is Verdict.PASSED for one in needed)
    return Outcome.PASSED if passed else Outcome.DUE

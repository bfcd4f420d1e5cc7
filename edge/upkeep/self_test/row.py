"""One row of the tests of itself: a figure held against its limit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Verdict(Enum):
    """Of one row."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ASSESSED = "not_assessed"


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        step: a code; its name and its remedy stand in `words/`.
        value: in `unit`; None where nothing could be measured.
        least, most: the limit; None: nothing is asked on that side.
        source: where the limit comes from; "" where there is none.
        reason: a code of why it is not assessed, or what else is to be known.
        subject: which device, file, sink or key, where there are several.
        said: a sentence of whoever refused; for the terminal, never for a log.
    """

    step: str
    value: float | None
    unit: str
    verdict: Verdict
    least: float | None = None
    most: float | None = None
    source: str = ""
    reason: str = ""
    subject: str = ""
    said: str = ""

    def told(self) -> dict[str, Any]:
        """Return it as JSON carries it."""
        return {**asdict(self), "verdict": self.verdict.value}


@dataclass(frozen=True, slots=True)
class Limit:
    """What is asked of a figure, and who asks it."""

    unit: str
    least: float | None = None
    most: float | None = None
    source: str = ""

    def held(self, step: str, value: float, **more: str) -> Row:
        """Return the row of a figure."""
        low = self.least is not None and value < self.least
        high = self.most is not None and value > self.most
        verdict = Verdict.FAILED if low or high else Verdict.PASSED
        return Row(
            step, round(value, 3), self.unit, verdict, self.least, self.most, self.source, **more
        )

    def failed(self, step: str, reason: str, **more: str) -> Row:
        """Return the row of what gave no figure and should have."""
        return Row(
            step, None, self.unit, Verdict.FAILED, self.least, self.most, self.source, reason,
            **more,
        )  # fmt: skip

    def not_assessed(self, step: str, reason: str, **more: str) -> Row:
        """Return the row of what nobody can measure now, and why."""
        return Row(
            step, None, self.unit, Verdict.NOT_ASSESSED, self.least, self.most, self.source, reason,
            **more,
        )  # fmt: skip


NO_FAULTS = Limit("faults", most=0, source="design: none is tolerated")

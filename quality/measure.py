"""A measure, its value on one sample, and the judgement of that value against limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

Sample = TypeVar("Sample")


class CannotAssess(Exception):
    """The sample does not carry what the measure needs. Report it as not assessed and go on."""


class Verdict(Enum):
    """What one reading says about the sample."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_ASSESSED = "not_assessed"


class Standing(Enum):
    """How near a value is to the standard's own (`docs/measures.md`)."""

    OFIQ = "ofiq"
    OFIQ_LIKE = "ofiq_like"
    HEURISTIC = "heuristic"
    OWN = "own"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Range:
    """An inclusive interval; an end of None is open."""

    low: float | None = None
    high: float | None = None

    def __contains__(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


ANY = Range()


@dataclass(frozen=True, slots=True)
class Native:
    """One measure's value in its own unit; None, with a reason, if it could not be assessed."""

    value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Measure(Generic[Sample]):
    """A pure function of one sample, declared with its unit and the values it can have.

    Attributes:
        name: the field's identifier (ISO/IEC 29794-5, 29794-4) or our own.
        unit: of the native value; "1" for a share or a ratio, "deg", "px".
        valid: what the value can be; what is accepted is the document's business.
        compute: native value of a sample; raises `CannotAssess`.
        standing: how near the value is to the standard's own.
        component: native value to the standard's 0..100, or None where it defines none for ours.
        still_only: not computed on live frames, because nothing there asks for it.
        stand_in: what a station gives it instead of the standard's own input, if not the same.
    """

    name: str
    unit: str
    valid: Range
    compute: Callable[[Sample], float]
    standing: Standing
    component: Callable[[float], int] | None = None
    still_only: bool = False
    stand_in: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One measure's outcome on one sample; `native` is None exactly if not assessed.

    `reason` says why it was not, or else what stood in for the standard's own input.
    """

    measure: str
    native: float | None
    component: int | None
    unit: str
    accept: Range
    verdict: Verdict
    standing: Standing
    advisory: bool = False
    reason: str = ""


def natives(measures: Iterable[Measure[Sample]], sample: Sample) -> dict[str, Native]:
    """Return every measure's value on this sample; one that fails never stops the others."""
    return {measure.name: _native(measure, sample) for measure in measures}


def _native(measure: Measure[Sample], sample: Sample) -> Native:
    try:
        value = float(measure.compute(sample))
    except CannotAssess as failure:
        return Native(None, str(failure))
    if not math.isfinite(value) or value not in measure.valid:
        return Native(None, "value outside the measure's range")
    return Native(value)


def assess(
    measure: Measure[Sample], native: Native, accept: Range = ANY, *, advisory: bool = False
) -> Reading:
    """Judge one value against the limits that a document or a site sets."""
    verdict, component = Verdict.NOT_ASSESSED, None
    if native.value is not None:
        verdict = Verdict.ACCEPTED if native.value in accept else Verdict.REJECTED
        component = measure.component(native.value) if measure.component else None
    return Reading(
        measure.name, native.value, component, measure.unit, accept, verdict,
        measure.standing, advisory, native.reason or measure.stand_in,
    )  # fmt: skip

"""One knob turned through its range, and what the measure said at every place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from quality.measure import CannotAssess

OF_TRUTH = "%"
"""The bound's unit where errors count in percent of the truth."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a measure said at one place, and what was true there, in one unit."""

    truth: float
    estimate: float
    sd: float | None = None


@dataclass(frozen=True, slots=True)
class Sweep:
    """One estimate over one knob.

    Attributes:
        measure: of which module, for a reader to find.
        estimate: what is estimated.
        knob: what is turned, with its unit.
        places: of the knob.
        bound: largest error allowed.
        unit: of the error; "%" counts in percent of the truth.
        say: takes one place and returns what the measure said there.
        sample: the places that a test takes, which has seconds and not minutes.
    """

    measure: str
    estimate: str
    knob: str
    places: tuple[float, ...]
    bound: float
    unit: str
    say: Callable[[float], Said]
    sample: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """What came of a sweep.

    Attributes:
        errors: estimate less truth, in the bound's unit, one a place.
        ratios: each error over its own standard uncertainty, where the measure gives one.
        unsaid: places with the code that the measure refused with.
    """

    sweep: Sweep
    errors: tuple[float, ...]
    ratios: tuple[float, ...]
    unsaid: tuple[tuple[float, str], ...]

    @property
    def worst(self) -> float:
        """Largest error without its sign; 0 if nothing was said."""
        return max((abs(one) for one in self.errors), default=0.0)

    @property
    def mean(self) -> float:
        """Mean error with its sign: what is left over many."""
        return sum(self.errors) / len(self.errors) if self.errors else 0.0

    @property
    def standing(self) -> Literal["met", "missed"]:
        """Missed as well where the measure refused a place that is within its range."""
        good = bool(self.errors) and not self.unsaid and self.worst <= self.sweep.bound
        return "met" if good else "missed"


def held(sweep: Sweep, places: Sequence[float] | None = None) -> Held:
    """Turn the knob through these places; None for all of them."""
    errors, ratios, unsaid = [], [], []
    for place in sweep.places if places is None else places:
        try:
            said = sweep.say(place)
        except CannotAssess as refusal:
            unsaid.append((place, str(refusal)))
            continue
        error = said.estimate - said.truth
        if said.sd:
            ratios.append(error / said.sd)
        errors.append(100 * error / said.truth if sweep.unit == OF_TRUTH else error)
    return Held(sweep, tuple(errors), tuple(ratios), tuple(unsaid))


def all_held(sweeps: Iterable[Sweep]) -> tuple[Held, ...]:
    """Turn every knob through its whole range."""
    return tuple(held(one) for one in sweeps)

"""Shares of few pictures, with what few pictures leave open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Final

Z_95: Final = 1.959963984540054
"""The normal distribution's quantile for a two-sided interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.of:
            raise ValueError(f"{self.count} of {self.of}")

    @property
    def exact(self) -> Fraction:
        """0 to 1, so that 19/20 and 18/20 differ by five points and no hair more."""
        return Fraction(self.count, self.of)

    @property
    def rate(self) -> float:
        """0 to 1; raises ZeroDivisionError where nothing was counted."""
        return float(self.exact)

    def interval(self, z: float = Z_95) -> tuple[float, float]:
        """Return the Wilson score interval's ends, 0 to 1: (0, 1) where nothing was counted.

        Source: Wilson 1927, without continuity correction.
        """
        if self.of == 0:
            return 0.0, 1.0
        n, rate = self.of, self.rate
        middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
        # At a rate of 0 or 1 an end is 0 or 1 exactly, which rounding misses by a hair.
        return max(0.0, middle - reach), min(1.0, middle + reach)

    def __str__(self) -> str:
        if self.of == 0:
            return "0/0"
        low, high = self.interval()
        return (
            f"{self.count}/{self.of} = {100 * self.rate:.0f} % ({100 * low:.0f}-{100 * high:.0f})"
        )


def share(passed: Iterable[bool]) -> Share:
    """Return how many are true."""
    all_of_them = list(passed)
    return Share(sum(all_of_them), len(all_of_them))


@dataclass(frozen=True, slots=True)
class Gap:
    """The lowest and the highest rate among groups."""

    lowest: str
    highest: str
    points: float


def gap(groups: Mapping[str, Share], at_least: int = 1) -> Gap | None:
    """Return the widest difference of rates in percentage points, None with fewer than two groups.

    Args:
        groups: by name; of equal rates the first one counts.
        at_least: groups of fewer members are left out: one picture more would turn them round.
    """
    compared = {name: one for name, one in groups.items() if one.of >= max(1, at_least)}
    if len(compared) < 2:
        return None
    lowest = min(compared, key=lambda name: compared[name].exact)
    highest = max(compared, key=lambda name: compared[name].exact)
    low, high = (compared[name].exact for name in (lowest, highest))
    return Gap(lowest, highest, float(100 * (high - low)))

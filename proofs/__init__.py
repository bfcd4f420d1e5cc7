"""What the station promises of its packages, tried many times: `python -m proofs` counts and says.

A proof is a module of this folder with ``PROOFS: Mapping[str, Proof]``. Each brings its negative
control: the same trial on a product that was broken on purpose, which must be found out. A control
that passes makes the run fail, because a proof that cannot fail proves nothing. Nothing of the
station imports this room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

ZERO_FAILURES_95: Final = 3.0
"""The rule of three: none of N independent trials failed, so at most 3/N do, with 95 % confidence.

Source: the exact bound is 1 - 0.05**(1/N), which is below 3/N for every N.
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """What so many trials came to.

    Attributes:
        promise: what was tried, in words.
        trials: how often; 1 where one long run is the trial, and the note says how long.
        failures: in how many trials the promise did not hold.
        seconds: wall time.
        note: what else was counted, in words and figures: "19024 acknowledged, 0 lost".
    """

    promise: str
    trials: int
    failures: int
    seconds: float
    note: str = ""

    @property
    def bound(self) -> float | None:
        """Highest share of failures that this still allows for; None if it failed or says none."""
        if self.failures or self.trials < ZERO_FAILURES_95:
            return None
        return ZERO_FAILURES_95 / self.trials


Trial = Callable[[int, int], Tally]
"""Tries so many times from a seed: `(trials, seed)`. Raises `CannotRun`."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One promise and how it is tried.

    Attributes:
        promise: what holds if no trial fails, in one sentence.
        run: tries the product as it is.
        control: tries a product that was broken on purpose; must have failures.
        short: trials in the test suite, a few seconds.
        long: trials of `make proof`.
        control_trials: of the control's long form; None: as many as the run's.
    """

    promise: str
    run: Trial
    control: Trial
    short: int
    long: int
    control_trials: int | None = None


class CannotRun(Exception):
    """The proof came to no count: its message says why. Neither held nor broken."""


class ToolMissing(CannotRun):
    """What the proof needs is not on this machine: root, a loop device, a mount, a program."""


def each_of(controls: Mapping[str, Trial]) -> Trial:
    """Return one control made of several, named by what is broken in each: all must be found out.

    Its failures are those of the control that failed least, so that one which passes shows as 0.
    """

    def control(trials: int, seed: int) -> Tally:
        tallies = {name: one(trials, seed) for name, one in controls.items()}
        least = min(tallies.values(), key=lambda tally: tally.failures / max(1, tally.trials))
        return Tally(
            least.promise,
            least.trials,
            least.failures,
            sum(tally.seconds for tally in tallies.values()),
            "; ".join(f"{name}: {t.failures} of {t.trials}" for name, t in tallies.items()),
        )

    return control

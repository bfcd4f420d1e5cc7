"""anxin-ridge-1: our own score of a print, 0..62. It is not NFIQ 2 and is never called so.

It was fitted to NFIQ 2.3 on 80 real and 168 synthetic prints (r = .82, mean error 6.7 points with
each finger left out once), and foretells failed matches about as well: so the same thresholds, 45
to accept and 25 to stop, serve. What it was fitted on were young fingers and drawn ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quality.finger.foreground_share import foreground_share
from quality.finger.print import Print
from quality.finger.ridge_coherence import ridge_coherence
from quality.finger.ridge_frequency_share import ridge_frequency_share

ALGORITHM: Final = "anxin-ridge-1"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class FingerScore:
    """A score that names who gave it: values of different algorithms do not compare."""

    value: int
    algorithm: str = ALGORITHM
    version: int | str = VERSION


def ridge_score(seen: Print) -> FingerScore:
    """Score a print that passed the gates; a picture of no finger may score well too.

    Raises:
        CannotAssess: there is too little skin to tell.
    """
    coherence = _share(ridge_coherence(seen), 0.30, 0.80)
    frequency = _share(ridge_frequency_share(seen), 0.50, 1.0)
    foreground = _share(foreground_share(seen), 0.35, 0.90)
    value = -34 + 41 * coherence + 34 * frequency + 21 * foreground
    return FingerScore(round(min(max(value, 0.0), 100.0)))


def _share(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)

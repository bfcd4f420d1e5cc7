"""RidgeCoherence: how parallel neighbouring ridges run."""

from __future__ import annotations

from quality.finger.print import Print
from quality.measure import CannotAssess, Measure, Range, Standing


def ridge_coherence(seen: Print) -> float:
    """Return the mean coherence of the ridge flow in the foreground, 0..1.

    Raises:
        CannotAssess: there is no skin in the window.
    """
    if not seen.foreground.any():
        raise CannotAssess("no skin in the window")
    return float(seen.coherence[seen.foreground].mean())


MEASURE = Measure("RidgeCoherence", "1", Range(0.0, 1.0), ridge_coherence, Standing.OWN)

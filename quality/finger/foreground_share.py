"""ForegroundShare: how much of the window the finger fills."""

from __future__ import annotations

from quality.finger.print import Print
from quality.measure import Measure, Range, Standing


def foreground_share(seen: Print) -> float:
    """Return the share of foreground pixels, 0..1 (our own measure)."""
    return float(seen.foreground.mean())


MEASURE = Measure("ForegroundShare", "1", Range(0.0, 1.0), foreground_share, Standing.OWN)

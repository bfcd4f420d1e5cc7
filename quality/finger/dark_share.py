"""DarkShare: how much of the whole window is dark: a wet finger hides its own foreground."""

from __future__ import annotations

import numpy as np

from quality.finger.print import Print
from quality.measure import Measure, Range, Standing


def dark_share(seen: Print) -> float:
    """Return the share of all pixels darker than half-way between the picture's own extremes."""
    return float((seen.grey < np.percentile(seen.grey, (5, 95)).mean()).mean())


MEASURE = Measure("DarkShare", "1", Range(0.0, 1.0), dark_share, Standing.OWN)

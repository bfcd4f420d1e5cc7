"""GreyRange: the span between ridges and valleys."""

from __future__ import annotations

import numpy as np

from quality.finger.print import Print
from quality.measure import Measure, Range, Standing

TOO_LITTLE_SKIN = 0.02


def grey_range(seen: Print) -> float:
    """Return the 95th less the 5th percentile of grey, 0..255, in the foreground.

    Where there is next to no foreground it is that of the whole picture.
    """
    if seen.foreground.mean() >= TOO_LITTLE_SKIN:
        low, high = seen.skin_extremes
        return high - low
    low, high = np.percentile(seen.grey, (5, 95))
    return float(high - low)


MEASURE = Measure("GreyRange", "grey level", Range(0.0, 255.0), grey_range, Standing.OWN)

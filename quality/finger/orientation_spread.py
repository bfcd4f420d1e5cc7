"""OrientationSpread: whether ridges bend, as those of fingers do and those of cloth do not."""

from __future__ import annotations

from math import hypot

from quality.finger.print import Print
from quality.measure import CannotAssess, Measure, Range, Standing


def orientation_spread(seen: Print) -> float:
    """Return 1 less the length of the mean ridge direction: 0 all parallel, 1 every way.

    Raises:
        CannotAssess: there is no skin, or nothing on it has a direction.
    """
    total = float(seen.coherence[seen.foreground].sum())
    if total <= 0:
        raise CannotAssess("nothing in the window has a direction")
    along_x = float(seen.flow_x[seen.foreground].sum())
    along_y = float(seen.flow_y[seen.foreground].sum())
    return max(0.0, 1.0 - hypot(along_x, along_y) / total)


MEASURE = Measure("OrientationSpread", "1", Range(0.0, 1.0), orientation_spread, Standing.OWN)

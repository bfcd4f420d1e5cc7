"""InkShare: how much of the skin touches the glass: little when dry, nearly all when wet."""

from __future__ import annotations

from quality.finger.print import Print
from quality.measure import CannotAssess, Measure, Range, Standing


def ink_share(seen: Print) -> float:
    """Return the share of the foreground that is darker than half-way between ridge and valley.

    Raises:
        CannotAssess: there is no skin in the window.
    """
    skin = seen.skin
    if not skin.size:
        raise CannotAssess("no skin in the window")
    return float((skin < sum(seen.skin_extremes) / 2).mean())


MEASURE = Measure("InkShare", "1", Range(0.0, 1.0), ink_share, Standing.OWN)

"""GreySkew: whether few dark specks stand on light skin, as when dry, or few light ones on dark."""

from __future__ import annotations

from quality.finger.print import Print
from quality.measure import CannotAssess, Measure, Range, Standing


def grey_skew(seen: Print) -> float:
    """Return the skewness of the skin's grey: below 0 when dry, above 0 when wet.

    Unlike InkShare it has no threshold between 16 grey levels to jump over.

    Raises:
        CannotAssess: there is no skin in the window, or it has one grey only.

    Source: Pearson's moment coefficient; its use here is ours.
    """
    skin = seen.skin
    deviation = float(skin.std()) if skin.size else 0.0
    if deviation <= 0:
        raise CannotAssess("no skin with any grey in the window")
    off = (skin - skin.mean()) / deviation
    return float((off * off * off).mean())


MEASURE = Measure("GreySkew", "1", Range(-100.0, 100.0), grey_skew, Standing.OWN)

"""RidgePolarity: whether the glass around the finger is lighter than the finger."""

from __future__ import annotations

from typing import Final

from quality.finger.print import Print
from quality.measure import CannotAssess, Measure, Range, Standing

BACKGROUND_SHARE_MIN: Final = 0.03
"""Less bare glass than this tells nothing: of FVC2002 DB2_B 70 % of prints show more."""


def ridge_polarity(seen: Print) -> float:
    """Return by how many grey levels the bare glass is lighter than the skin; below 0: inverted.

    Raises:
        CannotAssess: the finger fills the window, or there is none. What a model delivers is then
            known from its commissioning alone.

    Source: ours (gate G6).
    """
    glass = ~seen.foreground
    if glass.mean() < BACKGROUND_SHARE_MIN:
        raise CannotAssess("the finger fills the window")
    if not seen.foreground.any():
        raise CannotAssess("no skin in the window")
    return float(seen.grey[glass].mean() - seen.grey[seen.foreground].mean())


MEASURE = Measure("RidgePolarity", "grey level", Range(-255.0, 255.0), ridge_polarity, Standing.OWN)

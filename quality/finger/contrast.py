"""Contrast: how sharply ridges stand out from their neighbours; motion takes it away."""

from __future__ import annotations

from quality.finger.print import Print
from quality.measure import CannotAssess, Measure, Range, Standing


def contrast(seen: Print) -> float:
    """Return the mean local deviation in the foreground, in grey levels.

    Raises:
        CannotAssess: there is no skin in the window.
    """
    if not seen.foreground.any():
        raise CannotAssess("no skin in the window")
    return float(seen.deviation[seen.foreground].mean())


MEASURE = Measure("Contrast", "grey level", Range(0.0, 128.0), contrast, Standing.OWN)

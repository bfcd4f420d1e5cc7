"""GrainShare: how much of the texture is sensor noise, far finer than any ridge."""

from __future__ import annotations

from typing import Final

from quality.finger.print import Print
from quality.finger.spectra import BINS_OF_PLANE, band
from quality.measure import CannotAssess, Measure, Range, Standing

_GRAIN: Final = band(0.25, 1.0) * BINS_OF_PLANE


def grain_share(seen: Print) -> float:
    """Return the share of all texture's power beyond 0.25 cycles per pixel, 0..1.

    Raises:
        CannotAssess: no window is mostly skin, or nothing is in any.

    Source: ours, found on drawn prints: .11 at most, in whatever state; white noise has .8.
    """
    total = float((seen.spectra @ BINS_OF_PLANE).sum())
    if total <= 0:
        raise CannotAssess("no window is mostly skin")
    return float((seen.spectra @ _GRAIN).sum()) / total


MEASURE = Measure("GrainShare", "1", Range(0.0, 1.0), grain_share, Standing.OWN)

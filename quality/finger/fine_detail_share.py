"""FineDetailShare: how much of the texture is finer than ridges: much where ridges are worn."""

from __future__ import annotations

from typing import Final

from quality.finger.print import Print
from quality.finger.spectra import BINS_OF_PLANE, band
from quality.measure import CannotAssess, Measure, Range, Standing

_FINER: Final = band(0.16, 0.25) * BINS_OF_PLANE


def fine_detail_share(seen: Print) -> float:
    """Return the share of all texture's power that lies at 0.16 to 0.25 cycles per pixel, 0..1.

    Worn ridges print weakly while the skin's grain stays: what is left is finer than ridges.

    Raises:
        CannotAssess: no window is mostly skin, or nothing is in any.

    Source: ours, found on drawn prints: up to .07 plain, .07 to .10 dry, .09 to .16 worn.
    """
    total = float((seen.spectra @ BINS_OF_PLANE).sum())
    if total <= 0:
        raise CannotAssess("no window is mostly skin")
    return float((seen.spectra @ _FINER).sum()) / total


MEASURE = Measure("FineDetailShare", "1", Range(0.0, 1.0), fine_detail_share, Standing.OWN)

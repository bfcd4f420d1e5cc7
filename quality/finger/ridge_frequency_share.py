"""RidgeFrequencyShare: how much of the print has ridges as far apart as a finger's."""

from __future__ import annotations

from typing import Final

import numpy as np

from quality.finger.print import Print
from quality.finger.spectra import FREQUENCY
from quality.measure import CannotAssess, Measure, Range, Standing

RIDGES_CYCLES_PER_PX: Final = (0.08, 0.16)


def ridge_frequency_share(seen: Print) -> float:
    """Return the share of windows whose strongest frequency is that of ridges, 0..1.

    A ridge every 6 to 12 px at 500 ppi; windows of 48 px every 24 px that are mostly skin.

    Raises:
        CannotAssess: no window is mostly skin.

    Source: ours (gate G4).
    """
    if not len(seen.spectra):
        raise CannotAssess("no window is mostly skin")
    strongest = FREQUENCY[seen.spectra.argmax(axis=1)]
    low, high = RIDGES_CYCLES_PER_PX
    return float(np.mean((strongest >= low) & (strongest <= high)))


MEASURE = Measure("RidgeFrequencyShare", "1", Range(0.0, 1.0), ridge_frequency_share, Standing.OWN)

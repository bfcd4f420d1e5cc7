"""ContactOffset: how far from the middle of the window the finger lies."""

from __future__ import annotations

from math import hypot

import numpy as np

from quality.finger.print import Print
from quality.measure import CannotAssess, Measure, Range, Standing


def contact_offset(seen: Print) -> float:
    """Return the distance of the skin's centroid from the centre, in widths and heights, 0..0.71.

    Raises:
        CannotAssess: there is no skin in the window.
    """
    rows, columns = np.nonzero(seen.foreground)
    if not rows.size:
        raise CannotAssess("no skin in the window")
    height, width = seen.foreground.shape
    right = float(columns.mean()) - (width - 1) / 2
    down = float(rows.mean()) - (height - 1) / 2
    return hypot(right / width, down / height)


MEASURE = Measure("ContactOffset", "1", Range(0.0, 0.71), contact_offset, Standing.OWN)

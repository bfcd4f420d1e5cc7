"""How like a wanted form a small plane is: a correlation, which no light or exposure changes."""

from __future__ import annotations

from typing import Final

import numpy as np

from quality.face.points import Points

SHIFTS: Final = 2
"""A form is sought this many rows above and below where landmarks put it."""

_FLAT: Final = 1e-6


def best_likeness(plane: Points, form: Points) -> float:
    """Return the best correlation of a form (rows, columns) within a plane, -1 to 1.

    Args:
        plane: (rows + 4, columns), its middle where the form is expected.
        form: what is wanted.
    """
    wanted = _normed(form)
    rows = len(form)
    return max(
        float((_normed(plane[first : first + rows]) * wanted).sum())
        for first in range(2 * SHIFTS + 1)
    )


def _normed(plane: Points) -> Points:
    centred = plane - plane.mean()
    size = float(np.sqrt((centred**2).sum()))
    # A plane without any contrast is like nothing.
    normed: Points = centred / size if size > _FLAT else np.zeros_like(centred)
    return normed

"""How like a wanted form a small plane is: a correlation, which no light or exposure changes."""

from __future__ import annotations

from typing import Final

import numpy as np

from quality.face.points import Points

SHIFTS: Final = 2
"""A form is sought this many rows above and below where landmarks put it."""

_FLAT: Final = 1e-6


class Forms:
    """What may be sought in one plane: one form or several of the same size."""

    def __init__(self, *forms: Points) -> None:
        """Prepare forms, each (rows, columns)."""
        self._rows = len(forms[0])
        self._wanted = _normed(np.stack([form.ravel() for form in forms])).T

    def best_likeness(self, plane: Points) -> float:
        """Return the best correlation of any of the forms within a plane, -1 to 1.

        Args:
            plane: (rows + 4, columns), its middle where the forms are expected.
        """
        # All shifts at once: it runs on every live frame, where calls cost more than pixels.
        shifted = np.stack(
            [plane[first : first + self._rows].ravel() for first in range(2 * SHIFTS + 1)]
        )
        return float((_normed(shifted) @ self._wanted).max())


def _normed(planes: Points) -> Points:
    """Return planes (n, pixels) with a mean of 0 and a length of 1."""
    centred = planes - planes.mean(axis=1, keepdims=True)
    sizes = np.sqrt((centred * centred).sum(axis=1, keepdims=True))
    # A plane without any contrast is like nothing.
    normed: Points = centred * np.where(sizes > _FLAT, 1 / np.maximum(sizes, _FLAT), 0.0)
    return normed

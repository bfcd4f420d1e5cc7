"""F3: how much contrast is left of bars of one fineness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from quality.finger.print import FingerPicture
from quality.glass.levels import levels_of, strongest_lines
from quality.glass.ruling import MM_PER_INCH

SLACK: Final = 0.08
PHASES: Final = 24
SYSTEMATIC: Final = 0.004
"""[ours, measured] The sharpest bars are read by this much too low: a phase has a width."""


@dataclass(frozen=True, slots=True)
class BarContrast:
    """Bars of one frequency.

    Attributes:
        cycles_per_mm: as the film says.
        ctf: (Imax - Imin) / (Imax + Imin) across the bars.
        ctf_sd: standard uncertainty from the scatter within the bars.
    """

    cycles_per_mm: float
    ctf: float
    ctf_sd: float


def measure_contrast(picture: FingerPicture, cycles_per_mm: float) -> BarContrast:
    """Return the contrast of the bars that fill this picture.

    Args:
        picture: of one frequency's bars alone.
        cycles_per_mm: of them.

    Raises:
        CannotAssess: no_pattern, too_small.

    Source: CTF by FBI EFTS Appendix G; the profile over all bars, laid over each other by their
    phase, is ours: it needs no bar to lie along the pixels.
    """
    levels = levels_of(picture)
    expected = cycles_per_mm * MM_PER_INCH / picture.resolution_ppi
    lines = strongest_lines(levels, expected, SLACK)
    rows, columns = np.indices(levels.shape)
    phase = (lines.across_cy_per_px * columns + lines.down_cy_per_px * rows) % 1.0
    bins = np.minimum((phase * PHASES).astype(np.intp), PHASES - 1).ravel()
    counts = np.maximum(np.bincount(bins, minlength=PHASES), 1)
    means = np.bincount(bins, weights=levels.ravel(), minlength=PHASES) / counts
    squares = np.bincount(bins, weights=levels.ravel() ** 2, minlength=PHASES) / counts
    spread = np.sqrt(np.maximum(squares - means**2, 0) / counts)
    high, low = int(means.argmax()), int(means.argmin())
    total = float(means[high] + means[low])
    if total <= 0:
        return BarContrast(cycles_per_mm, 0.0, 0.0)
    return BarContrast(
        cycles_per_mm, float((means[high] - means[low]) / total),
        float(np.hypot(np.hypot(spread[high], spread[low]) / total, SYSTEMATIC)),
    )  # fmt: skip

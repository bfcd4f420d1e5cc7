"""F2: how many pixels an inch has, on a film ruled with lines of a known distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from quality.finger.print import FingerPicture
from quality.glass.levels import levels_of, strongest_lines

MM_PER_INCH: Final = 25.4
SLACK: Final = 0.2
QUARTERS: Final = 2


@dataclass(frozen=True, slots=True)
class Ruling:
    """The scale across the lines.

    Attributes:
        ppi: measured; `25.4 px / mm`.
        ppi_sd: standard uncertainty, from the quarters of the window.
        deviation_percent: from what the reader is said to have, with sign.
        local_percent: largest difference of a quarter of the window from the whole.
        angle_deg: of the lines against the vertical: 0 measures the width, 90 the height.
    """

    ppi: float
    ppi_sd: float
    deviation_percent: float
    local_percent: float
    angle_deg: float


def measure_ruling(picture: FingerPicture, pitch_mm: float) -> Ruling:
    """Return the resolution across the lines of a ruled film.

    Args:
        picture: of the film, laid flat.
        pitch_mm: from line to line, as the film's own certificate says.

    Raises:
        CannotAssess: no_pattern, also where the lines are a fifth beside what they should be;
            too_small.

    Source: `ppi = 25.4 dpx / dmm`, dpx by the strongest frequency of the windowed picture.
    """
    levels = levels_of(picture)
    expected = MM_PER_INCH / picture.resolution_ppi / pitch_mm
    lines = strongest_lines(levels, expected, SLACK)
    ppi = MM_PER_INCH / pitch_mm / lines.cycles_per_px
    quarters = [
        strongest_lines(part, lines.cycles_per_px, 0.1).cycles_per_px
        for half in np.array_split(levels, QUARTERS)
        for part in np.array_split(half, QUARTERS, axis=1)
    ]
    shares = lines.cycles_per_px / np.array(quarters) - 1
    return Ruling(
        ppi, float(ppi * np.hypot(shares.std(ddof=1) / np.sqrt(len(quarters)), 1e-4)),
        100 * (ppi / picture.resolution_ppi - 1), float(100 * np.abs(shares).max()),
        lines.angle_deg,
    )  # fmt: skip

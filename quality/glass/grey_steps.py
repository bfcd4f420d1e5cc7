"""F4: whether the reader's greys rise in a straight line with what it sees, and its noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from quality.finger.print import FingerPicture
from quality.glass.levels import Levels, levels_of
from quality.optics.refusal import Refusal, refused

STEPS_MIN: Final = 4
TEXTURE_MAX: Final = 12.0
"""[ours] Levels from place to place within one step: more is no even film."""


@dataclass(frozen=True, slots=True)
class GreySteps:
    """Grey steps.

    Attributes:
        worst_residual_levels: largest distance of a step's mean from the straight line.
        residual_sd_levels: standard uncertainty of one step's mean.
        snr: (lightest - darkest) over the noise within a step.
        levels: mean of each step, in the order given.
    """

    worst_residual_levels: float
    residual_sd_levels: float
    snr: float
    levels: tuple[float, ...]


def measure_steps(pictures: Sequence[FingerPicture], reflectances: Sequence[float]) -> GreySteps:
    """Return how straight the greys rise.

    Args:
        pictures: one of each step, which fills its middle half.
        reflectances: of each, 0..1, as the film says.

    Raises:
        CannotAssess: too_few_views, sizes_differ; no_chart where a picture is no even step;
            wrong_chart where the levels do not follow the steps at all.
    """
    if len(pictures) < STEPS_MIN or len(pictures) != len(reflectances):
        raise refused(Refusal.TOO_FEW_VIEWS)
    if len({(one.width_px, one.height_px) for one in pictures}) > 1:
        raise refused(Refusal.SIZES_DIFFER)
    middles = [_middle(levels_of(one)) for one in pictures]
    if any(_texture(one) > TEXTURE_MAX for one in middles):
        raise refused(Refusal.NO_CHART)
    means = np.array([one.mean() for one in middles])
    known = np.asarray(reflectances, np.float64)
    if np.ptp(known) <= 0 or np.ptp(means) < 3 or abs(np.corrcoef(known, means)[0, 1]) < 0.9:
        raise refused(Refusal.WRONG_CHART)
    line = np.polyval(np.polyfit(known, means, 1), known)
    noise = max(float(np.sqrt(np.mean([one.var() for one in middles]))), 0.29)
    return GreySteps(
        float(np.abs(means - line).max()), noise / np.sqrt(middles[0].size),
        float(np.ptp(means) / noise), tuple(means.tolist()),
    )  # fmt: skip


def _middle(levels: Levels) -> Levels:
    height, width = levels.shape
    return levels[height // 4 : height - height // 4, width // 4 : width - width // 4]


def _texture(levels: Levels) -> float:
    """Return how much 8 x 8 parts of a step differ: noise does not reach that far."""
    rows = np.array_split(levels, 8)
    parts = [float(one.mean()) for row in rows for one in np.array_split(row, 8, axis=1)]
    return float(np.std(parts))

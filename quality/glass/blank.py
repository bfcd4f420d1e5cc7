"""F1: a glass with nothing on it. Dead pixels, dirt, and what has changed since it was new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from quality.finger.print import BLOCK_PX, FLAT_DEVIATION, FingerPicture
from quality.glass.levels import Levels, levels_of
from quality.optics.refusal import Refusal, refused

LOOKS_MIN: Final = 3
DEAD_LEVELS: Final = 30.0
"""[ours] How far a pixel is from its neighbours' median, look after look."""
COVERED_SHARE: Final = 0.3
"""[ours] Of the glass with as much detail as skin: something lies there."""


@dataclass(frozen=True, slots=True)
class Blank:
    """The empty glass.

    Attributes:
        dead_share: of pixels that stand out from their neighbours in every look.
        residue_levels: local deviation that 1 % of the glass exceeds; skin begins at
            `quality.finger.print.FLAT_DEVIATION`.
        residue_sd_levels: standard uncertainty, from what the looks differ.
        residue_share: of the glass with as much detail as skin.
        offset_levels: mean against the stored blank; None without one.
        changed_levels: largest change of a part of 1/64 of the glass; None without a stored blank.
        noise_levels: from look to look.
        mean_level: of the glass.
        looks: how many.
    """

    dead_share: float
    residue_levels: float
    residue_sd_levels: float
    residue_share: float
    offset_levels: float | None
    changed_levels: float | None
    noise_levels: float
    mean_level: float
    looks: int


def measure_blank(looks: Sequence[FingerPicture], stored: FingerPicture | None = None) -> Blank:
    """Return how clean and whole the empty glass is.

    Args:
        looks: 3 or more at the empty glass.
        stored: what it looked like when it was new or last in order.

    Raises:
        CannotAssess: too_few_frames, sizes_differ, not_blank, too_noisy; moving where some looks
            show a finger and others none.
    """
    if len(looks) < LOOKS_MIN:
        raise refused(Refusal.TOO_FEW_FRAMES)
    sizes = {(one.width_px, one.height_px) for one in (*looks, *([stored] if stored else []))}
    if len(sizes) > 1:
        raise refused(Refusal.SIZES_DIFFER)
    levels = np.stack([levels_of(one) for one in looks])
    middle = levels.mean(axis=0)
    noise = float(np.sqrt(levels.var(axis=0, ddof=1).mean()))
    whole = _without_dead(middle)
    dead = np.abs(middle - whole) > DEAD_LEVELS
    deviations = [_deviation(_without_dead(one)) for one in levels]
    deviation = _deviation(np.where(dead, whole, middle))
    covered = [float((one > FLAT_DEVIATION).mean()) for one in deviations]
    if max(covered) > COVERED_SHARE:
        raise refused(_why_covered(covered, float((deviation > FLAT_DEVIATION).mean())))
    each = [float(np.percentile(one, 99)) for one in deviations]
    offset, changed = _against(whole, stored)
    return Blank(
        float(dead.mean()), float(np.percentile(deviation, 99)),
        float(np.std(each, ddof=1) / np.sqrt(len(each))),
        float((deviation > FLAT_DEVIATION).mean()), offset, changed, noise,
        float(middle.mean()), len(looks),
    )  # fmt: skip


def _why_covered(covered: Sequence[float], always: float) -> Refusal:
    """Return why looks show detail, from the share of each and that of their mean."""
    if min(covered) < COVERED_SHARE / 2:
        return Refusal.MOVING
    # Noise is in every look, another in each: their mean has much less of it.
    return Refusal.NOT_BLANK if always > COVERED_SHARE / 2 else Refusal.TOO_NOISY


def _without_dead(levels: Levels) -> Levels:
    """Return every pixel that stands out replaced by the median of its neighbours."""
    around = cv2.medianBlur(levels.astype(np.float32), 5).astype(np.float64)
    return np.where(np.abs(levels - around) > DEAD_LEVELS, around, levels)


def _deviation(levels: Levels) -> Levels:
    size = (BLOCK_PX, BLOCK_PX)
    # Whole numbers of this size have exact squares: double precision loses nothing here.
    mean = cv2.boxFilter(levels, cv2.CV_64F, size)
    squares = cv2.boxFilter(levels * levels, cv2.CV_64F, size)
    return np.asarray(np.sqrt(np.maximum(squares - mean * mean, 0.0)), np.float64)


def _against(whole: Levels, stored: FingerPicture | None) -> tuple[float | None, float | None]:
    if stored is None:
        return None, None
    change = whole - _without_dead(levels_of(stored))
    parts = cv2.resize(change, (8, 8), interpolation=cv2.INTER_AREA)
    return float(change.mean()), float(np.abs(parts).max())

"""How much a picture of something that does not change changes, on frames of a grey card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import cv2
import numpy as np

from quality.optics.even_sheet import BLOCKS, even_light
from quality.optics.grey_card import CARD_SHARE
from quality.optics.light import Picture, Plane, cut, middle_box
from quality.optics.refusal import Refusal, refused

FRAMES_MIN: Final = 5
SYSTEMATIC_DB: Final = 0.05
"""[ours, measured] Rounding to whole levels is not quite as random as it is taken for."""
FROZEN_SHARE: Final = 0.5
TOGETHER_MAX: Final = 60.0
"""[ours] How many times the variance of a block's mean may be that of noise that knows no
neighbours: a JPEG's blocks know theirs, and something that moves far more."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise in time, in levels as delivered; changes of the light as a whole are not in it.

    Attributes:
        snr_db: 20 log10(mean over noise).
        snr_sd_db: standard uncertainty.
        sigma_levels: standard deviation in time, root mean square of the channels.
        mean_level: of the card.
        repeated: share of frames that are equal to the one before, to the bit: a frozen picture.
        frames: how many.
    """

    snr_db: float
    snr_sd_db: float
    sigma_levels: float
    mean_level: float
    repeated: float
    frames: int


def measure_noise(frames: Sequence[Picture], share: float = CARD_SHARE) -> Noise:
    """Return the noise in time in the middle of the picture.

    Args:
        frames: 5 or more, of one size, of a card that does not move; 20 are usual.
        share: of width and height that the card fills.

    Raises:
        CannotAssess: too_few_frames, sizes_differ, frozen, moving, no_chart, over_exposed,
            under_exposed, too_noisy, too_small.
    """
    require_alike(frames, FRAMES_MIN)
    box = middle_box(frames[0], share)
    even_light(frames[0], box)
    levels = np.stack([cut(one, box) for one in frames]).astype(np.float32)
    repeated = float(np.mean([np.array_equal(one, two) for one, two in pairwise(levels)]))
    if repeated > FROZEN_SHARE:
        raise refused(Refusal.FROZEN)
    mean = float(levels.mean(dtype=np.float64))
    # A lamp that flickers or an exposure that drifts is measured elsewhere, and is no noise.
    steady = levels * (levels.mean() / np.maximum(levels.mean(axis=(1, 2, 3), keepdims=True), 1e-3))
    variance = float(steady.var(axis=0, ddof=1).mean(dtype=np.float64))
    together = _together(steady, variance)
    # Half a level is what rounding alone may do, all pixels of an even card together.
    if variance > 0.25 and together > TOGETHER_MAX:
        raise refused(Refusal.MOVING)
    sigma = max(float(np.sqrt(variance)), 1e-3)
    freedom = levels[0].size * (len(frames) - 1)
    # What JPEG or a noise filter ties together counts once.
    tied = max(1.0, together)
    return Noise(
        20 * float(np.log10(mean / sigma)),
        float(np.hypot(8.686 * np.sqrt(tied / (2 * freedom)), SYSTEMATIC_DB)),
        sigma, mean, repeated, len(frames),
    )  # fmt: skip


def require_alike(frames: Sequence[Picture], least: int) -> None:
    """Refuse too few frames, and frames of several sizes."""
    if len(frames) < least:
        raise refused(Refusal.TOO_FEW_FRAMES)
    if any(one.shape != frames[0].shape or one.ndim != 3 for one in frames):
        raise refused(Refusal.SIZES_DIFFER)


def _together(steady: Plane, variance: float) -> float:
    """Return the variance of block means over what independent pixels would give."""
    means = np.stack(
        [cv2.resize(one, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA) for one in steady]
    )
    pixels = steady[0].shape[0] * steady[0].shape[1] / BLOCKS**2
    return float(means.var(axis=0, ddof=1).mean()) * float(pixels) / max(variance, 1e-9)

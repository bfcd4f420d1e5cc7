"""Exposure and white balance, on a grey card of 18 % in the middle of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from quality.optics.even_sheet import block_means, even_light
from quality.optics.light import Picture, cut, lightness, middle_box
from quality.optics.refusal import Refusal, refused

CARD_SHARE: Final = 0.2
"""The card fills the middle fifth of width and height at least."""
QUANTISED: Final = 0.29
"""Standard deviation of one level's width, 1 / sqrt(12)."""


@dataclass(frozen=True, slots=True)
class Grey:
    """How the card looks to the camera.

    Attributes:
        lightness: CIE L* of the mean luminance; a card of 18 % is 49.5 when exposed for it.
        lightness_sd: standard uncertainty.
        clipped: share of pixels with a channel at 0 or 255.
        spread: largest less smallest of the channels' means, in levels of 255.
        spread_sd: standard uncertainty, in levels.
        means: red, green, blue, in levels.
        ev: how many stops the picture is too light (positive) or too dark for the card.
    """

    lightness: float
    lightness_sd: float
    clipped: float
    spread: float
    spread_sd: float
    means: tuple[float, float, float]
    ev: float


def measure_grey(picture: Picture, share: float = CARD_SHARE) -> Grey:
    """Return how the card in the middle looks. Any even sheet is taken for the card.

    Args:
        picture: (height, width, 3).
        share: of width and height that the card fills.

    Raises:
        CannotAssess: no_chart, over_exposed, under_exposed, too_noisy, too_small.
    """
    if picture.ndim != 3:
        raise refused(Refusal.SIZES_DIFFER)
    box = middle_box(picture, share)
    light = even_light(picture, box)
    levels = cut(picture, box).reshape(-1, 3)
    blue, green, red = levels.mean(axis=0).tolist()
    means = (red, green, blue)
    relative = float(light.mean(dtype=np.float64))
    blocks = block_means(light)
    relative_sd = float(blocks.std(ddof=1)) / np.sqrt(blocks.size)
    slope = lightness(relative * 1.001) - lightness(relative)
    # Levels are rounded; on a card without any noise all of them the same way.
    level_sd = QUANTISED / max(1.0, float(levels.std(axis=0).mean()) / QUANTISED)
    lightness_sd = np.hypot(slope * 1000 * relative_sd / relative, level_sd * 0.43)
    pixels_sd = float(levels.std(axis=0).mean()) / np.sqrt(len(levels))
    return Grey(
        lightness(relative), float(lightness_sd),
        float(((levels == 0) | (levels == 255)).any(axis=1).mean()),
        max(means) - min(means), float(np.sqrt(2) * np.hypot(pixels_sd, level_sd)), means,
        float(np.log2(relative / 0.18)),
    )  # fmt: skip

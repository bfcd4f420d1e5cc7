"""F5: how many greys the reader's prints use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from quality.finger.print import FingerPicture, print_of
from quality.glass.levels import levels_of
from quality.optics.refusal import Refusal, refused

PRINTS_MIN: Final = 3
ASKED: Final = (128, 150, 200)
"""Levels that EFTS Appendix F (128, 200) and G (150) ask of shares of the prints."""
SKIN_MIN: Final = 0.1
COUNTED_SHARE: Final = 1e-4
"""[ours] A level counts if so many of the skin's pixels have it, and two at least."""


@dataclass(frozen=True, slots=True)
class GreyRange:
    """Greys of several prints.

    Attributes:
        shares: of prints with at least so many levels, by that number.
        shares_sd: standard uncertainty of those shares: few prints say little.
        levels: of each print.
    """

    shares: Mapping[int, float]
    shares_sd: Mapping[int, float]
    levels: tuple[int, ...]


def measure_range(prints: Sequence[FingerPicture]) -> GreyRange:
    """Return how many levels of grey the skin of these prints has.

    Args:
        prints: ten are usual, of several fingers.

    Raises:
        CannotAssess: too_few_views; no_print where one holds no finger.

    Source: FBI EFTS Appendix G; a count of levels in the skin's area is ours.
    """
    if len(prints) < PRINTS_MIN:
        raise refused(Refusal.TOO_FEW_VIEWS)
    levels = tuple(_levels(one) for one in prints)
    shares = {asked: float(np.mean([one >= asked for one in levels])) for asked in ASKED}
    # Wilson's middle keeps an uncertainty where all prints agree.
    count = len(levels)
    deviations = {
        asked: float(np.sqrt((share * count + 2) / (count + 4) * (1 - (share * count + 2)
                                                                   / (count + 4)) / (count + 4)))
        for asked, share in shares.items()
    }  # fmt: skip
    return GreyRange(shares, deviations, levels)


def _levels(picture: FingerPicture) -> int:
    seen = print_of(picture)
    if float(seen.foreground.mean()) < SKIN_MIN:
        raise refused(Refusal.NO_PRINT)
    size = (picture.width_px, picture.height_px)
    skin = cv2.resize(seen.foreground.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    counts = np.bincount(levels_of(picture)[skin > 0].astype(np.intp), minlength=256)
    return int((counts >= max(2.0, COUNTED_SHARE * counts.sum())).sum())

"""Whether the flash lit every still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from quality.optics.light import Picture, cut, luminance, middle_box
from quality.optics.refusal import Refusal, refused

LIT_SHARE: Final = 0.8
"""[ours] Of the brightest still's light: a flash that comes late leaves less."""
STILLS_MIN: Final = 3


@dataclass(frozen=True, slots=True)
class Flashes:
    """How many stills the flash lit, and the light of each over the brightest."""

    lit: int
    of: int
    light: tuple[float, ...]


def count_flashes(stills: Sequence[Picture], unlit: Picture) -> Flashes:
    """Return how many stills were lit.

    Args:
        stills: taken with the flash.
        unlit: the same without it.

    Raises:
        CannotAssess: too_few_frames, sizes_differ; under_exposed where the flash adds nothing.
    """
    if len(stills) < STILLS_MIN:
        raise refused(Refusal.TOO_FEW_FRAMES)
    if any(one.shape != unlit.shape for one in stills):
        raise refused(Refusal.SIZES_DIFFER)
    box = middle_box(unlit, 0.5)
    before = float(luminance(cut(unlit, box)).mean())
    added = np.array([float(luminance(cut(one, box)).mean()) - before for one in stills])
    if added.max() < max(0.1 * before, 0.005):
        raise refused(Refusal.UNDER_EXPOSED)
    light = added / added.max()
    return Flashes(int((light >= LIT_SHARE).sum()), len(stills), tuple(light.tolist()))

"""WallShadow: how much darker the wall is beside the head than elsewhere."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from quality.face.face import Face
from quality.measure import CannotAssess, Measure, Range, Standing

# A third of an eye distance: softer than any pattern, smaller than any head's shadow.
_SOFT_PX: Final = 29
_DARKEST: Final = 3.0
_LEVEL: Final = 75.0


def wall_shadow(face: Face) -> float:
    """Return the share of the wall's light that its darkest soft patch lacks, unit "1".

    The wall is compared with itself: 0 is evenly lit, 1 black. The wall's own level is the upper
    quartile of its linear light, because a shadow may lie on half of what is seen.

    Raises:
        CannotAssess: there is no person mask, no wall in sight, or no light on it.

    Source: ours; ICAO Portrait Quality 1.0 and ISO/IEC 39794-5 ask for no shadows behind the head
    without a formula [unverified].
    """
    wall = face.wall
    seen = wall.seen.astype(np.float32)
    size = (_SOFT_PX, _SOFT_PX)
    # Averages over wall only: hair beside it is no shadow.
    share = cv2.blur(seen, size)
    light = cv2.blur(wall.luminance * seen, size) / np.maximum(share, 1e-6)
    levels = light[wall.seen & (share > 0.25)]
    if not levels.size or not (level := float(np.percentile(levels, _LEVEL))) > 0:
        raise CannotAssess("no lit background in sight")
    return max(0.0, 1 - float(np.percentile(levels, _DARKEST)) / level)


MEASURE = Measure(
    "WallShadow", "1", Range(0.0, 1.0), wall_shadow, Standing.OWN, still_only=True,
)  # fmt: skip

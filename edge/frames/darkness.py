"""A covered lens told from a dark room, by two looks in a row.

Both are dark. But a room has things in it: what is a little lighter in one look is so in the next.
Behind a cap there is nothing but the sensor's noise, which is new in each. So the covariance of two
looks is the variance of what is really there; its root is in grey levels.

A hand before the lens in a bright room lets red light through and is not dark: not told from here.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Final

import numpy as np

from edge.frames.small_look import SmallLook

DARK_LEVEL: Final = 20.0
"""[ours] Of 255: the hundredth lightest block of a dark look is below it."""
STRUCTURE_LEVELS: Final = 1.0
"""[ours] A room lit by the station's own screen alone varies by several levels, averaged blocks of
a sensor's noise by a few tenths."""


class Light(Enum):
    """What a lens sees of light."""

    ENOUGH = "enough"
    DARK_ROOM = "dark_room"
    COVERED = "covered"


def is_dark(look: SmallLook) -> bool:
    """Whether next to nothing in the look is light."""
    return bool(np.percentile(look, 99) < DARK_LEVEL)


def structure_levels(before: SmallLook, now: SmallLook) -> float:
    """Return the standard deviation of what is in both looks, in grey levels."""
    first, second = before.astype(np.float64), now.astype(np.float64)
    covariance = float(np.mean((first - first.mean()) * (second - second.mean())))
    return math.sqrt(max(0.0, covariance))


def light_of(before: SmallLook | None, now: SmallLook) -> Light:
    """Say what the lens sees, by this look and the one before.

    Without one before, or with one of another size, what is dark counts as covered: nothing is lost
    but one frame.
    """
    if not is_dark(now):
        return Light.ENOUGH
    if before is None or before.shape != now.shape:
        return Light.COVERED
    structured = structure_levels(before, now) >= STRUCTURE_LEVELS
    return Light.DARK_ROOM if structured else Light.COVERED

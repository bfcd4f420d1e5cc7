"""Does the head keep still, and does the light? Numbers of past looks only, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import hypot
from typing import Final

from quality.face.outline import HeadOutline

MOVING_ENTER: Final = 0.03
MOVING_LEAVE: Final = 0.05
"""The eyes' way, nearer or further too, within `BASE_S`, as a share of their distance: [ours]
0.03 is 0.5 % during an exposure of 1/60 s; the landmarks of a still photograph under strong sensor
noise move by less than 0.007."""
BASE_S: Final = 0.08
"""Between looks nearer to each other than this, noise would pass for speed."""
LIGHT_STEADY: Final = 1.15
"""The brightest look over the darkest, of those that are smoothed together: above it the camera's
exposure is still on its way."""


class Stillness:
    """Whether the head keeps still, with a limit to enter and a wider one to leave."""

    def __init__(self) -> None:
        self._still = False
        self._eyes: deque[tuple[float, float, float, float]] = deque()

    def forget(self) -> None:
        """Nobody is there: whoever comes next has not moved yet."""
        self._still = False
        self._eyes.clear()

    def after(self, outline: HeadOutline, now_s: float) -> bool:
        """Return whether the head keeps still, as of this look."""
        limit = MOVING_LEAVE if self._still else MOVING_ENTER
        self._still = self._moved(outline, now_s) <= limit
        return self._still

    def _moved(self, outline: HeadOutline, now_s: float) -> float:
        """Return the eyes' way since a look before, over their distance; 0.0 for the first."""
        (x1, y1), (x2, y2) = outline.eye_left_px, outline.eye_right_px
        here = ((x1 + x2) / 2, (y1 + y2) / 2, hypot(x2 - x1, y2 - y1))
        self._eyes.append((now_s, *here))
        # The newest look that is old enough, and nothing before it.
        while len(self._eyes) > 2 and now_s - self._eyes[1][0] >= BASE_S:
            self._eyes.popleft()
        before_s, *there = self._eyes[0]
        if before_s == now_s or here[2] == 0:
            return 0.0
        way_px = hypot(here[0] - there[0], here[1] - there[1])
        return max(way_px, abs(here[2] - there[2])) / here[2]


def light_is_steady(luminances: Sequence[float]) -> bool:
    """Tell whether the exposure has settled.

    Args:
        luminances: `LuminanceMean` of the newest looks, 0.0 to 1.0; without any, nothing is known
            against it.
    """
    if not luminances:
        return True
    return max(luminances) <= LIGHT_STEADY * min(luminances)

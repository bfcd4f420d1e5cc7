"""What is seen of the wall beside the head, by the person mask: for the measures of a background.

It knows nothing of the wall itself; a lamp, a chair or another person is wall too. What it refuses
is the mask's rim, where hair shines through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.face.alignment import Aligned
from quality.face.background import windowed
from quality.face.luminance import luminance
from quality.measure import CannotAssess

NOBODY: Final = 64
"""Well below the mask's middle: its slope lies over hair, which is anything but plain."""
_RIM: Final = np.ones((13, 13), dtype=np.uint8)
_LEAST_SHARE: Final = 0.02


@dataclass(frozen=True, eq=False)
class Wall:
    """The surroundings of an aligned head, 86 px to one eye distance.

    Attributes:
        bgr: (292, 354, 3), uint8.
        seen: (292, 354), True where there is wall.
    """

    bgr: npt.NDArray[np.uint8]
    seen: npt.NDArray[np.bool_]

    @property
    def colours(self) -> npt.NDArray[np.uint8]:
        """The wall's pixels, (n, 3), blue first; n is never 0."""
        return self.bgr[self.seen]

    @property
    def luminance(self) -> npt.NDArray[np.uint8]:
        """Linear light, (292, 354)."""
        return luminance(self.bgr)


def wall_of(aligned: Aligned, person_mask: npt.NDArray[np.uint8] | None) -> Wall:
    """Return what the picture shows beside the head and above the shoulders.

    Args:
        aligned: the face.
        person_mask: (height, width) on the picture, 0 background to 255 person.

    Raises:
        CannotAssess: there is no person mask, or next to no wall in sight.

    Source: ours; the window is that of OFIQ 1.0.3, `BackgroundUniformity.cpp`.
    """
    if person_mask is None:
        raise CannotAssess("no person mask")
    # Outside the picture counts as person, so that one erosion takes every rim away.
    person = windowed(aligned.moved(person_mask, beyond=255), cv2.INTER_LINEAR)
    seen = cv2.erode((person < NOBODY).view(np.uint8), _RIM, borderValue=1) > 0
    if seen.mean() < _LEAST_SHARE:
        raise CannotAssess("no background in sight")
    return Wall(windowed(aligned.bgr, cv2.INTER_AREA), seen)

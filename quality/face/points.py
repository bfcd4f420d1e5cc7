"""Distances that several face measures share, on 98 points in WFLW order."""

from __future__ import annotations

from math import dist

import numpy as np
import numpy.typing as npt

from quality.face.scale import halves_away
from quality.measure import CannotAssess

Points = npt.NDArray[np.float64]
FARTHEST_PX = 1e6
CHIN = 16
LEFT_LIDS = ((61, 67), (62, 66), (63, 65))
RIGHT_LIDS = ((69, 75), (70, 74), (71, 73))
INNER_LIPS = ((89, 95), (90, 94), (91, 93))


def as_measured(points: npt.ArrayLike, *, whole_px: bool) -> Points:
    """Return the points as float64, rounded to whole pixels if asked (OFIQ always does).

    Raises:
        CannotAssess: a point is nowhere: not a number, or too far away for any picture.
    """
    exact = np.asarray(points, dtype=np.float64)
    if not (np.abs(exact) <= FARTHEST_PX).all():
        raise CannotAssess("the landmarks are not in a picture")
    return halves_away(exact) if whole_px else exact


def eye_centres(points: Points, *, whole_px: bool) -> tuple[Points, Points]:
    """Return the middles of the eyes' corners, the picture's left eye first, each (2,)."""
    left, right = (points[60] + points[64]) / 2, (points[68] + points[72]) / 2
    return as_measured(left, whole_px=whole_px), as_measured(right, whole_px=whole_px)


def eyes_to_chin(points: Points, *, whole_px: bool) -> float:
    """Return T: from the middle between the eyes, itself never rounded, to the chin.

    Raises:
        CannotAssess: the points coincide.

    Source: OFIQ 1.0.3, `FaceMeasures.cpp`, tmetric.
    """
    left, right = eye_centres(points, whole_px=whole_px)
    length = float(dist((left + right) / 2, points[CHIN]))
    if not length > 0:
        raise CannotAssess("chin and eyes coincide")
    return length


def widest(points: Points, pairs: tuple[tuple[int, int], ...]) -> float:
    """Return the largest distance among the pairs of points, in px."""
    return max(float(dist(points[a], points[b])) for a, b in pairs)

"""How much room the picture leaves around the face, in lengths of the face itself."""

from __future__ import annotations

from math import dist

from quality.face.face import Face
from quality.face.points import CHIN, Points, as_measured, eye_centres
from quality.face.scale import component_of
from quality.measure import CannotAssess


def eyes_apart(face: Face) -> tuple[Points, Points, float]:
    """Return both eye centres, the picture's left first, and their distance, which no yaw corrects.

    Raises:
        CannotAssess: the eyes coincide.
    """
    left, right = eye_centres(face.points, whole_px=face.whole_px)
    apart_px = float(dist(left, right))
    if not apart_px > 0:
        raise CannotAssess("the eyes coincide")
    return left, right, apart_px


def eye_line(face: Face) -> tuple[float, float]:
    """Return how far down the middle between the eyes lies, and t: from there to the chin, in px.

    Raises:
        CannotAssess: chin and eyes coincide.

    Source: OFIQ 1.0.3, `CropOfTheFaceImage.cpp`. Its t starts at a rounded middle, T does not.
    """
    left, right = eye_centres(face.points, whole_px=face.whole_px)
    middle = as_measured((left + right) / 2, whole_px=face.whole_px)
    length_px = float(dist(middle, face.points[CHIN]))
    if not length_px > 0:
        raise CannotAssess("chin and eyes coincide")
    return float(middle[1]), length_px


def side_component(native: float) -> int:
    """Return OFIQ's component of the room on either side: 50 at 0.9 eye distances."""
    return component_of(native, x0=0.9, w=0.1)

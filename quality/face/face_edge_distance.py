"""FaceEdgeDistance: whether the whole face is inside the picture."""

from __future__ import annotations

from math import dist

from quality.face.face import Face
from quality.face.points import as_measured, eye_centres
from quality.measure import CannotAssess, Measure, Range, Standing


def face_edge_distance(face: Face) -> float:
    """Return how far the face's outermost landmark is from the picture's edge, in eye distances.

    Below 0 it lies outside: landmarks of what is cut off are guessed, and whatever is measured on
    them is a guess too. Unit "1".

    Raises:
        CannotAssess: the eyes coincide, or the landmarks are nowhere.

    Source: ours; after the crop measures of ISO/IEC 29794-5, on all of the face.
    """
    points = as_measured(face.landmarks_px, whole_px=False)
    apart_px = dist(*eye_centres(points, whole_px=False))
    if not apart_px > 0:
        raise CannotAssess("the eyes coincide")
    height_px, width_px = face.bgr.shape[:2]
    least, most = points.min(axis=0), points.max(axis=0)
    return float(min(*least, width_px - most[0], height_px - most[1])) / apart_px


MEASURE = Measure(
    "FaceEdgeDistance", "1", Range(-100.0, 100.0), face_edge_distance,
    Standing.OWN, still_only=True,
)  # fmt: skip

"""InterEyeDistance: pixels between the eyes, as if the face looked straight ahead."""

from __future__ import annotations

from math import cos, dist, radians

from quality.face.face import Face
from quality.face.points import eye_centres
from quality.face.scale import component_of
from quality.measure import CannotAssess, Measure, Range, Standing


def inter_eye_distance(face: Face) -> float:
    """Return the distance of the eye centres over the cosine of the yaw, in px.

    Raises:
        CannotAssess: the face is seen from the side or from behind.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `InterEyeDistance.cpp` (formula).
    """
    foreshortening = cos(radians(face.yaw_deg))
    if not foreshortening > 0:
        raise CannotAssess("the face is turned away")
    left, right = eye_centres(face.points, whole_px=face.whole_px)
    return float(dist(left, right)) / foreshortening


def component(native_px: float) -> int:
    """Return OFIQ's component: 50 at 70 px, 92 at 120 px."""
    return component_of(native_px, x0=70, w=20)


MEASURE = Measure(
    "InterEyeDistance",
    "px",
    Range(0.0, 20000.0),
    inter_eye_distance,
    Standing.OFIQ_LIKE,
    component,
    stand_in="other landmarks and pose estimator",
)

"""SingleFacePresent: how large the second face is against the subject's."""

from __future__ import annotations

from quality.face.face import Face
from quality.face.scale import half_away
from quality.measure import CannotAssess, Measure, Range, Standing


def single_face_present(face: Face) -> float:
    """Return the second largest face's area over the subject's, 0.0 if nobody else is there.

    Raises:
        CannotAssess: no face has an area.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `SingleFacePresent.cpp` (formula).
    """
    if not face.face_areas_px or not face.face_areas_px[0] > 0:
        raise CannotAssess("no face has an area")
    others = face.face_areas_px[1:]
    return max(others) / face.face_areas_px[0] if others else 0.0


def component(native: float) -> int:
    """Return OFIQ's component: 100 alone, 0 with an equal beside."""
    return min(100, max(0, half_away(100 * (1 - native))))


MEASURE = Measure(
    "SingleFacePresent",
    "1",
    Range(0.0, 1.0),
    single_face_present,
    Standing.OFIQ_LIKE,
    component,
    stand_in="other detector: areas of landmarks",
)

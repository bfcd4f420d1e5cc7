"""EyesOpen: the lids' distance of the less open eye, against the face's size."""

from __future__ import annotations

from quality.face.face import Face
from quality.face.points import LEFT_LIDS, RIGHT_LIDS, eyes_to_chin, widest
from quality.face.scale import component_of
from quality.measure import Measure, Range, Standing


def eyes_open(face: Face) -> float:
    """Return the smaller of both eyes' lid distances over T, on the aligned face, unit "1".

    Raises:
        CannotAssess: the face cannot be aligned, or chin and eyes coincide.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `EyesOpen.cpp` (formula).
    """
    points = face.aligned.landmarks_px
    smaller = min(widest(points, LEFT_LIDS), widest(points, RIGHT_LIDS))
    return smaller / eyes_to_chin(points, whole_px=face.whole_px)


def component(native: float) -> int:
    """Return OFIQ's component: 50 at 0.02, 98 at 0.06."""
    return component_of(native, x0=0.02, w=0.01)


MEASURE = Measure("EyesOpen", "1", Range(0.0, 1.0), eyes_open, Standing.OFIQ_LIKE, component)

"""MouthClosed: the gap between the lips, against the face's size."""

from __future__ import annotations

from quality.face.face import Face
from quality.face.points import INNER_LIPS, eyes_to_chin, widest
from quality.face.scale import component_of
from quality.measure import Measure, Range, Standing


def mouth_closed(face: Face) -> float:
    """Return the widest gap of the inner lips over T, in the picture itself, unit "1".

    A smile is not a gap: closed lips read below 0.03 however broad they smile.

    Raises:
        CannotAssess: chin and eyes coincide.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `MouthClosed.cpp` (formula).
    """
    return widest(face.points, INNER_LIPS) / eyes_to_chin(face.points, whole_px=face.whole_px)


def component(native: float) -> int:
    """Return OFIQ's component: lenient, 94 at a gap of 0.04."""
    return component_of(native, a=1, s=-1, x0=0.2, w=0.06)


MEASURE = Measure("MouthClosed", "1", Range(0.0, 2.0), mouth_closed, Standing.OFIQ_LIKE, component)

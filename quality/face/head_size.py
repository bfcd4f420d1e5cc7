"""HeadSize: the lower face's height against the picture's."""

from __future__ import annotations

from quality.face.face import Face
from quality.face.points import eyes_to_chin
from quality.face.scale import component_of
from quality.measure import CannotAssess, Measure, Range, Standing


def head_size(face: Face) -> float:
    """Return T, from between the eyes to the chin, over the picture's height, unit "1".

    Raises:
        CannotAssess: the picture is empty, or chin and eyes coincide.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `HeadSize.cpp` (formula).
    """
    height_px = int(face.bgr.shape[0])
    if height_px <= 0:
        raise CannotAssess("empty picture")
    return eyes_to_chin(face.points, whole_px=face.whole_px) / height_px


def component(native: float) -> int:
    """Return OFIQ's component: 100 at 0.45, falling on both sides."""
    return component_of(abs(native - 0.45), h=200, a=1, s=-1, x0=0, w=0.05)


MEASURE = Measure("HeadSize", "1", Range(0.0, 2.0), head_size, Standing.OFIQ_LIKE, component)

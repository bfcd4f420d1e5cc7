"""UnderExposurePrevention: how much of the face is next to black."""

from __future__ import annotations

from quality.face.exposure import UNMASKED, exposed_share
from quality.face.face import Face
from quality.face.scale import component_of
from quality.measure import Measure, Range, Standing


def under_exposure_prevention(face: Face) -> float:
    """Return the share of the visible face with a luminance of 0 to 25 of 255, unit "1".

    Dark skin lies there too: it says nothing about how a person may look.

    Raises:
        CannotAssess: the face cannot be aligned, or nothing of it is visible.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `UnderExposurePrevention.cpp` (formula).
    """
    return exposed_share(face, 0, 25)


def component(native: float) -> int:
    """Return OFIQ's component: nearly deaf, 100 up to half of the face black, 76 at 0.85."""
    return component_of(native, h=120, a=0.832, s=-1, x0=0.92, w=0.05)


MEASURE = Measure(
    "UnderExposurePrevention", "1", Range(0.0, 1.0), under_exposure_prevention,
    Standing.OFIQ_LIKE, component, still_only=True, stand_in=UNMASKED,
)  # fmt: skip

"""OverExposurePrevention: how much of the face is next to white."""

from __future__ import annotations

from quality.face.exposure import UNMASKED, exposed_share
from quality.face.face import Face
from quality.face.scale import half_away
from quality.measure import Measure, Range, Standing


def over_exposure_prevention(face: Face) -> float:
    """Return the share of the visible face with a luminance of 247 to 255 of 255, unit "1".

    Raises:
        CannotAssess: the face cannot be aligned, or nothing of it is visible.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `OverExposurePrevention.cpp` (formula).
    """
    return exposed_share(face, 247, 255)


def component(native: float) -> int:
    """Return OFIQ's component: sharp, 67 at half a percent, 50 at one."""
    return min(100, max(0, half_away(1 / (native + 0.01))))


MEASURE = Measure(
    "OverExposurePrevention", "1", Range(0.0, 1.0), over_exposure_prevention,
    Standing.OFIQ_LIKE, component, stand_in=UNMASKED,
)  # fmt: skip

"""MarginAboveOfTheFaceImage: the room above the eyes."""

from __future__ import annotations

from quality.face.face import Face
from quality.face.margins import eye_line
from quality.face.scale import component_of
from quality.measure import Measure, Range, Standing


def margin_above_of_the_face_image(face: Face) -> float:
    """Return the eyes' distance from the top edge, over that from the chin, unit "1".

    Raises:
        CannotAssess: chin and eyes coincide.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `CropOfTheFaceImage.cpp` (formula).
    """
    down_px, length_px = eye_line(face)
    return down_px / length_px


def component(native: float) -> int:
    """Return OFIQ's component: 50 at 1.4."""
    return component_of(native, x0=1.4, w=0.1)


MEASURE = Measure(
    "MarginAboveOfTheFaceImage", "1", Range(-100.0, 100.0), margin_above_of_the_face_image,
    Standing.OFIQ_LIKE, component, still_only=True,
)  # fmt: skip

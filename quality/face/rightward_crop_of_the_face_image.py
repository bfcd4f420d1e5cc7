"""RightwardCropOfTheFaceImage: the room on the picture's right."""

from __future__ import annotations

from quality.face.face import Face
from quality.face.margins import eyes_apart, side_component
from quality.measure import Measure, Range, Standing


def rightward_crop_of_the_face_image(face: Face) -> float:
    """Return the left eye's distance from the right edge, over the eye distance, unit "1".

    Raises:
        CannotAssess: the eyes coincide.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `CropOfTheFaceImage.cpp` (formula).
    """
    left, _, apart_px = eyes_apart(face)
    return float(face.bgr.shape[1] - left[0]) / apart_px


MEASURE = Measure(
    "RightwardCropOfTheFaceImage", "1", Range(-100.0, 100.0), rightward_crop_of_the_face_image,
    Standing.OFIQ_LIKE, side_component, still_only=True,
)  # fmt: skip

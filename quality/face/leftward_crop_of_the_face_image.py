"""LeftwardCropOfTheFaceImage: the room on the picture's left."""

from __future__ import annotations

from quality.face.face import Face
from quality.face.margins import eyes_apart, side_component
from quality.measure import Measure, Range, Standing


def leftward_crop_of_the_face_image(face: Face) -> float:
    """Return the right eye's distance from the left edge, over the eye distance, unit "1".

    Raises:
        CannotAssess: the eyes coincide.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `CropOfTheFaceImage.cpp` (formula).
    """
    _, right, apart_px = eyes_apart(face)
    return float(right[0]) / apart_px


MEASURE = Measure(
    "LeftwardCropOfTheFaceImage", "1", Range(-100.0, 100.0), leftward_crop_of_the_face_image,
    Standing.OFIQ_LIKE, side_component, still_only=True,
)  # fmt: skip

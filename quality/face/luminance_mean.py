"""LuminanceMean: how light the face is."""

from __future__ import annotations

import cv2
import numpy as np

from quality.face.alignment import SIDE_PX
from quality.face.face import Face
from quality.face.luminance import luminance
from quality.face.region import landmarked_region
from quality.face.scale import half_away, sigmoid
from quality.measure import CannotAssess, Measure, Range, Standing


def luminance_mean(face: Face) -> float:
    """Return the mean luminance of the face region: 0.0 (black) to 1.0 (white), unit "1".

    It follows the skin's tone as well as the light: use it to find a broken lamp, never to
    judge how a person looks.

    Raises:
        CannotAssess: the face cannot be aligned, or its region is empty.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `LuminanceMean.cpp` (formula).
    """
    aligned = face.aligned
    region = landmarked_region(aligned.landmarks_px, SIDE_PX, SIDE_PX).view(np.uint8)
    x, y, width, height = cv2.boundingRect(region)
    if not width:
        raise CannotAssess("empty face region")
    face_only = (slice(y, y + height), slice(x, x + width))
    return cv2.mean(luminance(aligned.bgr[face_only]), region[face_only])[0] / 255


def component(native: float) -> int:
    """Return OFIQ's component: highest about 0.5, falling towards black and white."""
    return half_away(100 * sigmoid(native, 0.2, 0.05) * (1 - sigmoid(native, 0.8, 0.05)))


MEASURE = Measure(
    "LuminanceMean", "1", Range(0.0, 1.0), luminance_mean, Standing.OFIQ_LIKE, component
)

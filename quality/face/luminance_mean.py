"""LuminanceMean: how light the face is."""

from __future__ import annotations

import cv2

from quality.face.face import Face
from quality.face.scale import half_away, sigmoid
from quality.measure import Measure, Range, Standing


def luminance_mean(face: Face) -> float:
    """Return the mean luminance of the face region: 0.0 (black) to 1.0 (white), unit "1".

    It follows the skin's tone as well as the light: use it to find a broken lamp, never to
    judge how a person looks.

    Raises:
        CannotAssess: the face cannot be aligned, or its region is empty.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `LuminanceMean.cpp` (formula).
    """
    # Not by the histogram, which takes longer: this runs on every live frame.
    _, light, inside = face.aligned.boxed
    return cv2.mean(light, inside)[0] / 255


def component(native: float) -> int:
    """Return OFIQ's component: highest about 0.5, falling towards black and white."""
    return half_away(100 * sigmoid(native, 0.2, 0.05) * (1 - sigmoid(native, 0.8, 0.05)))


MEASURE = Measure(
    "LuminanceMean", "1", Range(0.0, 1.0), luminance_mean, Standing.OFIQ_LIKE, component
)

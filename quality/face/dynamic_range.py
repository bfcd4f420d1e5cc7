"""DynamicRange: how many shades the face has."""

from __future__ import annotations

import numpy as np

from quality.face.face import Face
from quality.face.scale import half_away
from quality.measure import Measure, Range, Standing


def dynamic_range(face: Face) -> float:
    """Return the entropy of the face region's luminance, 0 to 8 bit.

    Raises:
        CannotAssess: the face cannot be aligned, or its region is empty.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `DynamicRange.cpp` (formula).
    """
    counts = face.aligned.histogram
    shares = counts[counts > 0] / counts.sum()
    # A single shade has no entropy; the sum would say -0.0.
    return abs(float(shares @ np.log2(shares)))


def component(native_bit: float) -> int:
    """Return OFIQ's component: 12.5 a bit."""
    return min(100, max(0, half_away(12.5 * native_bit)))


MEASURE = Measure(
    "DynamicRange", "bit", Range(0.0, 8.0), dynamic_range,
    Standing.OFIQ_LIKE, component, still_only=True,
)  # fmt: skip

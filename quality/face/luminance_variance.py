"""LuminanceVariance: how much light and shade the face has."""

from __future__ import annotations

from math import pi, sin

import numpy as np

from quality.face.face import Face
from quality.face.scale import half_away
from quality.measure import Measure, Range, Standing


def luminance_variance(face: Face) -> float:
    """Return the variance of the face region's luminance, as shares of white, unit "1".

    Raises:
        CannotAssess: the face cannot be aligned, or its region is empty.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `LuminanceVariance.cpp` (formula).
    """
    counts, share = face.aligned.histogram, np.arange(256) / 255
    mean = counts @ share / counts.sum()
    return float(counts @ (share - mean) ** 2 / counts.sum())


def component(native: float) -> int:
    """Return OFIQ's component: 100 at 1/60, falling on both sides."""
    return half_away(100 * sin(pi * 60 * native / (60 * native + 1)))


MEASURE = Measure(
    "LuminanceVariance", "1", Range(0.0, 0.25), luminance_variance,
    Standing.OFIQ_LIKE, component, still_only=True,
)  # fmt: skip

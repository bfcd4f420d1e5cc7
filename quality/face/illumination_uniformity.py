"""IlluminationUniformity: whether both cheeks are lit alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quality.face.cheeks import cheek_zones
from quality.face.face import Face
from quality.face.scale import half_away
from quality.measure import Measure, Range, Standing


def illumination_uniformity(face: Face) -> float:
    """Return how far the luminance histograms of both cheeks overlap: 0 apart, 1 alike, unit "1".

    Raises:
        CannotAssess: the face cannot be aligned, or has no cheeks.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `IlluminationUniformity.cpp` (formula).
    """
    aligned = face.aligned
    zones = cheek_zones(aligned, whole_px=face.whole_px)
    # Pixels of a zone that are no face stay in, as zeros.
    left, right = (_histogram(aligned.luminance[zone]) for zone in zones)
    return float(np.minimum(left, right).sum() / left.sum())


def _histogram(plane: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    return np.bincount(plane.ravel(), minlength=256)


def component(native: float) -> int:
    """Return OFIQ's component: 62 at an overlap of 0.2, 50 at 0.1."""
    return half_away(100 * native**0.3)


MEASURE = Measure(
    "IlluminationUniformity", "1", Range(0.0, 1.0), illumination_uniformity,
    Standing.OFIQ_LIKE, component, still_only=True,
)  # fmt: skip

"""MouthOcclusionPrevention: how much of the mouth is hidden."""

from __future__ import annotations

import cv2
import numpy as np

from quality.face.alignment import SIDE_PX
from quality.face.face import Face
from quality.face.occlusion import component, hidden_share
from quality.face.scale import halves_away
from quality.measure import Measure, Range, Standing


def mouth_occlusion_prevention(face: Face) -> float:
    """Return the hidden share of what the outer lips enclose, unit "1".

    Raises:
        CannotAssess: there is no occlusion mask, or the face cannot be aligned.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `MouthOcclusionPrevention.cpp` (formula).
    """
    lips = halves_away(face.aligned.landmarks_px[76:88]).astype(np.int32)
    zone = np.zeros((SIDE_PX, SIDE_PX), dtype=np.uint8)
    # No lips are convex; OFIQ fills them so all the same, and the values depend on it.
    cv2.fillConvexPoly(zone, lips, 1)
    return hidden_share(face, zone.view(np.bool_))


MEASURE = Measure(
    "MouthOcclusionPrevention", "1", Range(0.0, 1.0), mouth_occlusion_prevention,
    Standing.OFIQ_LIKE, component, still_only=True,
)  # fmt: skip

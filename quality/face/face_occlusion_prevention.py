"""FaceOcclusionPrevention: how much of the face is hidden."""

from __future__ import annotations

from quality.face.face import Face
from quality.face.occlusion import component, hidden_share
from quality.measure import Measure, Range, Standing


def face_occlusion_prevention(face: Face) -> float:
    """Return the hidden share of the face region, unit "1".

    Raises:
        CannotAssess: there is no occlusion mask, or the face cannot be aligned.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `FaceOcclusionPrevention.cpp` (formula).
    """
    return hidden_share(face, face.aligned.region)


MEASURE = Measure(
    "FaceOcclusionPrevention", "1", Range(0.0, 1.0), face_occlusion_prevention,
    Standing.OFIQ_LIKE, component, still_only=True,
)  # fmt: skip

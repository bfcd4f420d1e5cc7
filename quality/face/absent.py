"""Outputs of the standard that this station has no value of, and why.

Their component is known all the same: who has a native value from elsewhere can map it, and the
report of a still names them instead of leaving them out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from quality.face.scale import component_of


@dataclass(frozen=True, slots=True)
class Absent:
    """One output of ISO/IEC 29794-5 that is not assessed here.

    Attributes:
        name: OFIQ's.
        reason: why there is no value, and what answers the question instead, if anything does.
        component: OFIQ's mapping of its native value to 0..100.
    """

    name: str
    reason: str
    component: Callable[[float], int]


def unified_quality_score(native: float) -> int:
    """Return OFIQ's component of the length of a MagFace feature: 50 at 23."""
    return component_of(native, x0=23, w=2.6)


def sharpness(native: float) -> int:
    """Return OFIQ's component of the forest's sum: 100 from about 30."""
    return component_of(native, h=1, a=-14, s=115, x0=-20, w=15)


def compression_artifacts(native: float) -> int:
    """Return OFIQ's component of the predicted structural similarity: 51 at 0.33."""
    return component_of(native, h=1, a=-0.0278, s=103, x0=0.3308, w=0.092)


def expression_neutrality(native: float) -> int:
    """Return OFIQ's component of the boosted sum: 50 at -5000."""
    return component_of(native, x0=-5000, w=5000)


ABSENT: Final = (
    Absent(
        "UnifiedQualityScore",
        "needs a recognition network that may not be shipped; no overall of ours is this score",
        unified_quality_score,
    ),
    Absent(
        "Sharpness",
        "needs a trained forest that may not be shipped; FaceSharpness is ours",
        sharpness,
    ),
    Absent(
        "CompressionArtifacts",
        "needs a trained network that may not be shipped; the station encodes its pictures itself",
        compression_artifacts,
    ),
    Absent(
        "ExpressionNeutrality",
        "needs two trained networks that may not be shipped; MouthCornerDrop is ours",
        expression_neutrality,
    ),
)

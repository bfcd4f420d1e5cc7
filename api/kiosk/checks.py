"""What an attendant is told of an earlier photo that does not pass every measure of today."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "people": ("SingleFacePresent",),
    "pose": ("HeadPoseRoll", "HeadPoseYaw", "HeadPosePitch"),
    "eyes": ("EyesOpen", "EyesVisible", "GazeAway"),
    "mouth": ("MouthClosed", "MouthCornerDrop", "MouthOcclusionPrevention", "ExpressionNeutrality"),
    "covering": (
        "FaceOcclusionPrevention", "NoHeadCoverings", "HeadCovered", "LowerFaceCovered",
        "MouthHidden", "HairOverEyes",
    ),
    "light": (
        "LuminanceMean", "LuminanceVariance", "UnderExposurePrevention", "OverExposurePrevention",
        "IlluminationUniformity", "CheekLightRatio", "DynamicRange", "NaturalColour", "ColourCast",
    ),
    "sharpness": ("FaceSharpness", "CompressionArtifacts"),
    "size": (
        "HeadSize", "InterEyeDistance", "LeftwardCropOfTheFaceImage", "RightwardCropOfTheFaceImage",
        "MarginAboveOfTheFaceImage", "MarginBelowOfTheFaceImage", "FaceEdgeDistance",
    ),
}  # fmt: skip
_GROUP_OF: Final = {measure: group for group, names in _GROUPS.items() for measure in names}
_OUR_PREFIXES: Final = (
    ("Background", "background"), ("Wall", "background"), ("Gaze", "eyes"), ("Sunglasses", "eyes"),
    ("Glasses", "eyes"), ("Eye", "eyes"), ("Mouth", "mouth"), ("Teeth", "mouth"),
    ("Mask", "covering"), ("Hair", "covering"), ("Hat", "covering"), ("Head", "size"),
    ("Face", "covering"),
)  # fmt: skip
"""Measures are added one file each; a new one belongs to what its name begins with."""


def check_lines(measures: Iterable[str]) -> tuple[str, ...]:
    """Return the catalogue's lines for measures that were not passed, each line once, in order.

    Args:
        measures: names as ISO/IEC 29794-5 or we spell them; the rules of a sheet ("head_height")
            in small letters.
    """
    return tuple(dict.fromkeys(f"check.{_group(name)}" for name in measures))


def _group(name: str) -> str:
    if name in _GROUP_OF:
        return _GROUP_OF[name]
    if re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return "size"
    return next((group for start, group in _OUR_PREFIXES if name.startswith(start)), "other")

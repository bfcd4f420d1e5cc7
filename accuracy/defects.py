"""Faults painted into good portraits, to see whether each is noticed and rightly named.

A painted picture is made for measuring only. Nothing of the station imports this room: what a
person gets is never painted on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from accuracy import defects_face as face
from accuracy import defects_light as light
from accuracy import defects_pose as pose
from accuracy import defects_scene as scene
from quality.advice import Advice

Picture = npt.NDArray[np.uint8]
Landmarks = npt.NDArray[np.float64]
Painter = Callable[[Picture, Landmarks, Picture, float], Picture]
"""(bgr, landmarks_px (98, 2), person_mask 0..255, strength 0..1) -> a new bgr of the same size."""

STRENGTHS: Final = (0.4, 0.7, 1.0)
"""Weak, middle and strong; 0 leaves a picture as it is."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One fault that can be painted, and what the station must say of it.

    Attributes:
        name: in lower case, as the pages of figures show it.
        paint: pure and deterministic; never changes the picture that it is given.
        measure: whose native value must move.
        advice: the one hint that names the cause.
        rises: the measure's value grows with the strength; otherwise it falls.
        strengths: from the weakest on; the strongest must be refused.
    """

    name: str
    paint: Painter
    measure: str
    advice: Advice
    rises: bool = True
    strengths: tuple[float, ...] = STRENGTHS


_ALL: Final = (
    Defect("darkness", light.dark, "LuminanceMean", Advice.LIGHT, rises=False),
    Defect("over-exposure", light.over_exposed, "OverExposurePrevention", Advice.LIGHT_LESS),
    Defect("half-lit face", light.half_lit, "CheekLightRatio", Advice.LIGHT_EVEN, rises=False),
    Defect("colour cast", light.colour_cast, "ColourCast", Advice.COLOUR_LIGHT),
    Defect(
        "busy background", scene.busy_background, "BackgroundGradient", Advice.BACKGROUND_BUSY
    ),
    Defect(
        "dark background", scene.dark_background, "BackgroundLightness", Advice.BACKGROUND_DARK,
        rises=False,
    ),
    Defect("shadow on the wall", scene.wall_shadow, "WallShadow", Advice.STEP_FROM_WALL),
    Defect("second person", scene.second_person, "SingleFacePresent", Advice.MANY_FACES),
    Defect(
        "face cut off", scene.cut_off, "FaceEdgeDistance", Advice.NOT_WHOLE_FACE, rises=False
    ),
    Defect("blur", pose.blurred, "FaceSharpness", Advice.HOLD_STILL, rises=False),
    Defect("motion", pose.moved, "FaceSharpness", Advice.HOLD_STILL, rises=False),
    Defect("tilted head", pose.tilted, "HeadPoseRoll", Advice.STRAIGHTEN_HEAD),
    Defect("turned head", pose.turned, "HeadPoseYaw", Advice.TURN_RIGHT),
    Defect("raised chin", pose.chin_raised, "HeadPosePitch", Advice.CHIN_DOWN, rises=False),
    Defect("lowered chin", pose.chin_lowered, "HeadPosePitch", Advice.CHIN_UP),
    Defect("eyes closed", face.eyes_closed, "EyesOpen", Advice.OPEN_EYES, rises=False),
    Defect("gaze away", face.gaze_away, "GazeAway", Advice.LOOK_AT_CAMERA),
    Defect("open mouth", face.mouth_open, "MouthClosed", Advice.CLOSE_MOUTH),
    Defect("smile with teeth", face.teeth_shown, "TeethVisible", Advice.RELAX_MOUTH),
)  # fmt: skip

DEFECTS: Final[Mapping[str, Defect]] = MappingProxyType({one.name: one for one in _ALL})
"""By name."""

"""What every face measure is given: one picture, its landmarks and its pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Face:
    """The subject's face in one unmirrored picture.

    Attributes:
        bgr: (height_px, width_px, 3), uint8.
        landmarks_px: (98, 2) as (x, y), WFLW order: 0-32 contour (16 chin), 33-50 brows,
            51-59 nose, 60-67 and 68-75 eyes, 76-95 lips, 96-97 pupils. Not rounded.
        yaw_deg: positive turned to the right of the picture.
        pitch_deg: positive lowered.
        roll_deg: positive tilted anticlockwise in the picture.
        face_areas_px: areas of all faces found, the subject's first, then largest first.

    Source: landmark order and signs as OFIQ 1.0.3 uses them.
    """

    bgr: npt.NDArray[np.uint8]
    landmarks_px: Points
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    face_areas_px: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.landmarks_px.shape != (98, 2):
            raise ValueError(f"98 landmarks wanted, not {self.landmarks_px.shape}")

"""What every face measure is given: one picture, its landmarks and its pose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from quality.face.alignment import Aligned, align
from quality.face.points import Points, as_measured


@dataclass(frozen=True, eq=False)
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
        whole_px: the formulas take points and midpoints rounded to whole pixels, as OFIQ does;
            False for a live frame, where rounding would eat a small face's lid distance.

    Source: landmark order and signs as OFIQ 1.0.3 uses them.
    """

    bgr: npt.NDArray[np.uint8]
    landmarks_px: Points
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    face_areas_px: tuple[float, ...]
    whole_px: bool = True

    def __post_init__(self) -> None:
        if self.landmarks_px.shape != (98, 2):
            raise ValueError(f"98 landmarks wanted, not {self.landmarks_px.shape}")

    @cached_property
    def points(self) -> Points:
        """The landmarks as the formulas take them, (98, 2)."""
        return as_measured(self.landmarks_px, whole_px=self.whole_px)

    @cached_property
    def aligned(self) -> Aligned:
        """The face brought to OFIQ's 616 x 616 pose; raises `CannotAssess`."""
        return align(self.bgr, self.points, whole_px=self.whole_px)

"""What every face measure is given: one picture, its landmarks and its pose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.face.alignment import SIDE_PX, Aligned, align
from quality.face.close_up import CloseUp, close_up
from quality.face.mouth import mouth_seen
from quality.face.points import Points, as_measured
from quality.face.wall import Wall, wall_of

Mask = npt.NDArray[np.uint8]
PARSING_SIDE_PX: Final = 400


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
        parsing: (400, 400), uint8, OFIQ's classes on the aligned face's [0:556, 30:586]; or None.
        occlusion: (616, 616), uint8, on the aligned face: 1 face visible, 0 hidden; or None.
        person_mask: (height_px, width_px), uint8, on the picture: 0 background to 255 person; or
            None. It stands in for no other mask: what is made of it bears its own name.

    Source: landmark order and signs as OFIQ 1.0.3 uses them.
    """

    bgr: npt.NDArray[np.uint8]
    landmarks_px: Points
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    face_areas_px: tuple[float, ...]
    whole_px: bool = True
    parsing: Mask | None = None
    occlusion: Mask | None = None
    person_mask: Mask | None = None

    def __post_init__(self) -> None:
        if self.landmarks_px.shape != (98, 2):
            raise ValueError(f"98 landmarks wanted, not {self.landmarks_px.shape}")
        for name, mask, shape in (
            ("parsing", self.parsing, (PARSING_SIDE_PX, PARSING_SIDE_PX)),
            ("occlusion", self.occlusion, (SIDE_PX, SIDE_PX)),
            ("person_mask", self.person_mask, self.bgr.shape[:2]),
        ):
            if mask is not None and mask.shape != shape:
                raise ValueError(f"{name}: {shape} wanted, not {mask.shape}")

    @cached_property
    def points(self) -> Points:
        """The landmarks as the formulas take them, (98, 2)."""
        return as_measured(self.landmarks_px, whole_px=self.whole_px)

    @cached_property
    def aligned(self) -> Aligned:
        """The face brought to OFIQ's 616 x 616 pose; raises `CannotAssess`."""
        return align(self.bgr, self.points, whole_px=self.whole_px)

    @cached_property
    def wall(self) -> Wall:
        """What is seen of the wall beside the head; raises `CannotAssess`."""
        return wall_of(self.aligned, self.person_mask)

    @cached_property
    def close_up(self) -> CloseUp:
        """The aligned face at half its size, to compare places of it; raises `CannotAssess`."""
        # On a live frame no mask tells the hair, so that nobody looks for it.
        return close_up(self.aligned, hair=self.whole_px or self.person_mask is not None)

    @cached_property
    def mouth_seen(self) -> float:
        """How like a mouth its place is, `quality.face.mouth`; raises `CannotAssess`."""
        # Two measures of live frames ask, and it takes a third of a millisecond.
        return mouth_seen(self.close_up)

"""The face brought to OFIQ's standard pose: both eyes level, 113 px apart, on 616 x 616 px."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.face.points import Points, as_measured, eye_centres
from quality.measure import CannotAssess

SIDE_PX: Final = 616
# Both eye centres, the nose tip, the corners of the mouth.
_AIM: Final = np.array(
    [(251, 272), (364, 272), (308, 336), (262, 402), (355, 402)], dtype=np.float32
)


@dataclass(frozen=True, eq=False)
class Aligned:
    """One aligned face.

    Attributes:
        source: the whole picture, (height_px, width_px, 3), uint8.
        transform: (2, 3), from the picture to the aligned face: rotation, scale, shift.
        landmarks_px: (98, 2) in the aligned face, rounded if the picture's were.
    """

    source: npt.NDArray[np.uint8]
    transform: Points
    landmarks_px: Points

    @cached_property
    def bgr(self) -> npt.NDArray[np.uint8]:
        """The aligned pixels, (616, 616, 3), black outside the picture; raises `CannotAssess`."""
        if not self.source.size:
            raise CannotAssess("empty picture")
        return np.asarray(
            cv2.warpAffine(self.source, self.transform, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR),
            dtype=np.uint8,
        )


def align(bgr: npt.NDArray[np.uint8], points: Points, *, whole_px: bool) -> Aligned:
    """Return the face of these 98 points in the standard pose.

    Raises:
        CannotAssess: no transform fits the points.

    Source: OFIQ 1.0.3, `alignImage`; byte-exact under OpenCV 4, not under 5.
    """
    left, right = eye_centres(points, whole_px=whole_px)
    found = np.array([left, right, points[54], points[76], points[82]], dtype=np.float32)
    fitted, _ = cv2.estimateAffinePartial2D(found, _AIM, method=cv2.LMEDS)
    if fitted is None or not np.isfinite(fitted).all():
        raise CannotAssess("the landmarks do not form a face")
    transform = np.asarray(fitted, dtype=np.float64)
    moved = points @ transform[:, :2].T + transform[:, 2]
    return Aligned(bgr, transform, as_measured(moved, whole_px=whole_px))

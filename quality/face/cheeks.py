"""The two square zones below the eyes that light and colour are compared in."""

from __future__ import annotations

from math import dist

from quality.face.alignment import SIDE_PX, Aligned
from quality.face.points import as_measured, eye_centres
from quality.measure import CannotAssess

Zone = tuple[slice, slice]


def cheek_zones(aligned: Aligned, *, whole_px: bool) -> tuple[Zone, Zone]:
    """Return rows and columns of two equal squares on the aligned face, the picture's left first.

    Their side is 0.3 of the eye distance, which no yaw corrects.

    Raises:
        CannotAssess: they are empty or leave the aligned face.

    Source: OFIQ 1.0.3, `image_utils.cpp`, `CalculateReferencePoints`, `CalculateRegionOfInterest`.
    """
    points = aligned.landmarks_px
    left, right = eye_centres(points, whole_px=whole_px)
    eyes = as_measured((left + right) / 2, whole_px=whole_px)
    mouth = as_measured((points[90] + points[94]) / 2, whole_px=whole_px)
    side = int(0.3 * dist(left, right))
    down = int(dist(eyes, mouth) / 2)
    corners = (left[0], left[1] + down), (right[0] - side, right[1] + down)
    one, other = (_square(int(x), int(y), side) for x, y in corners)
    return one, other


def _square(x: int, y: int, side: int) -> Zone:
    # A negative start would count from the far edge.
    if not (side > 0 <= min(x, y) and max(x, y) + side <= SIDE_PX):
        raise CannotAssess("the cheeks lie outside the face")
    return slice(y, y + side), slice(x, x + side)

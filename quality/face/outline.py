"""Where the head is in a picture: what cropping needs, and nothing about who found it."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.face.landmarks import MESH_CHIN, MESH_EARS
from quality.face.points import Points

Point = tuple[float, float]
PersonMask = npt.NDArray[np.uint8]

_EYE_CORNERS: Final = ((33, 133), (362, 263))
_PERSON: Final = 128
# Hair that covers less than a quarter of the head's middle third is a plume, not the head.
_COVERED: Final = 0.25


@dataclass(frozen=True, slots=True)
class HeadOutline:
    """The head's measures in one unmirrored picture; left and right are the picture's sides.

    Attributes:
        eye_left_px, eye_right_px: middles of the eyes' corners, (x, y).
        chin_px: lowest point of the chin.
        ear_left_px, ear_right_px: where the face ends in front of the ears.
        hair_top_y_px: top row of the hair above the face; None without a person mask, or if
            the head leaves the picture.
        head_left_x_px, head_right_x_px: sides of the head at eye height, hair included but never
            more than 10 % of the face's width beyond an ear; None without a person mask.
        roll_deg: of the head, positive anticlockwise in the picture.
        width_px, height_px: of the picture.
    """

    eye_left_px: Point
    eye_right_px: Point
    chin_px: Point
    ear_left_px: Point
    ear_right_px: Point
    hair_top_y_px: float | None
    head_left_x_px: float | None
    head_right_x_px: float | None
    roll_deg: float
    width_px: int
    height_px: int


def outline_of(
    mesh_px: Points, roll_deg: float, width_px: int, height_px: int, mask: PersonMask | None = None
) -> HeadOutline:
    """Return the outline of the head with this (478, 2) mesh.

    Args:
        mesh_px: (478, 2) as (x, y).
        roll_deg: head's roll, positive anticlockwise in the picture.
        width_px: of the picture.
        height_px: of the picture.
        mask: (height_px, width_px), 0 background to 255 person, or None.
    """
    eyes = [(mesh_px[a] + mesh_px[b]) / 2 for a, b in _EYE_CORNERS]
    ears = [mesh_px[ear] for ear in MESH_EARS]
    chin = mesh_px[MESH_CHIN]
    top = left = right = None
    if mask is not None:
        if mask.shape != (height_px, width_px):
            raise ValueError(f"a mask of {mask.shape} for {height_px} rows of {width_px}")
        middle = (eyes[0] + eyes[1]) / 2
        left, right = _head_sides(mask, middle, ears)
        top = _hair_top(mask, middle, chin, (left, right))
    return HeadOutline(
        _point(eyes[0]), _point(eyes[1]), _point(chin), _point(ears[0]), _point(ears[1]),
        top, left, right, roll_deg, width_px, height_px,
    )  # fmt: skip


def _point(xy: Points) -> Point:
    return float(xy[0]), float(xy[1])


def _head_sides(
    mask: PersonMask, middle: Points, ears: list[Points]
) -> tuple[float | None, float | None]:
    """Return the person's extent at eye height around the eyes, capped near the ears."""
    x, y = int(middle[0]), int(middle[1])
    if not (0 <= y < mask.shape[0] and 0 <= x < mask.shape[1]) or mask[y, x] < _PERSON:
        return None, None
    background = np.flatnonzero(mask[y] < _PERSON)
    before, after = background[background < x], background[background > x]
    left = float(before[-1] + 1) if before.size else 0.0
    right = float(after[0] - 1) if after.size else float(mask.shape[1] - 1)
    # A collar, a hand or long hair at eye height is not head.
    slack = 0.1 * hypot(*(ears[1] - ears[0]))
    return max(left, float(ears[0][0]) - slack), min(right, float(ears[1][0]) + slack)


def _hair_top(
    mask: PersonMask, middle: Points, chin: Points, sides: tuple[float | None, float | None]
) -> float | None:
    """Return the highest row of head that stands on the eyes without a gap."""
    if sides[0] is None or sides[1] is None:
        return None
    # The crown of a tilted head is not above its eyes: follow the head's axis upwards.
    axis_x = float(2 * middle[0] - chin[0])
    third = (sides[1] - sides[0]) / 3
    first, last = int(max(0, axis_x - third / 2)), int(min(mask.shape[1], axis_x + third / 2 + 1))
    above = mask[: int(middle[1]) + 1, first:last]
    if above.shape[1] == 0:
        return None
    free = np.flatnonzero((above >= _PERSON).mean(axis=1) < _COVERED)
    return float(free[-1] + 1) if free.size and free[-1] + 1 < above.shape[0] else None

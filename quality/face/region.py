"""The landmarked region: which pixels of a picture are face, as far as the landmarks tell."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.face.points import Points
from quality.face.scale import halves_away
from quality.measure import CannotAssess

_BOX_PX: Final = 224
_SIDES_MAX: Final = 4


def landmarked_region(points: Points, width_px: int, height_px: int) -> npt.NDArray[np.bool_]:
    """Return (height_px, width_px), True inside the hull of the 98 points; it ends at the brows.

    Raises:
        CannotAssess: the hull is empty, lies outside the picture or is far larger than it.

    Source: OFIQ 1.0.3, `GetLandmarkedRegion`, with its detour over a 224 px box.
    """
    whole = halves_away(points).astype(np.int32)
    hull = np.asarray(cv2.convexHull(whole), dtype=np.int32)[:, 0, :]
    x, y, w, h = cv2.boundingRect(hull)
    top, bottom = int(y - 0.05 * h), int(y + 1.05 * h)
    # A stray landmark would ask for a box without end.
    if bottom - top > _SIDES_MAX * max(width_px, height_px):
        raise CannotAssess("the face is far larger than the picture")
    left = int(x + w / 2 - (bottom - top) / 2)
    right = int(x + w / 2 + (bottom - top) / 2)
    region = np.zeros((height_px, width_px), dtype=np.bool_)
    inside = (
        slice(max(top, 0), min(bottom, height_px)),
        slice(max(left, 0), min(right, width_px)),
    )
    if region[inside].size == 0:
        raise CannotAssess("the face lies outside the picture")
    box = _filled(hull, left, top, right - left, bottom - top)
    region[inside] = box[
        inside[0].start - top : inside[0].stop - top,
        inside[1].start - left : inside[1].stop - left,
    ]
    return region


def hull_of(points: Points, width_px: int, height_px: int) -> npt.NDArray[np.bool_]:
    """Return (height_px, width_px), True inside the hull of the points, for live frames.

    Without OFIQ's detour over a small box, whose rim is a pixel or two rougher.
    """
    region = np.zeros((height_px, width_px), dtype=np.uint8)
    box, inside = boxed_hull(points, width_px, height_px)
    region[box] = inside
    return region.view(np.bool_)


def boxed_hull(
    points: Points, width_px: int, height_px: int
) -> tuple[tuple[slice, slice], npt.NDArray[np.uint8]]:
    """Return the box (rows, columns) that holds the points' hull in the picture, and its region.

    The region, 1 inside and 0 not, is that of `hull_of`; either may be empty.
    """
    # What lies far outside must not overflow what OpenCV counts in.
    near = np.clip(points, -4 * width_px, 4 * width_px)
    hull = cv2.convexHull(halves_away(near).astype(np.int32))
    x, y, width, height = cv2.boundingRect(hull)
    left, right = max(x, 0), max(min(x + width, width_px), 0)
    top, bottom = max(y, 0), max(min(y + height, height_px), 0)
    inside = np.zeros((max(bottom - top, 0), max(right - left, 0)), dtype=np.uint8)
    if inside.size:
        cv2.fillConvexPoly(inside, hull - np.array([left, top], np.int32), 1)
    return (slice(top, top + len(inside)), slice(left, left + inside.shape[1])), inside


def _filled(
    hull: npt.NDArray[np.int32], left: int, top: int, width: int, height: int
) -> npt.NDArray[np.bool_]:
    # In OFIQ's single precision and order: another way cuts some coordinates one pixel short.
    away = (hull - np.array([left, top])).astype(np.float32)
    boxed = (away / np.float32(height) * np.float32(_BOX_PX)).astype(np.int32)
    box = np.zeros((_BOX_PX, _BOX_PX), dtype=np.uint8)
    cv2.fillConvexPoly(box, boxed, 1)
    return cv2.resize(box, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.bool_)

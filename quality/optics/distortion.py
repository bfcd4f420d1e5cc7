"""How the lens bends straight lines, on 8 to 15 views of the ChArUco board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from quality.measure import CannotAssess
from quality.optics.board import BoardCorners, Matrix, Optics, find_corners, pose_of
from quality.optics.light import Picture
from quality.optics.refusal import Refusal, refused

VIEWS_MIN: Final = 8
TILTED_DEG: Final = 12.0
TILTED_VIEWS_MIN: Final = 3
COVERED_MIN: Final = 0.25
ZONE_SHARE: Final = 0.6
"""Of the picture's shorter side: within it lies every face that is photographed."""


@dataclass(frozen=True, slots=True)
class Distortion:
    """The lens as the views tell it.

    Attributes:
        optics: focal lengths, centre, and distortion; what `find_pose` wants.
        focal_sd_px: standard uncertainty of the focal length.
        k1, k1_sd: radial distortion and its standard uncertainty; negative is barrel.
        rms_px: root mean square of what the model leaves.
        worst_percent: largest displacement within the face zone, over the radius.
        worst_sd_percent: standard uncertainty.
        pixel_aspect: height over width of a pixel.
        pixel_aspect_sd: standard uncertainty.
        views: how many were used.
    """

    optics: Optics
    focal_sd_px: float
    k1: float
    k1_sd: float
    rms_px: float
    worst_percent: float
    worst_sd_percent: float
    pixel_aspect: float
    pixel_aspect_sd: float
    views: int


def measure_distortion(views: Sequence[Picture]) -> Distortion:
    """Return the lens's distortion.

    Args:
        views: pictures of one size; those without the board are left out.

    Raises:
        CannotAssess: sizes_differ, too_few_views, views_alike; where no view shows the board, why
            the first one does not.
    """
    found, first = [], None
    for view in views:
        try:
            found.append(find_corners(view))
        except CannotAssess as failure:
            first = first or failure
    if first is not None and not found:
        raise first
    return distortion_of(found)


def distortion_of(views: Sequence[BoardCorners]) -> Distortion:
    """Return the lens's distortion from corners that were found. Raises as `measure_distortion`.

    Source: OpenCV's calibrateCamera (Z. Zhang 2000), with two radial terms and no others.
    """
    if len(views) < VIEWS_MIN:
        raise refused(Refusal.TOO_FEW_VIEWS)
    size_px = views[0].size_px
    if any(one.size_px != size_px for one in views):
        raise refused(Refusal.SIZES_DIFFER)
    flags = cv2.CALIB_FIX_K3 | cv2.CALIB_ZERO_TANGENT_DIST
    start = np.array([[max(size_px), 0, size_px[0] / 2 - 0.5],
                      [0, max(size_px), size_px[1] / 2 - 0.5], [0, 0, 1]])  # fmt: skip
    rms_px, matrix, bent, _, _, deviations, _, _ = cv2.calibrateCameraExtended(
        [one.places_mm for one in views], [one.places_px for one in views], size_px,
        start, np.zeros(5), flags=flags | cv2.CALIB_USE_INTRINSIC_GUESS,
    )  # fmt: skip
    matrix, bent = np.asarray(matrix, np.float64), np.asarray(bent, np.float64).ravel()
    sd = np.asarray(deviations, np.float64).ravel()
    optics = Optics(
        (float(matrix[0, 0]), float(matrix[1, 1])), (float(matrix[0, 2]), float(matrix[1, 2])),
        float(bent[0]), float(bent[1]),
    )  # fmt: skip
    _require_variety(views, optics)
    reach = ZONE_SHARE / 2 * min(size_px) / optics.focal_px[0]
    worst, worst_sd = _worst(optics, float(sd[4]), reach)
    aspect = optics.focal_px[0] / optics.focal_px[1]
    aspect_sd = aspect * float(np.hypot(sd[0] / matrix[0, 0], sd[1] / matrix[1, 1]))
    return Distortion(
        optics, float(sd[0]), optics.k1, float(sd[4]), float(rms_px), worst, worst_sd,
        aspect, aspect_sd, len(views),
    )  # fmt: skip


def _worst(optics: Optics, k1_sd: float, reach: float) -> tuple[float, float]:
    """Return the largest displacement within the reach, in percent of the radius, and its sd."""
    radii = np.linspace(reach / 20, reach, 20)
    bend = 100 * np.abs(optics.k1 * radii**2 + optics.k2 * radii**4)
    return float(bend.max()), float(100 * k1_sd * reach**2)


def _require_variety(views: Sequence[BoardCorners], optics: Optics) -> None:
    """Refuse views from which focal length and distortion cannot be told apart."""
    poses = [pose_of(one, optics) for one in views]
    tilted = sum(np.hypot(one.yaw_deg, one.pitch_deg) >= TILTED_DEG for one in poses)
    places: Matrix = np.concatenate([one.places_px for one in views]).astype(np.float64)
    covered = float(np.prod(np.ptp(places, axis=0))) / float(np.prod(views[0].size_px))
    if tilted < TILTED_VIEWS_MIN or covered < COVERED_MIN:
        raise refused(Refusal.VIEWS_ALIKE)

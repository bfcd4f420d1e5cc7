"""What the ChArUco board tells: the lens's distortion, then how the camera hangs before a person.

The lens comes first: without its focal length a distance is a guess. The board hangs plumb where
the face will be, at the height of the eyes; then its angles are the camera's own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import numpy as np

from drivers.camera import Frame
from edge.calibration.aid import Aid, Turn
from edge.calibration.limits import Limit
from edge.calibration.parameters import PITCH_ZERO, YAW_ZERO, ZERO_OF_A_HEAD
from edge.calibration.procedure import (
    Figure,
    Measured,
    Scene,
    Step,
    Stopped,
    held_against,
    unmeasured,
)
from edge.calibration.record import Evidence, StepResult
from edge.calibration.shots import STILL_S, Shot, around, digests, evidence, stills, taken
from quality.measure import CannotAssess
from quality.optics.board import (
    BoardCorners,
    Optics,
    Pose,
    assumed_optics,
    find_corners,
    find_pose,
    pose_of,
    settled_pose,
)
from quality.optics.distortion import VIEWS_MIN, distortion_of

FRAMES: Final = 5
VIEWS: Final = 12
VIEWS_MAX: Final = 15
VIEWS_S: Final = 90.0
"""[ours] So long somebody may turn the board before it is given up."""
ANOTHER_SHARE: Final = 0.04
"""[ours] Of the picture's width: by so much a view differs from all before, or it is no other."""
EAR_BEHIND_NOSE_M: Final = 0.1
_LENS: Final = (
    "lens_focal_x",
    "lens_focal_y",
    "lens_centre_x",
    "lens_centre_y",
    "lens_k1",
    "lens_k2",
)


def lens_of(parameters: Mapping[str, float], width_px: int) -> Optics | None:
    """Return the measured lens for pictures of this width; None before it was measured.

    Args:
        parameters: of the camera; lengths are shares of the picture's width.
        width_px: of the pictures, which show the same field as those it was measured on.
    """
    if any(name not in parameters for name in _LENS):
        return None
    fx, fy, cx, cy, k1, k2 = (parameters[name] for name in _LENS)
    focal = (fx * width_px, fy * width_px)
    return Optics(focal, (cx * width_px - 0.5, cy * width_px - 0.5), k1, k2)


def _lens_parameters(optics: Optics, width_px: int) -> dict[str, float]:
    (fx, fy), (cx, cy) = optics.focal_px, optics.centre_px
    values = (
        fx / width_px, fy / width_px, (cx + 0.5) / width_px, (cy + 0.5) / width_px,
        optics.k1, optics.k2,
    )  # fmt: skip
    return dict(zip(_LENS, values, strict=True))


# Distortion


def _aim_views(scene: Scene, frame: Frame) -> Aid:
    find_corners(frame.bgr)
    return Aid(
        "distortion", "views", None, "views", float(VIEWS_MIN), None,
        turn=Turn.ANOTHER_VIEW, sequence=frame.sequence,
    )  # fmt: skip


def _measure_distortion(scene: Scene) -> Measured:
    views, shots, last = _collected(scene)
    found = distortion_of(views)
    width_px = views[0].size_px[0]
    details = {"views": found.views, "k1": found.k1, "k1_sd": found.k1_sd}
    shas = digests(shots)
    figures = {
        "rms": Figure(found.rms_px, None, found.views, details=details, frames_sha256=shas),
        "radial": Figure(found.worst_percent, found.worst_sd_percent, found.views),
        "aspect": Figure(found.pixel_aspect, found.pixel_aspect_sd, found.views),
    }
    results = tuple(
        held_against("distortion", name, scene.limits.limit("distortion", name), figure)
        for name, figure in figures.items()
    )
    picture = evidence(shots[-1].bgr, around(last.places_px))
    return Measured(
        results, Evidence({"distortion": picture}), _lens_parameters(found.optics, width_px)
    )


def _collected(scene: Scene) -> tuple[list[BoardCorners], list[Shot], BoardCorners]:
    """Take views that differ, as somebody turns the board; raises why there are too few."""
    views: list[BoardCorners] = []
    shots: list[Shot] = []
    failure: CannotAssess | None = None
    until_s = time.monotonic() + VIEWS_S
    while len(views) < VIEWS and time.monotonic() < until_s:
        if scene.stop():
            raise Stopped
        shot = taken(scene, scene.bench.camera.still(STILL_S))
        try:
            corners = find_corners(shot.bgr)
        except CannotAssess as refused:
            failure = failure or refused
            continue
        if all(_apart(corners, other) for other in views):
            views.append(corners)
            shots.append(shot)
            scene.tell(len(views) / VIEWS, "turn_target_another_way")
    if not views:
        raise failure or CannotAssess("no_chart")
    return views, shots, views[-1]


def _apart(one: BoardCorners, other: BoardCorners) -> bool:
    shared, here, there = np.intersect1d(one.numbers, other.numbers, return_indices=True)
    if len(shared) == 0:
        return True
    moved = np.linalg.norm(one.places_px[here] - other.places_px[there], axis=1)
    return float(moved.mean()) > ANOTHER_SHARE * one.size_px[0]


# Framing and tilt


def _optics(scene: Scene, frame_width_px: int, height_px: int) -> Optics:
    lens = lens_of(scene.earlier, frame_width_px)
    return lens or assumed_optics(frame_width_px, height_px)


def _aim_tilt(scene: Scene, frame: Frame) -> Aid:
    pose = find_pose(frame.bgr, _optics(scene, frame.width_px, frame.height_px))
    tilts = {
        "tilt_pitch": (pose.pitch_deg, Turn.TILT_CAMERA_UP, Turn.TILT_CAMERA_DOWN),
        "tilt_yaw": (pose.yaw_deg, Turn.TURN_CAMERA_RIGHT, Turn.TURN_CAMERA_LEFT),
        "tilt_roll": (pose.roll_deg, Turn.ROLL_CAMERA_RIGHT, Turn.ROLL_CAMERA_LEFT),
    }
    # The worst first: one thing is turned at a time.
    measure = max(tilts, key=lambda name: abs(tilts[name][0]))
    figure, above, below = tilts[measure]
    limit = scene.limits.limit("framing", measure)
    turn = above if figure > 0 else below
    if limit.max is not None and abs(figure) <= limit.max / 2:
        turn = Turn.HOLD
        metres = _distance_limit(scene)
        if lens_of(scene.earlier, frame.width_px) is not None:
            turn = _way(pose.distance_m, metres.min, metres.max)
    scene.memory.best = min(abs(figure), abs(scene.memory.best or figure))
    return Aid(
        "framing", measure, figure, limit.unit, limit.min, limit.max,
        scene.memory.best, turn, abs(figure), sequence=frame.sequence,
    )  # fmt: skip


def _way(distance_m: float, least: float | None, most: float | None) -> Turn:
    if least is not None and distance_m < least:
        return Turn.GO_FARTHER
    return Turn.GO_NEARER if most is not None and distance_m > most else Turn.HOLD


def _distance_limit(scene: Scene) -> Limit:
    booth = scene.identity.get("booth") == "yes"
    return scene.limits.limit("framing", "distance_booth" if booth else "distance")


def _measure_tilt(scene: Scene) -> Measured:
    shots = stills(scene, FRAMES)
    height_px, width_px = shots[0].bgr.shape[:2]
    optics = _optics(scene, width_px, height_px)
    corners = [find_corners(shot.bgr) for shot in shots]
    pose = settled_pose([pose_of(one, optics) for one in corners])
    results = tuple(_tilts(scene, pose, digests(shots)))
    zeros = {
        PITCH_ZERO: round(pose.pitch_deg, 2),
        # The board's right side nearer is a face that is turned to the picture's left.
        YAW_ZERO: round(-pose.yaw_deg, 2),
        ZERO_OF_A_HEAD: 0.0,
    }
    picture = evidence(shots[0].bgr, around(corners[0].places_px))
    return Measured(results, Evidence({"framing": picture}), zeros)


def _tilts(scene: Scene, pose: Pose, shas: tuple[str, ...]) -> list[StepResult]:
    limits = scene.limits.steps["framing"]
    figures = {
        "tilt_pitch": Figure(pose.pitch_deg, pose.pitch_sd_deg, FRAMES, frames_sha256=shas),
        "tilt_yaw": Figure(pose.yaw_deg, pose.yaw_sd_deg, FRAMES),
        "tilt_roll": Figure(pose.roll_deg, pose.roll_sd_deg, FRAMES),
    }
    results = [
        held_against("framing", name, limits[name], figure) for name, figure in figures.items()
    ]
    metres, magnified = _distance_limit(scene), limits["magnification"]
    if any(name not in scene.earlier for name in _LENS):
        why = "lens_not_measured"
        return [*results, unmeasured("framing", "distance", metres, why),
                unmeasured("framing", "magnification", magnified, why)]  # fmt: skip
    nose = 100 * EAR_BEHIND_NOSE_M / pose.distance_m
    nose_sd = nose * pose.distance_sd_m / pose.distance_m
    return [
        *results,
        held_against("framing", "distance", metres,
                     Figure(pose.distance_m, pose.distance_sd_m, FRAMES)),
        held_against("framing", "magnification", magnified, Figure(nose, nose_sd, FRAMES)),
    ]  # fmt: skip


DISTORTION: Final = Step(
    "distortion", "camera", "charuco", _measure_distortion, _aim_views, controls={"focus_auto": 0}
)
FRAMING: Final = Step("framing", "camera", "charuco", _measure_tilt, _aim_tilt)

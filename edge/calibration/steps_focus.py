"""Sharpness in the middle and the corners of the face zone, and how it drifts over depth."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from drivers.camera import Frame
from edge.calibration.aid import Aid, Turn
from edge.calibration.procedure import (
    Measured,
    Scene,
    Step,
    figure_of,
    held_against,
)
from edge.calibration.record import Evidence
from edge.calibration.shots import Shot, around, digests, evidence, frames, stills
from quality.measure import CannotAssess
from quality.optics.focus_chart import Focus, find_squares, measure_focus
from quality.optics.light import grey_of

FRAMES: Final = 5
SWEPT: Final = 20
"""Frames over a slow movement of 10 cm to either side."""
SEEN_MIN: Final = 10
SWEEP_GAP_S: Final = 0.25
"""[ours] Between the frames of a sweep: 20 of them take 5 s, at 4 cm a second."""
FALLS: Final = 0.93
"""[ours] Of the best figure: below it the ring was turned past the best place, or the wrong way."""
CORNERS: Final = ("top_left", "top_right", "bottom_right", "bottom_left")


def _aim_focus(scene: Scene, frame: Frame) -> Aid:
    seen = measure_focus(frame.bgr)
    limit = scene.limits.limit("focus", "mtf50_centre")
    # A preview has fewer pixels than the still: what is told is of the still's.
    figure = seen.centre_cy_per_px / frame.still_scale
    memory = scene.memory
    memory.best = max(figure, memory.best or 0.0)
    turn = Turn.HOLD
    if figure < FALLS * memory.best:
        turn = Turn.FOCUS_BACK
    elif limit.min is not None and figure < limit.min:
        turn = Turn.FOCUS_ON
    return Aid(
        "focus", "mtf50_centre", figure, limit.unit, limit.min, limit.max, memory.best, turn,
        memory.best - figure, sequence=frame.sequence,
    )  # fmt: skip


def _measure_focus(scene: Scene) -> Measured:
    shots = stills(scene, FRAMES)
    seen = [measure_focus(shot.bgr) for shot in shots]
    worst = min(seen, key=lambda one: one.corner_share)
    centre = figure_of(
        [one.centre_cy_per_px for one in seen],
        float(np.median([one.centre_sd_cy_per_px for one in seen])),
        details={"peak": seen[0].edges[0].peak, "noise": seen[0].edges[0].noise},
        frames_sha256=digests(shots),
    )
    corner = figure_of(
        [one.corner_share for one in seen],
        float(np.median([one.corner_sd for one in seen])),
        details={
            "worst": CORNERS[worst.worst_corner],
            "corners": dict(zip(CORNERS, worst.corners_cy_per_px, strict=True)),
        },
    )
    limits = scene.limits.steps["focus"]
    return Measured(
        (
            held_against("focus", "mtf50_centre", limits["mtf50_centre"], centre),
            held_against("focus", "corner_share", limits["corner_share"], corner),
        ),
        _evidence(shots[0], seen[0]),
    )


def _evidence(shot: Shot, seen: Focus) -> Evidence:
    points = np.concatenate(find_squares(grey_of(shot.bgr)))
    curves = {
        "mtf.centre": seen.edges[0].curve[:128],
        "mtf.down": seen.edges[1].curve[:128],
    }
    return Evidence({"focus": evidence(shot.bgr, around(points))}, curves)


def _measure_depth(scene: Scene) -> Measured:
    values, shots, failure = [], [], None
    for number in range(SWEPT):
        began_s = time.monotonic()
        (shot,) = frames(scene, 1)
        scene.tell((number + 1) / SWEPT, Turn.MOVE_SLOWLY.value)
        try:
            values.append(measure_focus(shot.bgr).centre_cy_per_px)
            shots.append(shot)
        except CannotAssess as refused:
            failure = failure or refused
        _wait_out(scene, began_s)
    if len(values) < SEEN_MIN:
        raise failure or CannotAssess("too_few_frames")
    # The second best and worst of 20: one frame that was shaken says nothing of depth.
    low, high = np.percentile(values, (8, 92)).tolist()
    drift = (high - low) / high
    noise = float(np.median(np.abs(np.diff(values)))) / high
    figure = figure_of(
        [drift], noise / np.sqrt(2), details={"lowest": low, "highest": high},
        frames_sha256=digests(shots),
    )  # fmt: skip
    limit = scene.limits.limit("depth", "drift")
    from_to = tuple((float(n), float(value)) for n, value in enumerate(values))
    return Measured(
        (held_against("depth", "drift", limit, figure),), Evidence({}, {"depth": from_to})
    )


def _wait_out(scene: Scene, began_s: float) -> None:
    while time.monotonic() - began_s < SWEEP_GAP_S * scene.bench.pace and not scene.stop():
        time.sleep(0.01)


def _aim_depth(scene: Scene, frame: Frame) -> Aid:
    seen = measure_focus(frame.bgr)
    limit = scene.limits.limit("focus", "mtf50_centre")
    figure = seen.centre_cy_per_px / frame.still_scale
    return Aid(
        "depth", "mtf50_centre", figure, limit.unit, limit.min, limit.max, None, Turn.HOLD,
        sequence=frame.sequence,
    )  # fmt: skip


FOCUS: Final = Step(
    "focus", "camera", "slanted_edge", _measure_focus, _aim_focus, controls={"focus_auto": 0}
)
DEPTH: Final = Step(
    "depth", "camera", "slanted_edge", _measure_depth, _aim_depth, controls={"focus_auto": 0}
)

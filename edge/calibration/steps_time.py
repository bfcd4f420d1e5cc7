"""What changes with time: noise, flicker, bands, the flash; and how late the station sees."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from drivers.camera import Frame
from edge.calibration.aid import Aid, Turn
from edge.calibration.procedure import (
    Figure,
    Measured,
    Scene,
    Step,
    figure_of,
    held_against,
    unmeasured,
)
from edge.calibration.record import Evidence, StepResult
from edge.calibration.shots import digests, evidence, frames, stills
from quality.measure import CannotAssess
from quality.optics.flicker import measure_flicker
from quality.optics.grey_card import CARD_SHARE, measure_grey
from quality.optics.latency import measure_latency
from quality.optics.light import middle_box
from quality.optics.noise import measure_noise
from quality.optics.time_code import PERIOD_MS, read_time_code

FRAMES: Final = 20
HELD_S: Final = 10.0
"""Longer than 20 frames take: an exposure that follows the light would hide its flicker."""
SETTLES: Final = 3
"""Frames that may still have been taken before the exposure was held."""
TRIGGERS: Final = 5
CODES: Final = 12


def _aim_noise(scene: Scene, frame: Frame) -> Aid:
    seen = measure_grey(frame.bgr)
    limit = scene.limits.limit("noise", "snr")
    memory = scene.memory
    memory.seen = [*memory.seen[-7:], float(np.mean(seen.means))]
    swing = (max(memory.seen) - min(memory.seen)) / np.mean(memory.seen)
    turn = Turn.CALM_LIGHT if swing > 0.05 else Turn.HOLD
    return Aid(
        "noise", "swing", 100 * float(swing), "%", None, None, None, turn,
        reason="" if limit.min else "no_limit", sequence=frame.sequence,
    )  # fmt: skip


def _measure_noise(scene: Scene) -> Measured:
    camera, limits = scene.bench.camera, scene.limits.steps["noise"]
    camera.hold_exposure(HELD_S)
    try:
        shots = frames(scene, FRAMES + SETTLES)[SETTLES:]
    finally:
        camera.hold_exposure(0.0)
    pictures = [shot.bgr for shot in shots]
    noise = measure_noise(pictures)
    flicker = measure_flicker(pictures, [shot.captured_at_s for shot in shots])
    snr = Figure(
        noise.snr_db, noise.snr_sd_db, noise.frames,
        details={"sigma_levels": noise.sigma_levels, "mean_level": noise.mean_level,
                 "repeated": noise.repeated},
        frames_sha256=digests(shots),
    )  # fmt: skip
    beat = {} if flicker.beat_hz is None else {"beat_hz": flicker.beat_hz}
    bands = {} if flicker.bands is None else {"bands": flicker.bands}
    results: tuple[StepResult, ...] = (
        held_against("noise", "snr", limits["snr"], snr),
        held_against(
            "noise", "flicker", limits["flicker"],
            Figure(flicker.depth_percent, flicker.depth_sd_percent, flicker.frames, details=beat),
        ),
        held_against(
            "noise", "banding", limits["banding"],
            Figure(
                flicker.banding_percent, flicker.banding_sd_percent, flicker.frames, details=bands
            ),
        ),
        # No driver of ours fires a flash yet; who adds one counts its frames here.
        unmeasured("noise", "flash", limits["flash"], "no_flash"),
    )  # fmt: skip
    box = middle_box(pictures[0], CARD_SHARE)
    levels = [float(one[box[1] : box[3], box[0] : box[2]].mean()) for one in pictures]
    first_s = shots[0].captured_at_s
    curve = tuple(
        (shot.captured_at_s - first_s, level) for shot, level in zip(shots, levels, strict=True)
    )
    return Measured(results, Evidence({"noise": evidence(pictures[0], box)}, {"flicker": curve}))


def _aim_code(scene: Scene, frame: Frame) -> Aid:
    limit = scene.limits.limit("latency", "shown_to_seen")
    late_ms = (scene.bench.clock_ms() - read_time_code(frame.bgr)) % PERIOD_MS
    return Aid(
        "latency", "shown_to_seen", late_ms, limit.unit, limit.min, limit.max, None, Turn.HOLD,
        sequence=frame.sequence,
    )  # fmt: skip


def _measure_latency(scene: Scene) -> Measured:
    limits = scene.limits.steps["latency"]
    trigger = _trigger(scene)
    shots = frames(scene, CODES)
    results = [held_against("latency", "trigger", limits["trigger"], trigger)]
    try:
        seen = measure_latency([shot.bgr for shot in shots], [shot.at_ms for shot in shots])
        figure = Figure(
            seen.median_ms, seen.uncertainty_ms, seen.frames,
            details={"p95_ms": seen.p95_ms, "unread": seen.unread}, frames_sha256=digests(shots),
        )  # fmt: skip
        first = held_against("latency", "shown_to_seen", limits["shown_to_seen"], figure)
    except CannotAssess as refused:
        first = unmeasured("latency", "shown_to_seen", limits["shown_to_seen"], str(refused))
    return Measured((first, *results))


def _trigger(scene: Scene) -> Figure:
    """Return the time from asking for a still until it is here."""
    values = []
    for _ in range(TRIGGERS):
        began_s = time.monotonic()
        stills(scene, 1)
        values.append(1000 * (time.monotonic() - began_s))
    return figure_of(values)


NOISE: Final = Step("noise", "camera", "grey_card", _measure_noise, _aim_noise)
LATENCY: Final = Step("latency", "camera", "time_code", _measure_latency, _aim_code)

"""Made-up calibrations, by the limits that are delivered: what a procedure would have recorded."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from functools import cache

import numpy as np
from PIL import Image

from edge.calibration.limits import load_limits as load
from edge.calibration.procedure import overall
from edge.calibration.record import (
    Calibration,
    Evidence,
    Overall,
    StepResult,
    Verdict,
)
from edge.calibration.validity import last_day
from quality.optics.colour_patches import PATCHES

load_limits = cache(load)
NOW_MS = 1_795_369_973_000
"""2026-11-22T17:52:53Z."""
DAY_MS = 86_400_000
CAMERA, READER = "camera-1", "reader-1"
UNMEASURED: Mapping[str, str] = {
    "noise.flash": "no_flash",
    "geometry.deviation": "no_film",
    "geometry.deviation_short": "no_film",
}


def result(step: str, measure: str, value: float | None = None, **changes) -> StepResult:
    """Return one measure by its delivered limit: in the middle of it unless a value is given."""
    kind = "reader" if step in load_limits("reader").steps else "camera"
    limit = load_limits(kind).limit(step, measure)
    reason = UNMEASURED.get(f"{step}.{measure}", "")
    if value is None and not reason:
        ends = [end for end in (limit.min, limit.max) if end is not None]
        value = sum(ends) / 2 if len(ends) == 2 else 1.2 * limit.min if limit.min else 0.0
    held = (
        value is not None
        and (limit.min is None or value >= limit.min)
        and (limit.max is None or value <= limit.max)
    )
    verdict = Verdict.NOT_ASSESSED if value is None else Verdict.PASS if held else Verdict.FAIL
    said = {
        "n": 20, "spread": 0.01, "uncertainty": None if value is None else 0.004, "reason": reason,
        "verdict": verdict, **changes,
    }  # fmt: skip
    return StepResult(
        step, measure, value, limit.unit, limit.min, limit.max, limit.source, limit.standing, **said
    )


def steps_of(kind: str, values: Mapping[str, float] | None = None) -> tuple[StepResult, ...]:
    """Return every measure of a kind of device; `values` by "step.measure"."""
    values = values or {}
    found = []
    for step, measures in load_limits(kind).steps.items():
        for measure in measures:
            if measure == "distance_booth":
                # Instead of the distance, never beside it.
                continue
            details: dict[str, object] = {}
            if measure == "delta_e_mean":
                details = {"patches": patches()}
            if measure == "ratio":
                details = {"zones": zones()}
            given = values.get(f"{step}.{measure}")
            found.append(result(step, measure, given, details=details))
    return tuple(found)


def calibration(
    device_id: str = CAMERA,
    kind: str = "full",
    ended_at_ms: int = NOW_MS,
    values: Mapping[str, float] | None = None,
    **changes,
) -> Calibration:
    """Return a calibration that passed, unless a value makes it fail."""
    of = "camera" if device_id == CAMERA else "reader"
    limits = load_limits(of)
    steps = steps_of(of, values)
    if kind == "quick":
        steps = tuple(one for one in steps if one.step in {"exposure", "blank", "live"})
    came_to = changes.pop("overall", None) or overall(steps)
    if came_to is Overall.PASS_WITH_REMARKS and kind == "quick":
        came_to = Overall.PASS
    lasts = kind == "full" and came_to.passed
    said = {
        "witness": "",
        "identity": {
            "site": "安心街道便民服务中心 2 号窗口", "camera_model": "Canon EOS 2000D",
            "camera_firmware": "1.1.0", "camera_serial": "053072001234",
            "lens": "EF-S 35mm f/2.8", "lamp_hours": "412",
        },
        "environment": {"temperature_c": 21.5, "exposure_100us": 80.0, "gain": 1.0},
        "parameters": {"pitch_zero_deg": -1.25, "yaw_zero_deg": 0.4},
        "software": {"anxin-station": "0.1.0", "opencv": "4.14.0"},
        **changes,
    }  # fmt: skip
    return Calibration(
        device_id=device_id, kind=kind, began_at_ms=ended_at_ms - 1_200_000,
        ended_at_ms=ended_at_ms, technician="7001", steps=steps, overall=came_to,
        valid_until=last_day(ended_at_ms, 180) if lasts else None, profile=limits.name,
        profile_sha256=limits.sha256, method="docs/calibration.md", **said,
    )  # fmt: skip


def patches() -> list[dict[str, object]]:
    """Return 24 patches that a camera saw a little too yellow."""
    rows = []
    for number, patch in enumerate(PATCHES):
        true = (patch.luminance, patch.luminance * 0.9, patch.luminance * 0.8)
        seen = (true[0] * 1.02, true[1], true[2] * 0.9)
        rows.append(
            {"name": patch.name, "delta_e": 1.0 + number / 10, "true_rgb": true, "seen_rgb": seen}
        )
    return rows


def zones() -> list[list[float]]:
    """Return a light that falls off to the lower left."""
    return [[0.9 - 0.02 * down + 0.02 * across for across in range(5)] for down in range(5)]


def jpeg(level: int = 128, size: tuple[int, int] = (160, 120)) -> bytes:
    """Return a small picture: a slanted edge."""
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    pixels = np.where(columns > size[0] / 2 + rows / 11, level, level // 3).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=70)
    return file.getvalue()


def evidence() -> Evidence:
    """Return pictures and curves such as a full calibration of a camera leaves."""
    mtf = tuple((n / 128, math.exp(-((n / 40) ** 2))) for n in range(65))
    down = tuple((n / 128, math.exp(-((n / 35) ** 2))) for n in range(65))
    names = ("framing", "focus", "exposure", "colour", "uniformity", "distortion", "noise")
    return Evidence(
        {name: jpeg(90 + 20 * number) for number, name in enumerate(names)},
        {
            "mtf.centre": mtf,
            "mtf.down": down,
            "flicker": tuple((n / 30, 118 + math.sin(n)) for n in range(20)),
            "depth": tuple((float(n), 0.3 - abs(n - 10) / 500) for n in range(20)),
        },
    )

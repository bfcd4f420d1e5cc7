"""Exposure, white balance, colour, and how evenly the lamps light the face zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from drivers.camera import Frame
from edge.calibration.aid import Aid, Turn
from edge.calibration.limits import Limit
from edge.calibration.procedure import (
    Figure,
    Measured,
    Scene,
    Step,
    figure_of,
    held_against,
)
from edge.calibration.record import Evidence
from edge.calibration.shots import Shot, around, digests, evidence, stills
from quality.optics.colour_chart import Colours, measure_colours
from quality.optics.grey_card import CARD_SHARE, Grey, measure_grey
from quality.optics.light import grey_of, middle_box
from quality.optics.marks import CHART_MARKS, find_marks
from quality.optics.uniformity import ZONE_SHARE, Evenness, measure_light

FRAMES: Final = 5
QUICK_FRAMES: Final = 3
_LESS: Final = (Turn.LESS_RED, Turn.LESS_GREEN, Turn.LESS_BLUE)


def _judged(
    scene: Scene, step: str, figures: Mapping[str, Figure], picture: bytes
) -> Measured:  # fmt: skip
    results = tuple(
        held_against(step, name, scene.limits.limit(step, name), figure)
        for name, figure in figures.items()
    )
    return Measured(results, Evidence({step: picture}))


# Exposure and white balance


def _aim_grey(scene: Scene, frame: Frame) -> Aid:
    seen = measure_grey(frame.bgr)
    limits = scene.limits.steps["exposure"]
    lightness, spread = limits["lightness"], limits["spread"]
    if _inside(seen.lightness, lightness) and not _inside(seen.spread, spread):
        return Aid(
            "exposure", "spread", seen.spread, spread.unit, spread.min, spread.max, None,
            _LESS[int(np.argmax(seen.means))], seen.spread, sequence=frame.sequence,
        )  # fmt: skip
    turn = Turn.HOLD
    if not _inside(seen.lightness, lightness):
        turn = Turn.LESS_LIGHT if seen.ev > 0 else Turn.MORE_LIGHT
    return Aid(
        "exposure", "lightness", seen.lightness, lightness.unit, lightness.min, lightness.max,
        None, turn, abs(seen.ev), sequence=frame.sequence,
    )  # fmt: skip


def _inside(value: float, limit: Limit) -> bool:
    return (limit.min is None or value >= limit.min) and (limit.max is None or value <= limit.max)


def _measure_grey(scene: Scene) -> Measured:
    shots = stills(scene, QUICK_FRAMES)
    seen = [measure_grey(shot.bgr) for shot in shots]

    def of(value: Callable[[Grey], float], sd: Callable[[Grey], float]) -> Figure:
        return figure_of([value(one) for one in seen], float(np.median([sd(one) for one in seen])))

    lightness = figure_of(
        [one.lightness for one in seen],
        float(np.median([one.lightness_sd for one in seen])),
        details={"ev": seen[0].ev, "means": list(seen[0].means)},
        frames_sha256=digests(shots),
    )
    figures = {
        "lightness": lightness,
        "clipped": of(lambda one: one.clipped, lambda _: 0.0),
        "spread": of(lambda one: one.spread, lambda one: one.spread_sd),
    }
    box = middle_box(shots[0].bgr, CARD_SHARE)
    return _judged(scene, "exposure", figures, evidence(shots[0].bgr, box))


# Colour


def _aim_colour(scene: Scene, frame: Frame) -> Aid:
    seen = measure_colours(frame.bgr)
    limit = scene.limits.limit("colour", "delta_e_mean")
    red, blue = seen.cast
    turn = Turn.HOLD
    if not _inside(seen.delta_e_mean, limit):
        # Green's gain over the others': below 1 the other is too strong.
        strongest = min((red, Turn.LESS_RED), (1.0, Turn.LESS_GREEN), (blue, Turn.LESS_BLUE),
                        key=lambda one: one[0])  # fmt: skip
        turn = strongest[1] if min(red, blue, 1.0) < 0.97 or max(red, blue) > 1.03 else (
            Turn.OTHER_LAMPS
        )  # fmt: skip
    best = min(seen.delta_e_mean, scene.memory.best or seen.delta_e_mean)
    scene.memory.best = best
    return Aid(
        "colour", "delta_e_mean", seen.delta_e_mean, limit.unit, limit.min, limit.max, best, turn,
        sequence=frame.sequence,
    )  # fmt: skip


def _measure_colour(scene: Scene) -> Measured:
    shots = stills(scene, QUICK_FRAMES)
    seen = [measure_colours(shot.bgr) for shot in shots]
    doubt = float(np.median([one.uncertainty for one in seen]))
    first = seen[0]
    mean = figure_of(
        [one.delta_e_mean for one in seen], doubt,
        details=_colour_details(first), frames_sha256=digests(shots),
    )  # fmt: skip
    # One patch scatters as much more than the mean of 24 as the root of 24 says.
    worst = figure_of([one.delta_e_max for one in seen], doubt * np.sqrt(len(first.patches)))
    marks = find_marks(grey_of(shots[0].bgr))
    box = around(np.concatenate([marks[n] for n in CHART_MARKS if n in marks]))
    figures = {"delta_e_mean": mean, "delta_e_max": worst}
    return _judged(scene, "colour", figures, evidence(shots[0].bgr, box))


def _colour_details(seen: Colours) -> dict[str, object]:
    return {
        "patches": [
            {
                "name": one.name,
                "delta_e": one.delta_e,
                "seen_rgb": list(one.seen_rgb),
                "true_rgb": list(one.true_rgb),
            }
            for one in seen.patches
        ],
        "matrix": [list(row) for row in seen.matrix],
        "residual_delta_e": seen.residual_delta_e,
        "cast": list(seen.cast),
    }


# Light


def _aim_light(scene: Scene, frame: Frame) -> Aid:
    seen = measure_light(frame.bgr)
    limits = scene.limits.steps["uniformity"]
    ratio, cheeks = limits["ratio"], limits["cheeks"]
    turn = Turn.HOLD
    if not (_inside(seen.uniformity, ratio) and _inside(seen.left_over_right, cheeks)):
        turn = _lamp(seen)
    scene.memory.best = max(seen.uniformity, scene.memory.best or 0.0)
    return Aid(
        "uniformity", "ratio", seen.uniformity, ratio.unit, ratio.min, ratio.max,
        scene.memory.best, turn, 100 * (1 - seen.uniformity), sequence=frame.sequence,
    )  # fmt: skip


def _lamp(seen: Evenness) -> Turn:
    """Return which lamp is to give less: that of the lighter side, whichever differs more."""
    across, down = np.log(seen.left_over_right), np.log(seen.top_over_bottom)
    if abs(across) >= abs(down):
        return Turn.LAMP_LEFT_DOWN if across > 0 else Turn.LAMP_RIGHT_DOWN
    return Turn.LAMP_TOP_DOWN if down > 0 else Turn.LAMP_BOTTOM_DOWN


def _measure_light(scene: Scene) -> Measured:
    shots: list[Shot] = stills(scene, FRAMES)
    seen = [measure_light(shot.bgr) for shot in shots]
    doubt = float(np.median([one.uncertainty for one in seen]))
    ratio = figure_of(
        [one.uniformity for one in seen], doubt,
        details={"zones": [list(row) for row in seen[0].zones],
                 "top_over_bottom": seen[0].top_over_bottom},
        frames_sha256=digests(shots),
    )  # fmt: skip
    figures = {
        "ratio": ratio,
        "cheeks": figure_of([one.left_over_right for one in seen], doubt),
        "gradient": figure_of([one.gradient for one in seen], doubt),
    }
    box = middle_box(shots[0].bgr, ZONE_SHARE)
    return _judged(scene, "uniformity", figures, evidence(shots[0].bgr, box))


EXPOSURE: Final = Step(
    "exposure", "camera", "grey_card", _measure_grey, _aim_grey, quick=True,
)  # fmt: skip
COLOUR: Final = Step("colour", "camera", "colour_chart", _measure_colour, _aim_colour)
UNIFORMITY: Final = Step("uniformity", "camera", "grey_sheet", _measure_light, _aim_light)

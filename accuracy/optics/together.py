"""All knobs at once: stations drawn by chance, so that no error hides behind the knob at rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np

from accuracy.optics.edges import true_mtf50
from accuracy.optics.lens_sweeps import POSE_DEG, SIZE_PX, true_optics
from accuracy.optics.light_sweeps import (
    FRAMES,
    GREY,
    RATE_HZ,
    ROUNDED,
    SERIES_PX,
    level_of,
    true_light,
)
from accuracy.optics.sweep import OF_TRUTH, Said, Sweep
from drivers.peers.lens_bench import Target, Truth, render
from quality.optics.board import Pose, find_pose
from quality.optics.focus_chart import FOCUS_SHEET, measure_focus
from quality.optics.grey_card import measure_grey
from quality.optics.noise import measure_noise
from quality.optics.uniformity import measure_light

STATIONS: Final = tuple(float(number) for number in range(12))


def drawn_station(number: float) -> Truth:
    """Return a station that is out of order in every way at once, a little; the same each time."""
    chance = np.random.default_rng((40, int(number)))

    def between(low: float, high: float) -> float:
        return float(chance.uniform(low, high))

    return Truth(
        blur_sigma_px=between(0.4, 1.0), yaw_deg=between(-5, 5), pitch_deg=between(-5, 5),
        roll_deg=between(-2, 2), distance_m=between(0.9, 1.4), shift_x=between(-0.1, 0.1),
        shift_y=between(-0.03, 0.03), exposure_ev=between(-0.5, 0.1),
        cast=(between(0.93, 1.0), 1.0, between(0.93, 1.0)), falloff=between(0.0, 0.2),
        lamp_left=between(-0.15, 0.15), lamp_top=between(-0.15, 0.15), k1=between(-0.15, 0.05),
        noise_sigma=between(0.5, 2.0),
    )  # fmt: skip


def together_sweeps() -> Iterable[Sweep]:
    """Yield one sweep an estimate, over twelve stations drawn by chance."""
    knob = ("all at once, number of the station drawn", STATIONS)

    def posed(true: Callable[[Truth], float], read: str) -> Callable[[float], Said]:
        def said(number: float) -> Said:
            truth = drawn_station(number)
            pose: Pose = find_pose(render(Target.CHARUCO, truth, SIZE_PX), true_optics(k1=truth.k1))
            sd = read.replace("_deg", "_sd_deg").replace("_m", "_sd_m")
            return Said(true(truth), getattr(pose, read), getattr(pose, sd))

        return said

    yield Sweep("board", "yaw", *knob, POSE_DEG, "deg", posed(lambda one: one.yaw_deg, "yaw_deg"),
                (3.0,))  # fmt: skip
    yield Sweep("board", "pitch", *knob, POSE_DEG, "deg",
                posed(lambda one: one.pitch_deg, "pitch_deg"))  # fmt: skip
    yield Sweep("board", "distance", *knob, 0.2, OF_TRUTH,
                posed(lambda one: one.distance_m, "distance_m"))  # fmt: skip
    yield Sweep("focus_chart", "MTF50 of the middle", *knob, 5.0, OF_TRUTH, _focus, (5.0,))
    yield Sweep("grey_card", "L* of the card", *knob, 0.3, "L*", _lightness, (1.0,))
    yield Sweep("uniformity", "darkest over lightest zone", *knob, 0.005, "1", _evenness)
    yield Sweep("noise", "signal to noise", *knob, 0.2, "dB", _noise)


def _focus(number: float) -> Said:
    truth = drawn_station(number)
    focus = measure_focus(render(Target.SLANTED_EDGE, truth, SIZE_PX))
    slant = FOCUS_SHEET.turned_deg + truth.roll_deg
    return Said(
        true_mtf50(truth.blur_sigma_px, slant), focus.centre_cy_per_px, focus.centre_sd_cy_per_px
    )


def _lightness(number: float) -> Said:
    truth = drawn_station(number)
    grey = measure_grey(render(Target.GREY_CARD, truth, SIZE_PX))
    return Said(116 * _luminance(truth) ** (1 / 3) - 16, grey.lightness, grey.lightness_sd)


def _evenness(number: float) -> Said:
    truth = drawn_station(number)
    light = measure_light(render(Target.GREY_SHEET, truth, SIZE_PX))
    return Said(true_light(truth)["uniformity"], light.uniformity, light.uncertainty)


def _noise(number: float) -> Said:
    truth = drawn_station(number)
    frames: list[Any] = [
        render(Target.GREY_CARD, truth, SERIES_PX, n / RATE_HZ, n) for n in range(FRAMES)
    ]
    light = GREY * 2**truth.exposure_ev
    level = float(np.mean([level_of(light * gain) for gain in truth.cast]))
    noise = measure_noise(frames)
    known = 20 * np.log10(level / np.sqrt(truth.noise_sigma**2 + ROUNDED))
    return Said(float(known), noise.snr_db, noise.snr_sd_db)


def _luminance(truth: Truth) -> float:
    """Return the card's relative luminance in the middle of the picture."""
    red, green, blue = truth.cast
    return float(GREY * 2**truth.exposure_ev * (0.2126 * red + 0.7152 * green + 0.0722 * blue))

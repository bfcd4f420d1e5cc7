"""What is measured of the light: exposure, colour, evenness, noise, flicker, delay."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accuracy.optics.lens_sweeps import PLAIN, SIZE_PX
from accuracy.optics.sweep import Said, Sweep
from drivers.peers.lens_bench import Target, Truth, render
from quality.optics.colour_chart import measure_colours
from quality.optics.colour_patches import D50_TO_D65, PATCHES, WHITE_D65, XYZ_TO_RGB
from quality.optics.flicker import Flicker, measure_flicker
from quality.optics.grey_card import measure_grey
from quality.optics.latency import measure_latency
from quality.optics.noise import measure_noise
from quality.optics.uniformity import ZONE_SHARE, ZONES, measure_light

SERIES_PX: Final = (640, 360)
FRAMES: Final = 20
RATE_HZ: Final = 25.0
GREY: Final = 0.18
ROUNDED: Final = 1 / 12
"""Variance that rounding to whole levels adds."""


def light_sweeps() -> tuple[Sweep, ...]:
    """Return every sweep of this page's second part."""
    return (*_greys(), *_colours(), *_evenness(), *_noises(), *_flickers(), *_latencies())


def _greys() -> Iterable[Sweep]:
    def lightness(ev: float) -> Said:
        grey = measure_grey(render(Target.GREY_CARD, replace(PLAIN, exposure_ev=ev), SIZE_PX))
        return Said(116 * (GREY * 2**ev) ** (1 / 3) - 16, grey.lightness, grey.lightness_sd)

    def spread(blue: float) -> Said:
        truth = replace(PLAIN, cast=(1.0, 1.0, blue))
        grey = measure_grey(render(Target.GREY_CARD, truth, SIZE_PX))
        return Said(abs(level_of(GREY * blue) - level_of(GREY)), grey.spread, grey.spread_sd)

    yield Sweep(
        "grey_card",
        "L* of the card",
        "light, stops",
        (-3, -2, -1, -0.5, -0.2, 0, 0.2, 0.5, 1, 2),
        0.1,
        "L*",
        lightness,
        (-1, 0.5),
    )
    yield Sweep(
        "grey_card",
        "spread of the channels",
        "gain of blue",
        (0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25),
        0.2,
        "levels",
        spread,
        (0.9,),
    )


def _colours() -> Iterable[Sweep]:
    def said(read: str, **knobs: Any) -> Said:
        truth = replace(PLAIN, **knobs)
        colours = measure_colours(render(Target.COLOUR_CHART, truth, SIZE_PX))
        known = _true_differences(truth)
        if read == "max":
            return Said(float(known.max()), colours.delta_e_max)
        return Said(float(known.mean()), colours.delta_e_mean, colours.uncertainty)

    blues = (0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2)
    yield Sweep("colour_chart", "CIEDE2000, mean", "gain of blue", blues, 0.3, "dE",
                lambda one: said("mean", cast=(1.0, 1.0, one)), (0.9,))  # fmt: skip
    yield Sweep("colour_chart", "CIEDE2000, max", "gain of blue", blues, 0.6, "dE",
                lambda one: said("max", cast=(1.0, 1.0, one)))  # fmt: skip
    yield Sweep("colour_chart", "CIEDE2000, mean", "gain of red", (0.85, 0.92, 1.08, 1.15), 0.3,
                "dE", lambda one: said("mean", cast=(one, 1.0, 1.0)))  # fmt: skip
    yield Sweep("colour_chart", "CIEDE2000, mean", "light, stops", (-0.7, -0.3, 0.1), 0.3, "dE",
                lambda one: said("mean", exposure_ev=one))  # fmt: skip
    yield Sweep("colour_chart", "CIEDE2000, mean", "noise, levels", (0.5, 2.0, 4.0), 0.3, "dE",
                lambda one: said("mean", noise_sigma=one))  # fmt: skip
    yield Sweep("colour_chart", "CIEDE2000, mean", "pitch of the chart, deg", (-10, -5, 5, 10), 0.3,
                "dE", lambda one: said("mean", pitch_deg=one))  # fmt: skip


def _true_differences(truth: Truth) -> npt.NDArray[np.float64]:
    """Return every patch's CIEDE2000 as this light leaves it, in sRGB, by the library alone."""
    with warnings.catch_warnings():
        # SciPy and Matplotlib are not here, and nothing of this needs them.
        warnings.simplefilter("ignore")
        import colour  # noqa: PLC0415 - loads for seconds

        white = colour.XYZ_to_xy(np.array(WHITE_D65))
        chart = np.array([(one.x, one.y, one.luminance) for one in PATCHES])
        xyz = colour.xyY_to_XYZ(chart) @ np.array(D50_TO_D65).T
        rgb = np.clip(xyz @ np.array(XYZ_TO_RGB).T, 0, 1) * truth.cast * 2**truth.exposure_ev
        seen = np.clip(rgb, 0, 1) @ np.linalg.inv(np.array(XYZ_TO_RGB)).T
        first, second = (colour.XYZ_to_Lab(one, white) for one in (xyz, seen))
        return np.asarray(colour.delta_E(first, second, method="CIE 2000"), np.float64)


def _evenness() -> Iterable[Sweep]:
    def said(read: str, **knobs: Any) -> Said:
        truth = replace(PLAIN, **knobs)
        light = measure_light(render(Target.GREY_SHEET, truth, SIZE_PX))
        return Said(true_light(truth)[read], getattr(light, read), light.uncertainty)

    yield Sweep("uniformity", "darkest over lightest zone", "light the corners lack",
                (0.0, 0.05, 0.1, 0.2, 0.3, 0.5), 0.005, "1",
                lambda one: said("uniformity", falloff=one), (0.2,))  # fmt: skip
    yield Sweep("uniformity", "left over right", "left lamp lighter by",
                (-0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4), 0.005, "1",
                lambda one: said("left_over_right", lamp_left=one), (0.1,))  # fmt: skip
    yield Sweep("uniformity", "gradient", "upper lamp lighter by", (0.05, 0.1, 0.2, 0.4),
                0.005, "1", lambda one: said("gradient", lamp_top=one))  # fmt: skip
    yield Sweep("uniformity", "darkest over lightest zone", "noise, levels", (0.5, 2.0, 5.0), 0.005,
                "1", lambda one: said("uniformity", falloff=0.1, noise_sigma=one))  # fmt: skip


def true_light(truth: Truth) -> dict[str, float]:
    """Return what the truth's own formula gives, by many points in each zone and no picture."""
    width, height = SIZE_PX
    share = np.linspace(-ZONE_SHARE / 2, ZONE_SHARE / 2, ZONES * 40 + 1)
    middles = (share[1:] + share[:-1]) / 2
    x, y = middles[None, :], middles[:, None]
    radius = 4 * ((x * width) ** 2 + (y * height) ** 2) / (width**2 + height**2)
    light = (1 - truth.lamp_left * x) * (1 - truth.lamp_top * y) * (1 - truth.falloff * radius)
    zones = light.reshape(ZONES, 40, ZONES, 40).mean(axis=(1, 3))
    # From the first zone's middle to the last one's, a straight rise.
    down = np.polyfit(np.linspace(-1, 1, ZONES), zones.mean(axis=1), 1)[0]
    return {
        "uniformity": float(zones.min() / zones.max()),
        "left_over_right": float(zones[:, :2].mean() / zones[:, -2:].mean()),
        "gradient": float(2 * abs(down) / zones.mean()),
    }


def _noises() -> Iterable[Sweep]:
    def said(**knobs: Any) -> Said:
        truth = replace(PLAIN, **knobs)
        noise = measure_noise([render(Target.GREY_CARD, truth, SERIES_PX, n / RATE_HZ, n)
                               for n in range(FRAMES)])  # fmt: skip
        level = level_of(GREY * 2**truth.exposure_ev)
        known = 20 * np.log10(level / np.sqrt(truth.noise_sigma**2 + ROUNDED))
        return Said(float(known), noise.snr_db, noise.snr_sd_db)

    yield Sweep("noise", "signal to noise", "noise, levels", (0.5, 0.8, 1.5, 3.0, 6.0, 10.0), 0.2,
                "dB", lambda one: said(noise_sigma=one))  # fmt: skip
    yield Sweep(
        "noise",
        "signal to noise at noise 1.5",
        "flicker of the light",
        (0.01, 0.05, 0.1),
        0.5,
        "dB",
        lambda one: said(noise_sigma=1.5, flicker_depth=one, flicker_hz=103.0),
        (0.05,),
    )
    yield Sweep("noise", "signal to noise at noise 1.5", "light, stops", (-2, -1, 1), 0.2, "dB",
                lambda one: said(noise_sigma=1.5, exposure_ev=one))  # fmt: skip


def _flickers() -> Iterable[Sweep]:
    times = [number / RATE_HZ for number in range(FRAMES)]

    def found(target: Target, **knobs: Any) -> Flicker:
        truth = replace(PLAIN, **knobs)
        return measure_flicker(
            [render(target, truth, SERIES_PX, at_s, n) for n, at_s in enumerate(times)], times
        )

    def depth(one: float) -> Said:
        light = 1 + one * np.sin(2 * np.pi * 103.0 * np.array(times))
        known = 100 * float(np.ptp(light) / (light.max() + light.min()))
        flicker = found(Target.GREY_CARD, flicker_depth=one, flicker_hz=103.0)
        return Said(known, flicker.depth_percent, flicker.depth_sd_percent)

    def beat(hz: float) -> Said:
        flicker = found(Target.GREY_CARD, flicker_depth=0.05, flicker_hz=hz)
        # Seen 25 times a second, a lamp shows how far it is from the nearest multiple of that.
        return Said(abs(hz - RATE_HZ * round(hz / RATE_HZ)), flicker.beat_hz or 0.0)

    def bands(one: float) -> Said:
        flicker = found(Target.GREY_SHEET, banding=one)
        return Said(100 * one, flicker.banding_percent, flicker.banding_sd_percent)

    def many(count: float) -> Said:
        flicker = found(Target.GREY_SHEET, banding=0.03, bands=count)
        return Said(count, flicker.bands or 0.0)

    yield Sweep("flicker", "depth of the frames' light", "amplitude of the light",
                (0.0, 0.005, 0.01, 0.02, 0.05, 0.1), 0.1, "%-points", depth, (0.02,))  # fmt: skip
    yield Sweep("flicker", "beat with 25 frames a second", "flicker, Hz",
                (97.02, 98.43, 101.37, 102.94, 107.61, 118.8), 0.1, "Hz", beat)  # fmt: skip
    yield Sweep("flicker", "banding", "amplitude of the bands",
                (0.0, 0.002, 0.005, 0.01, 0.02, 0.05), 0.1, "%-points", bands, (0.02,))  # fmt: skip
    yield Sweep("flicker", "bands in the height", "bands", (2.5, 3.7, 5.3, 8.0, 12.4), 0.2, "1",
                many)  # fmt: skip


def _latencies() -> Iterable[Sweep]:
    def late(seconds: float) -> Said:
        times = [1 + number * 0.137 for number in range(6)]
        truth = replace(PLAIN, latency_s=seconds)
        frames = [render(Target.TIME_CODE, truth, SIZE_PX, at_s, n)
                  for n, at_s in enumerate(times)]  # fmt: skip
        latency = measure_latency(frames, [1000 * one for one in times])
        return Said(1000 * seconds, latency.median_ms, latency.uncertainty_ms)

    delays = (0.0, 0.0337, 0.1216, 0.2508, 0.4072, 0.8449, 2.0)
    yield Sweep("latency", "shown to seen", "delay, s", delays, 2.0, "ms", late, (0.1216,))


def level_of(light: float) -> float:
    """Return the level of a linear light above the curve's straight foot. Source: IEC 61966-2-1."""
    return float(255 * (1.055 * light ** (1 / 2.4) - 0.055))

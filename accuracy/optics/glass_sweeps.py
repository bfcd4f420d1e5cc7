"""What is measured at a fingerprint reader: blank glass, scale, contrast, greys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from accuracy.optics.sweep import OF_TRUTH, Said, Sweep
from drivers.peers.lens_bench_film import FilmTruth, blank, lines, step
from quality.glass.blank import measure_blank
from quality.glass.contrast import measure_contrast
from quality.glass.grey_steps import measure_steps
from quality.glass.ruling import measure_ruling

PLAIN: Final = FilmTruth()
PITCH_MM: Final = 0.5
STEPS: Final = (0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
LOOKS: Final = 5


def glass_sweeps() -> tuple[Sweep, ...]:
    """Return every sweep of this page's third part."""
    return (*_blanks(), *_rulings(), *_contrasts(), *_steps())


def _blanks() -> Iterable[Sweep]:
    def looked(**knobs: Any) -> list[Any]:
        return [blank(replace(PLAIN, **knobs), look=n) for n in range(LOOKS)]

    def dead(share: float) -> Said:
        found = measure_blank(looked(dead_share=share))
        every = round(1 / share) if share else 0
        pixels = 256 * 288
        known = len(range(every // 2, pixels, every)) / pixels if share else 0.0
        return Said(100 * known, 100 * found.dead_share)

    def offset(levels: float) -> Said:
        white = PLAIN.white - levels
        found = measure_blank(looked(white=white), stored=blank(PLAIN, look=99))
        return Said(-levels, found.offset_levels or 0.0, found.noise_levels / 256)

    def noise(sigma: float) -> Said:
        found = measure_blank(looked(noise_sigma=sigma, white=200.0))
        return Said(float(np.sqrt(sigma**2 + 1 / 12)), found.noise_levels)

    def residue(amplitude: float) -> Said:
        found = measure_blank(looked(residue_levels=amplitude))
        # A wave's deviation is its amplitude over the root of two; a box of 17 px holds nearly two.
        return Said(amplitude / 2**0.5, found.residue_levels, None)

    yield Sweep("blank", "dead pixels", "dead share", (0.0, 0.0005, 0.001, 0.003, 0.01), 0.01,
                "%-points", dead, (0.001,))  # fmt: skip
    yield Sweep("blank", "offset against the stored blank", "levels", (0.0, 1.0, 3.0, 8.0, 20.0),
                0.1, "levels", offset, (3.0,))  # fmt: skip
    yield Sweep("blank", "noise from look to look", "noise, levels", (0.5, 1.0, 2.0, 4.0), 0.05,
                "levels", noise)  # fmt: skip
    yield Sweep("blank", "residue's local deviation", "amplitude, levels", (4.0, 8.0, 12.0), 2.5,
                "levels", residue)  # fmt: skip


def _rulings() -> Iterable[Sweep]:
    def said(pitch_mm: float = PITCH_MM, **knobs: Any) -> Said:
        truth = replace(PLAIN, **knobs)
        found = measure_ruling(lines(truth, 1 / pitch_mm), pitch_mm)
        return Said(truth.ppi, found.ppi, found.ppi_sd)

    yield Sweep("ruling", "pixels an inch", "true ppi of a reader that says 500",
                (480.0, 490.0, 495.0, 500.0, 505.0, 510.0, 520.0), 0.1, OF_TRUTH,
                lambda one: said(ppi=one), (495.0,))  # fmt: skip
    yield Sweep("ruling", "pixels an inch", "lines against the vertical, deg",
                (-10.0, -3.0, 0.0, 0.5, 3.0, 10.0, 45.0, 87.0, 90.0), 0.1, OF_TRUTH,
                lambda one: said(angle_deg=one), (3.0, 90.0))  # fmt: skip
    yield Sweep("ruling", "pixels an inch", "line to line, mm", (0.2, 0.3, 0.5, 1.0), 0.1, OF_TRUTH,
                lambda one: said(pitch_mm=one))  # fmt: skip
    yield Sweep("ruling", "pixels an inch", "noise, levels", (1.0, 4.0, 10.0, 20.0), 0.1, OF_TRUTH,
                lambda one: said(noise_sigma=one))  # fmt: skip


def _contrasts() -> Iterable[Sweep]:
    def said(cycles: float, **knobs: Any) -> Said:
        truth = replace(PLAIN, **knobs)
        found = measure_contrast(lines(truth, cycles), cycles)
        return Said(_true_contrast(truth, cycles), found.ctf, found.ctf_sd)

    fineness = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
    yield Sweep("contrast", "contrast of the bars", "cycles/mm", fineness, 0.01, "1", said,
                (2.0, 6.0))  # fmt: skip
    yield Sweep("contrast", "contrast of 4 cycles/mm", "blur sigma, px", (0.3, 0.8, 1.2, 1.6), 0.01,
                "1", lambda one: said(4.0, blur_sigma_px=one))  # fmt: skip
    yield Sweep("contrast", "contrast of 4 cycles/mm", "noise, levels", (1.0, 5.0, 10.0), 0.01, "1",
                lambda one: said(4.0, noise_sigma=one))  # fmt: skip


def _true_contrast(truth: FilmTruth, cycles_per_mm: float) -> float:
    """Return it from the bars' Fourier series through blur and aperture."""
    per_px = cycles_per_mm * 25.4 / truth.ppi
    angle = np.radians(truth.angle_deg)
    phase = np.linspace(0, 1, 2001)
    light = np.full(len(phase), 0.5)
    for number in range(1, 400, 2):
        cycles = number * per_px
        left = np.exp(-2 * (np.pi * truth.blur_sigma_px * cycles) ** 2)
        left *= np.sinc(cycles * np.cos(angle)) * np.sinc(cycles * np.sin(angle))
        light += 2 / (np.pi * number) * left * np.sin(2 * np.pi * number * phase)
    levels = truth.black + (truth.white - truth.black) * light
    return float((levels.max() - levels.min()) / (levels.max() + levels.min()))


def _steps() -> Iterable[Sweep]:
    def found(**knobs: Any) -> Any:
        truth = replace(PLAIN, **knobs)
        return measure_steps([step(truth, one, look=n) for n, one in enumerate(STEPS)], STEPS)

    def residual(gamma: float) -> Said:
        truth = replace(PLAIN, gamma=gamma)
        levels = truth.black + (truth.white - truth.black) * np.array(STEPS) ** gamma
        line = np.polyval(np.polyfit(STEPS, levels, 1), STEPS)
        steps = found(gamma=gamma)
        return Said(float(np.abs(levels - line).max()), steps.worst_residual_levels,
                    steps.residual_sd_levels)  # fmt: skip

    def snr(sigma: float) -> Said:
        span = (PLAIN.white - PLAIN.black) * (STEPS[-1] - STEPS[0])
        return Said(span / float(np.sqrt(sigma**2 + 1 / 12)), found(noise_sigma=sigma).snr)

    yield Sweep("grey_steps", "largest residual", "gamma", (0.7, 0.85, 1.0, 1.2, 1.5), 0.2,
                "levels", residual, (0.85,))  # fmt: skip
    yield Sweep("grey_steps", "signal to noise", "noise, levels", (0.8, 1.5, 3.0, 6.0), 2.0,
                OF_TRUTH, snr, (1.5,))  # fmt: skip

"""e-SFR: how much contrast of each fineness comes through, read off one slanted edge.

After ISO 12233 (2017 and later): fit the edge, project every pixel on its normal, average in bins
of a quarter pixel, differentiate, Fourier. What the bins and the difference themselves take away is
given back. Ours: a window that is flat in its middle, because Hann's own narrows a wide line and
would make a blurred lens look sharper, and the uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.optics.light import WHITE_LEVEL, linear
from quality.optics.refusal import Refusal, refused

Grey = npt.NDArray[np.uint8] | npt.NDArray[np.floating]
Line = npt.NDArray[np.float64]

OVERSAMPLED: Final = 4
SIDE_MIN_PX: Final = 16
HALF_MAX_PX: Final = 48
HALF_MIN_PX: Final = 6
ANGLE_MIN_DEG: Final = 2.0
ANGLE_MAX_DEG: Final = 15.0
CONTRAST_MIN: Final = 0.02
RESIDUE_MAX_PX: Final = 1.0
SIDES_SPREAD_MAX: Final = 0.2
SPREADS_MIN: Final = 6.0
"""[ours, measured] Reach on either side in spreads of the edge; with less it reads too sharp."""
SPREAD_CY: Final = 0.1874
"""Spread in px times MTF50 of a Gaussian edge: sqrt(ln 2 / 2) / pi."""
SYSTEMATIC: Final = 0.01
"""[ours, measured] Share of the value that remains as error on edges without noise."""
_SPECTRUM: Final = 2048


@dataclass(frozen=True, slots=True)
class Edge:
    """What one edge says of lens, focus and processing.

    Attributes:
        mtf50_cy_per_px: where half the contrast is left, across the edge.
        uncertainty_cy_per_px: standard, of it.
        curve: (cycles a pixel, contrast left), 0 to 1 cycle a pixel.
        peak: highest contrast of the curve; above about 1.05 the camera sharpens.
        angle_deg: of the edge against the nearer axis of the picture, without sign.
        contrast: difference of the two sides over their sum, in linear light.
        noise: standard deviation of the sides over the difference between them.
    """

    mtf50_cy_per_px: float
    uncertainty_cy_per_px: float
    curve: tuple[tuple[float, float], ...]
    peak: float
    angle_deg: float
    contrast: float
    noise: float


def measure_edge(grey: Grey) -> Edge:
    """Return what the one edge across this cut-out shows.

    Args:
        grey: (height, width); levels of 8 bits are taken as sRGB, floats as linear light.

    Raises:
        CannotAssess: no_edge, edge_angle, too_small, too_blurred, over_exposed,
            under_exposed, too_noisy.

    Source: ISO 12233 e-SFR; P. D. Burns, "Slanted-edge MTF for digital camera and scanner
    analysis" (2000).
    """
    light = _upright(_light(grey))
    slope, bend, first = _edge_line(light)
    angle_deg = float(np.degrees(np.arctan(abs(slope))))
    if not ANGLE_MIN_DEG <= angle_deg <= ANGLE_MAX_DEG:
        raise refused(Refusal.EDGE_ANGLE)
    rows = np.arange(light.shape[0]) - (light.shape[0] - 1) / 2
    across = np.arange(light.shape[1]) - (first + slope * rows + bend * rows**2)[:, None]
    across /= np.hypot(1.0, slope + 2 * bend * rows)[:, None]
    reach = min(-across[:, 0].max(), across[:, -1].min()) - 0.5
    half = int(min(HALF_MAX_PX, reach))
    if half < HALF_MIN_PX:
        raise refused(Refusal.TOO_SMALL)
    profile, counts = _profile(light, across, half)
    noise, sides, contrast = _sides(light, across, profile)
    return _edge(profile, counts, noise / sides, contrast, angle_deg)


def _light(grey: Grey) -> Line:
    if min(grey.shape) < SIDE_MIN_PX:
        raise refused(Refusal.TOO_SMALL)
    if grey.dtype != np.uint8:
        return np.asarray(grey, np.float64)
    levels = np.asarray(grey, np.uint8)
    low, high = np.percentile(levels, (10, 90))
    if high >= WHITE_LEVEL:
        raise refused(Refusal.OVER_EXPOSED)
    # A dark side at zero is cut off as a white one is: what was below it is not seen.
    if high <= 24 or low <= 0:
        raise refused(Refusal.UNDER_EXPOSED)
    return np.asarray(linear(levels), np.float64)


def _upright(light: Line) -> Line:
    """Return it with the edge going down and dark on the left."""
    across = np.abs(light[:, -4:].mean() - light[:, :4].mean())
    down = np.abs(light[-4:].mean() - light[:4].mean())
    turned = light if across >= down else light.T
    return turned if turned[:, -4:].mean() >= turned[:, :4].mean() else turned[:, ::-1]


def _edge_line(light: Line) -> tuple[float, float, float]:
    """Return slope, bend and place (px) of the edge, counted from the middle row."""
    rows = np.arange(light.shape[0]) - (light.shape[0] - 1) / 2
    steps = (light[:, 2:] - light[:, :-2]) / 2
    columns = np.arange(1, light.shape[1] - 1)
    # Found roughly first, on rows smoothed over their neighbours: one noisy row misleads nobody.
    middle = np.full(len(rows), float(columns[np.argmax(steps.sum(axis=0))]))
    coarse = max(HALF_MIN_PX, light.shape[1] / 2)
    for reach, degree in ((coarse, 1), (coarse / 2, 1), (coarse / 3, 1), (coarse / 3, 2)):
        near = np.cos(
            np.clip((columns - middle[:, None]) / max(reach, HALF_MIN_PX), -1, 1) * np.pi / 2
        )
        weights = np.maximum(steps, 0) * near**2 if degree == 1 else steps * near**2
        total = weights.sum(axis=1)
        if not (total > 0).all():
            raise refused(Refusal.NO_EDGE)
        places = (weights * columns).sum(axis=1) / total
        fit = _fitted(rows, places, degree)
        middle = np.polyval(fit, rows)
    if float(np.sqrt(np.mean((places - middle) ** 2))) > RESIDUE_MAX_PX:
        raise refused(Refusal.NO_EDGE)
    return float(fit[-2]), float(fit[-3]), float(fit[-1])


def _fitted(rows: Line, places: Line, degree: int) -> Line:
    """Return the polynomial through the places, as `numpy.polyfit` in a tenth of its time."""
    half = float(rows[-1])
    terms = np.vander(rows / half, degree + 1)
    found = np.linalg.solve(terms.T @ terms, terms.T @ places)
    return np.asarray(found / half ** np.arange(degree, -1, -1), np.float64)


def _profile(light: Line, across: Line, half: int) -> tuple[Line, Line]:
    """Return the mean light in every quarter pixel from -half to half, and how many are in it."""
    bins = np.floor((across + half) * OVERSAMPLED).astype(np.intp)
    inside = (bins >= 0) & (bins < 2 * half * OVERSAMPLED)
    size = 2 * half * OVERSAMPLED
    counts = np.bincount(bins[inside], minlength=size).astype(np.float64)
    sums = np.bincount(bins[inside], weights=light[inside], minlength=size)
    filled = counts > 0
    if filled.mean() < 0.9:
        raise refused(Refusal.TOO_SMALL)
    places = np.arange(size)
    means = np.interp(places, places[filled], sums[filled] / counts[filled])
    return means, np.maximum(counts, 1)


def _sides(light: Line, across: Line, profile: Line) -> tuple[float, float, float]:
    """Return the noise of both sides, the step between them, and the contrast."""
    quarter = len(profile) // 4
    dark, bright = float(profile[: quarter // 2].mean()), float(profile[-quarter // 2 :].mean())
    step = bright - dark
    if step < CONTRAST_MIN * max(bright, 1e-6) or bright <= 0:
        raise refused(Refusal.NO_EDGE)
    spread = max(float(profile[: quarter // 2].std()), float(profile[-quarter // 2 :].std()))
    edge_px = len(profile) / OVERSAMPLED / 2
    on_left, on_right = across < -edge_px * 0.75, across > edge_px * 0.75
    noise = float(np.sqrt((light[on_left].var() + light[on_right].var()) / 2))
    if spread > SIDES_SPREAD_MAX * step:
        raise refused(Refusal.TOO_NOISY if spread < 0.8 * noise else Refusal.NO_EDGE)
    return noise, step, step / (bright + dark)


def _edge(profile: Line, counts: Line, noise: float, contrast: float, angle_deg: float) -> Edge:
    line = (profile[2:] - profile[:-2]) / 2
    window = _flat_top(len(line), int(np.argmax(np.convolve(line, np.ones(9), "same"))))
    spectrum = np.abs(np.fft.rfft(line * window, _SPECTRUM))
    cycles = np.arange(len(spectrum)) * OVERSAMPLED / _SPECTRUM
    kept = cycles <= 1.0
    cycles, spectrum = cycles[kept], spectrum[kept] / spectrum[0]
    lost = np.sinc(cycles * 2 / OVERSAMPLED) * np.sinc(cycles / OVERSAMPLED)
    curve = spectrum / lost
    below = np.flatnonzero(curve < 0.5)
    if not below.size:
        raise refused(Refusal.NO_EDGE)
    at = int(below[0])
    fall = (curve[at - 1] - curve[at]) / (cycles[at] - cycles[at - 1])
    half_at = float(cycles[at - 1] + (curve[at - 1] - 0.5) / fall)
    if len(profile) / OVERSAMPLED / 2 < SPREADS_MIN * SPREAD_CY / half_at:
        raise refused(Refusal.TOO_BLURRED)
    # Noise of every bin's mean through difference, window and spectrum; half of it is radial.
    through = np.sin(2 * np.pi * half_at / OVERSAMPLED) / float(np.interp(half_at, cycles, lost))
    scattered = noise * abs(through) * float(np.sqrt((window**2 / counts[1:-1]).sum() / 2))
    uncertainty = float(np.hypot(scattered / fall, SYSTEMATIC * half_at))
    every = max(1, len(cycles) // 128)
    pairs = zip(cycles[::every].tolist(), curve[::every].tolist(), strict=True)
    return Edge(
        half_at, uncertainty, tuple(pairs), float(curve[cycles <= 0.5].max()), angle_deg,
        contrast, noise,
    )  # fmt: skip


def _flat_top(length: int, peak: int) -> Line:
    """Return a window about the peak: flat over its inner half, falling as Hann's to the ends."""
    places = np.abs(np.arange(length) - peak) / max(1, min(peak, length - 1 - peak))
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.clip(2 * places - 1, 0, 1)), np.float64)

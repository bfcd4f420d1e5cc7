"""Light that changes with the mains: from frame to frame, and in bands across one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.optics.even_sheet import even_light, pixel_noise
from quality.optics.grey_card import CARD_SHARE
from quality.optics.light import Picture, luminance, middle_box
from quality.optics.noise import require_alike
from quality.optics.refusal import Refusal, refused

FRAMES_MIN: Final = 10
GAP_MAX_S: Final = 1.0
ANOTHER_SURFACE: Final = 0.25
BANDS_MIN: Final = 2.0
"""Fewer bands in the height of the picture are a fall of light, not a band."""
_CYCLES: Final = np.linspace(0.05, 0.5, 451)


@dataclass(frozen=True, slots=True)
class Flicker:
    """How the light changes.

    Attributes:
        depth_percent: 100 (max - min) / (max + min) of the frames' mean linear light.
        depth_sd_percent: standard uncertainty.
        beat_hz: strongest frequency of the frames' means; a lamp's own may be that plus any
            multiple of the frame rate. None where no frequency stands out.
        banding_percent: amplitude of the strongest band over rows, over their mean light.
        banding_sd_percent: standard uncertainty.
        bands: how many lie in the height of the picture; None where none stands out.
        frames: how many.
    """

    depth_percent: float
    depth_sd_percent: float
    beat_hz: float | None
    banding_percent: float
    banding_sd_percent: float
    bands: float | None
    frames: int


def measure_flicker(
    frames: Sequence[Picture], times_s: Sequence[float], share: float = CARD_SHARE
) -> Flicker:
    """Return how the light changes over these frames.

    Args:
        frames: 10 or more of one size, exposure held; a grey card in the middle, and in its columns
            a sheet or a plain wall from top to bottom for the bands.
        times_s: when each was taken.
        share: of width and height that the card fills.

    Raises:
        CannotAssess: too_few_frames, sizes_differ, no_chart, over_exposed, under_exposed,
            too_noisy, too_small.
    """
    require_alike(frames, FRAMES_MIN)
    gaps = np.diff(np.asarray(times_s, np.float64))
    if len(times_s) != len(frames) or (gaps <= 0).any() or (gaps > GAP_MAX_S).any():
        raise refused(Refusal.TOO_FEW_FRAMES)
    box = middle_box(frames[0], share)
    left, top, right, bottom = box
    noise = pixel_noise(even_light(frames[0], box))
    columns = [luminance(one[:, left:right]) for one in frames]
    means = np.array([float(one[top:bottom].mean(dtype=np.float64)) for one in columns])
    mean, pixels = float(means.mean()), (right - left) * (bottom - top)
    low, high = float(means.min()), float(means.max())
    mean_sd = float(np.hypot(noise, 0.29 / 255 / 4)) / np.sqrt(pixels) / mean
    beat_hz, amplitude = _beat(means, np.asarray(times_s, np.float64))
    rows = np.stack([one.mean(axis=1, dtype=np.float64) for one in columns])
    even = _even_rows(rows.mean(axis=0), (top + bottom) // 2)
    depth, bands = _bands(rows[:, even], rows.shape[1])
    row_sd = noise / mean / np.sqrt(right - left)
    return Flicker(
        100 * (high - low) / (high + low), 100 * np.sqrt(2) * mean_sd,
        beat_hz if amplitude > 4 * mean_sd + 2e-4 else None,
        100 * depth, 100 * row_sd * np.sqrt(2 / rows.shape[1] / len(rows)) + 0.02,
        bands if depth > 1e-3 + 4 * row_sd * np.sqrt(2 / rows.shape[1]) else None,
        len(frames),
    )  # fmt: skip


def _beat(means: npt.NDArray[np.float64], times_s: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the frequency that fits best, and its amplitude over the mean."""
    rate = 1 / float(np.median(np.diff(times_s)))
    level = means - means.mean()
    best = (0.0, 0.0)
    for cycles in _CYCLES * rate:
        angle = 2 * np.pi * cycles * times_s
        terms = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        found = np.linalg.lstsq(terms, level, rcond=None)[0]
        power = float(np.sum((terms @ found) ** 2))
        if power > best[1]:
            best = (float(cycles), power)
    return best[0], float(np.sqrt(2 * best[1] / len(means))) / float(means.mean())


def _even_rows(profile: npt.NDArray[np.float64], middle: int) -> slice:
    """Return the rows about the middle that belong to one surface: above and below is another."""
    around = float(np.median(profile[max(0, middle - 20) : middle + 20]))
    other = np.flatnonzero(np.abs(profile / around - 1) > ANOTHER_SURFACE)
    before, after = other[other < middle], other[other > middle]
    return slice(
        int(before[-1]) + 1 if before.size else 0, int(after[0]) if after.size else len(profile)
    )


def _bands(rows: npt.NDArray[np.float64], of_rows: int) -> tuple[float, float]:
    """Return relative amplitude of the strongest bands, and how many the whole height has."""
    height = rows.shape[1]
    places = np.linspace(-1, 1, height)
    terms = np.stack([places**n for n in range(4)], axis=1)
    fall = np.linalg.lstsq(terms, rows.T, rcond=None)[0]
    relative = rows / (terms @ fall).T - 1
    window = np.hanning(height)
    spectrum = np.abs(np.fft.rfft(relative * window, 8 * height, axis=1)) * 2 / window.sum()
    # Bands wander from frame to frame: their strengths are averaged, not the rows.
    strength = np.sqrt((spectrum**2).mean(axis=0))
    first = round(8 * BANDS_MIN)
    at = first + int(np.argmax(strength[first : 8 * height // 4]))
    return float(strength[at]), at / 8 * of_rows / height

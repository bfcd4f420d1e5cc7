"""Slanted edges by formula, and what their MTF50 must be. Shares no code with lens or measure."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

Light = npt.NDArray[np.float64]

SAMPLES: Final = 16
_STEP: Final = 0.002


def drawn_edge(
    sigma_px: float,
    angle_deg: float,
    size_px: tuple[int, int] = (64, 64),
    levels: tuple[float, float] = (0.1, 0.8),
    place_px: float = 0.3,
) -> Light:
    """Return (height, width) of linear light: a Gaussian edge through each pixel's square aperture.

    Args:
        sigma_px: of the lens's blur, across the edge.
        angle_deg: of the edge against the vertical.
        size_px: width and height.
        levels: light on the left and on the right.
        place_px: of the edge beside the middle.
    """
    width, height = size_px
    angle = math.radians(angle_deg)
    within = (np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5
    x = (np.arange(width)[:, None] + within).ravel() - width / 2 - place_px
    y = (np.arange(height)[:, None] + within).ravel() - height / 2
    across = x[None, :] * math.cos(angle) + y[:, None] * math.sin(angle)
    far = np.arange(-60.0, 60.0, _STEP)
    rise = np.array([0.5 * math.erfc(-one / (sigma_px * math.sqrt(2))) for one in far.tolist()])
    samples = np.interp(across, far, rise)
    pixels = samples.reshape(height, SAMPLES, width, SAMPLES).mean(axis=(1, 3))
    return np.asarray(levels[0] + (levels[1] - levels[0]) * pixels, np.float64)


def as_levels(light: Light, noise_levels: float = 0.0, seed: int = 1) -> npt.NDArray[np.uint8]:
    """Return what a camera of 8 bits delivers. Source: IEC 61966-2-1."""
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.abs(light) ** (1 / 2.4) - 0.055)
    noise = np.random.default_rng(seed).normal(0, noise_levels, light.shape)
    return np.clip(np.rint(255 * curve + noise), 0, 255).astype(np.uint8)


def true_mtf50(sigma_px: float, angle_deg: float = 0.0) -> float:
    """Return where the contrast of such an edge is one half, in cycles a pixel across it.

    A Gaussian's spectrum times that of a square aperture seen under the edge's angle.
    """
    cycles = np.arange(0.0, 2.0, 1e-4)
    angle = math.radians(angle_deg)
    aperture = np.sinc(cycles * math.cos(angle)) * np.sinc(cycles * math.sin(angle))
    left = np.exp(-2 * (math.pi * sigma_px * cycles) ** 2) * np.abs(aperture)
    return float(cycles[np.argmax(left < 0.5)])


def true_mtf50_of_two(sigmas_px: tuple[float, float], share: float, angle_deg: float) -> float:
    """Return the same where two blurs lie over each other, the second with this share."""
    cycles = np.arange(0.0, 2.0, 1e-4)
    angle = math.radians(angle_deg)
    aperture = np.sinc(cycles * math.cos(angle)) * np.sinc(cycles * math.sin(angle))
    first, second = (np.exp(-2 * (math.pi * one * cycles) ** 2) for one in sigmas_px)
    left = ((1 - share) * first + share * second) * np.abs(aperture)
    return float(cycles[np.argmax(left < 0.5)])

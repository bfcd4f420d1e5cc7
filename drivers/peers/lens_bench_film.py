"""A simulated reader's glass with known truth: films of lines, bars, steps, and nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from drivers.fingerprint import FingerImage

Levels = npt.NDArray[np.float64]

FINE: Final = 8
"""Samples of one pixel, across and down."""
MM_PER_INCH: Final = 25.4


@dataclass(frozen=True, slots=True)
class FilmTruth:
    """All that decides a reader's picture.

    Attributes:
        ppi: true resolution; `said_ppi` is what the reader says of itself.
        angle_deg: of lines against the vertical.
        blur_sigma_px: of the reader's optics.
        noise_sigma: in levels.
        white, black: levels of a bare and a dark film.
        gamma: 1 is a straight rise of the levels; other values bend it.
        dead_share: of pixels that stay dark.
        residue_levels: amplitude of an old print's ridges on the blank glass.
    """

    ppi: float = 500.0
    said_ppi: int = 500
    angle_deg: float = 1.0
    blur_sigma_px: float = 0.5
    noise_sigma: float = 1.0
    white: float = 235.0
    black: float = 30.0
    gamma: float = 1.0
    dead_share: float = 0.0
    residue_levels: float = 0.0


def lines(
    truth: FilmTruth, cycles_per_mm: float, size_px: tuple[int, int] = (256, 288), look: int = 0
) -> FingerImage:
    """Return dark and light bars of equal width, so many pairs a millimetre."""
    width, height = size_px
    angle = np.radians(truth.angle_deg)
    x = (np.arange(width * FINE) + 0.5) / FINE
    y = (np.arange(height * FINE) + 0.5) / FINE
    per_px = cycles_per_mm * MM_PER_INCH / truth.ppi
    phase = (x * np.cos(angle) + (y * np.sin(angle))[:, None]) * per_px
    bars = ((phase % 1.0) < 0.5).astype(np.float32)
    if truth.blur_sigma_px > 0:
        bars = np.asarray(cv2.GaussianBlur(bars, (0, 0), truth.blur_sigma_px * FINE), np.float32)
    seen = cv2.resize(bars, (width, height), interpolation=cv2.INTER_AREA)
    return _image(_curve(truth, np.asarray(seen, np.float64)), truth, look)


def step(
    truth: FilmTruth, reflectance: float, size_px: tuple[int, int] = (256, 288), look: int = 0
) -> FingerImage:
    """Return one grey step that fills the window."""
    even = np.full((size_px[1], size_px[0]), reflectance)
    return _image(_curve(truth, even), truth, look)


def blank(truth: FilmTruth, size_px: tuple[int, int] = (256, 288), look: int = 0) -> FingerImage:
    """Return a look at the empty glass, with what dirt and dead pixels it has."""
    width, height = size_px
    rows, columns = np.indices((height, width))
    # Ridges of about half a millimetre over the middle, as a finger leaves them.
    period = 0.5 * truth.ppi / MM_PER_INCH
    centre = np.hypot(rows - height / 2, columns - width / 3)
    left = truth.residue_levels * np.cos(2 * np.pi * centre / period)
    level = truth.white - np.where(centre < 0.2 * width, truth.residue_levels + left, 0.0)
    picture = _image(level, truth, look)
    if truth.dead_share <= 0:
        return picture
    pixels = bytearray(picture.pixels)
    # Apart from each other: a group of them would be dirt.
    every = max(1, round(1 / truth.dead_share))
    for place in range(every // 2, len(pixels), every):
        pixels[place] = 0
    return FingerImage(bytes(pixels), width, height, truth.said_ppi)


def _curve(truth: FilmTruth, light: Levels) -> Levels:
    bent = np.clip(light, 0, 1) ** truth.gamma
    return np.asarray(truth.black + (truth.white - truth.black) * bent, np.float64)


def _image(levels: Levels, truth: FilmTruth, look: int) -> FingerImage:
    noise = np.random.default_rng((3, look)).standard_normal(levels.shape) * truth.noise_sigma
    pixels = np.clip(np.rint(levels + noise), 0, 255).astype(np.uint8)
    height, width = pixels.shape
    return FingerImage(pixels.tobytes(), width, height, truth.said_ppi)

"""Whether an even sheet fills a part of the picture, as a grey card does and a face does not."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from quality.optics.light import Box, Picture, Plane, cut, luminance
from quality.optics.refusal import Refusal, refused

BLOCKS: Final = 12
UNEVEN_MAX: Final = 0.03
"""[ours] What a smooth surface leaves of the blocks' means, over their mean."""
STEP_MAX: Final = 0.05
"""[ours] Within one block once its own slope is off: halves of a block apart."""
NOISE_MAX: Final = 0.45
"""[ours] Pixel against pixel, over the mean: no sensor that may be used is so bad."""
DARK: Final = 0.012
CLIPPED_MAX: Final = 0.10


def even_light(picture: Picture, box: Box) -> Plane:
    """Return the luminance in the box, once it is sure that one even sheet fills it.

    A smooth fall of light over the sheet is allowed: that is what is to be measured.

    Raises:
        CannotAssess: no_chart, over_exposed, under_exposed, too_noisy, too_small.
    """
    levels = cut(picture, box)
    if min(levels.shape[:2]) < 2 * BLOCKS:
        raise refused(Refusal.TOO_SMALL)
    light = luminance(levels)
    blocks = block_means(light)
    smooth = _smooth(blocks)
    mean = float(blocks.mean())
    uneven = float(np.sqrt(np.mean((blocks - smooth) ** 2))) / max(mean, 1e-6)
    size = levels.shape[0] * levels.shape[1] / BLOCKS**2
    noise = pixel_noise(light) / max(mean, 1e-6)
    if float((levels == 255).any(axis=2).mean()) > CLIPPED_MAX:
        raise refused(Refusal.OVER_EXPOSED)
    if mean < DARK:
        raise refused(Refusal.UNDER_EXPOSED)
    if noise > NOISE_MAX:
        raise refused(Refusal.TOO_NOISY)
    # The noise of a block's mean is no unevenness of the sheet.
    if uneven > UNEVEN_MAX + 3 * noise / np.sqrt(size) or _steps(light, noise) > STEP_MAX:
        raise refused(Refusal.NO_CHART)
    return light


def block_means(light: Plane) -> Plane:
    """Return the means of 12 x 12 blocks."""
    return np.asarray(cv2.resize(light, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA), np.float32)


def pixel_noise(light: Plane) -> float:
    """Return the standard deviation from pixel to pixel, without what changes slowly.

    Source: J. Immerkaer, "Fast noise variance estimation" (1996).
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    found = cv2.filter2D(light, cv2.CV_32F, kernel)[1:-1, 1:-1]
    return float(np.sqrt(np.mean(np.square(found, dtype=np.float64))) / 6)


def surface(shape: tuple[int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return (rows * columns, 6): a constant, both slopes and three bends, over -1..1."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)


def _smooth(blocks: Plane) -> Plane:
    terms = surface((BLOCKS, BLOCKS))
    found = np.linalg.lstsq(terms, blocks.ravel().astype(np.float64), rcond=None)[0]
    return np.asarray((terms @ found).reshape(blocks.shape), np.float32)


def _steps(light: Plane, noise: float) -> float:
    """Return how much finer blocks differ from a smooth sheet, beyond noise, over the mean."""
    side = 4 * BLOCKS
    fine = cv2.resize(light, (side, side), interpolation=cv2.INTER_AREA)
    around = cv2.GaussianBlur(fine, (0, 0), 2.0)
    inner = (fine - around)[4:-4, 4:-4]
    of_noise = noise / np.sqrt(max(1.0, light.size / side**2))
    found = float(np.sqrt(np.mean(np.square(inner, dtype=np.float64)))) / float(fine.mean())
    return float(np.sqrt(max(0.0, found**2 - of_noise**2)))

"""Faults of light, painted: too little, too much, from one side, of one colour."""

from __future__ import annotations

from typing import Final

import numpy as np

from accuracy.canvas import Canvas, Floats, Landmarks, Picture, encoded, linear

_READ_NOISE: Final = 0.004
_WARM: Final = np.array([0.75, 0.22, 0.0], np.float32)
"""Shares of blue, green and red that a warm lamp lacks."""


def dark(bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float) -> Picture:
    """Take the lamps away, down to a thirtieth of the light, with the noise that then remains."""
    noise = np.random.default_rng(51).normal(0, _READ_NOISE * strength, bgr.shape)
    return encoded((linear(bgr) * 10 ** (-1.5 * strength) + noise).astype(np.float32))


def over_exposed(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Expose until the brighter third of this very face is lost, whatever its skin."""
    bright = max(0.01, float(np.percentile(_face_light(bgr, landmarks_px), 70)))
    most = max(1.0, 1.3 / bright)
    return encoded(linear(bgr) * np.float32(1 + (most - 1) * strength))


def half_lit(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Take the light from that half of the person that has less of it already."""
    canvas = Canvas(bgr, landmarks_px, seed=52, reach=6.0)
    across, _ = canvas.grid()
    cheeks = [canvas.shape(canvas.of(side)) > 0.5 for side in (range(17), range(16, 33))]
    grey = canvas.light.mean(axis=2)
    darker_is_left = grey[cheeks[0]].mean() < grey[cheeks[1]].mean()
    lit = 1 / (1 + np.exp((-across if darker_is_left else across) / 0.12))
    person = canvas.windowed(person_mask).astype(np.float32) / 255
    canvas.shade(((1 - lit) * person).astype(np.float32), 1 - 0.95 * strength)
    return canvas.finished()


def colour_cast(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Light the scene with a lamp that is warmer than the camera thinks."""
    return encoded(linear(bgr) * (1 - strength * _WARM))


def _face_light(bgr: Picture, landmarks_px: Landmarks) -> Floats:
    canvas = Canvas(bgr, landmarks_px, seed=0)
    face = canvas.light[canvas.shape(canvas.of(range(33))) > 0.5]
    return np.asarray(face.mean(axis=1) if face.size else canvas.light.ravel(), np.float32)

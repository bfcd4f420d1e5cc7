"""Contrast of colours, and of pixels, after WCAG 2.2 (relative luminance)."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def luminance(red: float, green: float, blue: float) -> float:
    """Relative luminance of a colour with parts from 0 to 1."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (red, green, blue)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(ink: str, paper: str) -> float:
    """Contrast ratio, 1 to 21, of two colours as a browser computes them.

    A colour that cannot be read, or that lies over a picture, has none: 0.
    """
    lights = []
    for colour in (ink, paper):
        found = re.fullmatch(r"rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(, [\d.]+)?\)", colour)
        if not found or (found[4] and float(found[4][2:]) < 1):
            return 0.0
        lights.append(luminance(*(float(part) / 255 for part in found.groups()[:3])))
    light, dark = max(lights), min(lights)
    return (light + 0.05) / (dark + 0.05)


def luminances(png: bytes) -> NDArray[np.float64]:
    """Relative luminance of each pixel of a screenshot, (height, width)."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    table = np.array([p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4
                      for p in np.arange(256) / 255])  # fmt: skip
    linear: NDArray[np.float64] = table[pixels] @ np.array([0.2126, 0.7152, 0.0722])
    return linear


def drawn_contrast(lights: NDArray[np.float64], box: Mapping[str, Any]) -> float:
    """Contrast of the darkest and the lightest pixels of a box: strokes against what is behind.

    Strokes of eight millimetres are several pixels wide, so their core has the ink's own colour;
    the outermost two in a thousand are left to chance.
    """
    rows = slice(max(0, round(box["top"])), round(box["bottom"]))
    columns = slice(max(0, round(box["left"])), round(box["right"]))
    part = lights[rows, columns]
    if part.size == 0:
        return 0.0
    dark, light = np.quantile(part, (0.002, 0.998))
    return float((light + 0.05) / (dark + 0.05))

"""Rendered presentation attacks: solid faces, prints and screens before two lamps.

A portrait gives the colours, a head of ellipsoid, nose and eye sockets the solid face; the same
portrait on a plane or a bent sheet is a print, one that shines by itself a screen. This is a
rendering: it shows what the check does with surfaces like these, not with people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from quality.attack.two_lights import Relief, relief
from quality.face.points import Points
from quality.measure import CannotAssess

Picture = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float64]
Surface = Literal["solid", "print", "bent print", "screen", "mask on a head"]

ROOM: Final = 0.35
LAMP: Final = 0.45
"""Light of the room, and what one lamp adds to a surface that faces it; 1.0 is full scale."""
LAMP_FROM: Final = (0.65, -0.15, 0.75)
"""Where a lamp stands, seen from the face: beside the screen, a little above the eyes."""
NOISE: Final = 1.5


@dataclass(frozen=True, slots=True)
class Scene:
    """One rendered try.

    Attributes:
        surface: what is held before the camera.
        tilt_deg: the sheet or head turned sideways.
        bend: of a bent print: its radius in eye distances, positive bulging to the camera.
        nose, wide: the nose's height and half width, in eye distances.
    """

    surface: Surface
    tilt_deg: float = 0.0
    bend: float = 3.0
    nose: float = 0.30
    wide: float = 0.18


def scenes(seed: int) -> Iterator[Scene]:
    """Return the scenes of one portrait, deterministic: flat noses and bent sheets among them."""
    dice = np.random.default_rng(seed)
    for surface in ("solid", "print", "bent print", "screen", "mask on a head"):
        for _ in range(3):
            bend = dice.choice([-1, 1]) * dice.uniform(1.0, 4.0)
            tilt_deg, nose, wide = dice.uniform((-20, 0.16, 0.14), (20, 0.38, 0.24))
            yield Scene(surface, float(tilt_deg), float(bend), float(nose), float(wide))


def photographed(
    bgr: Picture, landmarks_px: Points, scene: Scene, seed: int = 0
) -> tuple[Picture, Picture, Picture]:
    """Return the scene by room light, by the left and by the right lamp, with a sensor's noise."""
    colours = _linear(bgr)
    normals = _normals(bgr.shape[:2], landmarks_px, scene)
    dice = np.random.default_rng(seed)
    taken = []
    for side in (0, -1, 1):
        lamp = _lambert(normals, (side * LAMP_FROM[0], *LAMP_FROM[1:])) if side else 0.0
        if scene.surface == "screen":
            # It shines by itself; its dark glass gives a lamp's light back evenly and weakly.
            light = colours * 0.9 + 0.02 * LAMP * np.asarray(lamp)[..., None]
        else:
            light = colours * (ROOM + LAMP * np.asarray(lamp)[..., None])
        taken.append(_developed(light, dice))
    return taken[0], taken[1], taken[2]


def rates(portraits: list[tuple[dict[str, Any], Picture, Points]]) -> list[dict[str, Any]]:
    """Return rows {surface, n, called_solid, not_assessed, relief_min, relief_median, relief_max}.

    Args:
        portraits: label row, picture (height, width, 3) and landmarks (98, 2) of each; frontal
            ones, as guidance sees to it before anybody would be lit.
    """
    found: dict[str, list[Relief | None]] = {}
    for number, (_, bgr, landmarks_px) in enumerate(portraits):
        face, points_px = _face_alone(bgr, landmarks_px)
        for scene in scenes(number):
            three = photographed(face, points_px, scene, number)
            try:
                seen: Relief | None = relief(*three, points_px)
            except CannotAssess:
                seen = None
            found.setdefault(scene.surface, []).append(seen)
    return [_row(surface, reliefs) for surface, reliefs in found.items()]


def _face_alone(bgr: Picture, landmarks_px: Points) -> tuple[Picture, Points]:
    """Return the part of the picture that the spots lie in, to render no more than that."""
    low = np.maximum(np.floor(landmarks_px.min(axis=0)).astype(int) - 8, 0)
    high = np.ceil(landmarks_px.max(axis=0)).astype(int) + 8
    return bgr[low[1] : high[1], low[0] : high[0]], landmarks_px - low


def _row(surface: str, reliefs: list[Relief | None]) -> dict[str, Any]:
    values = sorted(one.value for one in reliefs if one)
    return {
        "surface": surface,
        "n": len(reliefs),
        "called_solid": sum(one.solid for one in reliefs if one),
        "not_assessed": sum(one is None for one in reliefs),
        "relief_min": values[0] if values else None,
        "relief_median": float(np.median(values)) if values else None,
        "relief_max": values[-1] if values else None,
    }


def _normals(shape: tuple[int, ...], landmarks_px: Points, scene: Scene) -> Field:
    """Return unit normals (height, width, 3), x to the right, y down, z to the camera."""
    left, right = landmarks_px[60:68].mean(axis=0), landmarks_px[68:76].mean(axis=0)
    apart = float(np.hypot(*(right - left)))
    middle, tip = (left + right) / 2, landmarks_px[54]
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    x, y = (columns - middle[0]) / apart, (rows - middle[1]) / apart
    if scene.surface in ("print", "screen"):
        height = np.zeros_like(x)
    elif scene.surface == "bent print":
        height = scene.bend - np.sign(scene.bend) * np.sqrt(np.maximum(scene.bend**2 - x**2, 0.01))
        height = -height
    else:
        height = _head(x, y, (tip[1] - middle[1]) / apart, scene)
    down, across = np.gradient(height, 1 / apart)
    tilt = np.radians(scene.tilt_deg)
    normals = np.dstack([-across, -down, np.ones_like(x)])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    turned = normals.copy()
    turned[..., 0] = np.cos(tilt) * normals[..., 0] + np.sin(tilt) * normals[..., 2]
    turned[..., 2] = -np.sin(tilt) * normals[..., 0] + np.cos(tilt) * normals[..., 2]
    return turned


def _head(x: Field, y: Field, tip_y: float, scene: Scene) -> Field:
    """Return a head's height over the picture's plane, in eye distances."""
    skull = 1.1 * np.sqrt(np.maximum(1 - (x / 1.25) ** 2 - ((y - 0.35) / 1.75) ** 2, 0.02))
    along = np.clip(y / max(tip_y, 0.1), 0, 1.15)
    under_tip = 1 / (1 + np.exp(np.clip((y - tip_y) / 0.03, -50, 50)))
    ridge = scene.nose * along * np.exp(-((x / scene.wide) ** 2)) * under_tip
    sockets = sum(np.exp(-(((x - side) / 0.2) ** 2) - (y / 0.16) ** 2) for side in (-0.5, 0.5))
    return np.asarray(skull + ridge - 0.08 * sockets)


def _lambert(normals: Field, towards: tuple[float, float, float]) -> Field:
    direction = np.array(towards) / np.linalg.norm(towards)
    return np.asarray(np.maximum(normals @ direction, 0), dtype=np.float64)


def _linear(bgr: Picture) -> Field:
    share = bgr.astype(np.float64) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def _developed(light: Field, dice: np.random.Generator) -> Picture:
    share = np.clip(light, 0, 1)
    coded = np.where(share <= 0.0031308, 12.92 * share, 1.055 * share ** (1 / 2.4) - 0.055)
    return np.clip(255 * coded + dice.normal(0, NOISE, light.shape), 0, 255).astype(np.uint8)

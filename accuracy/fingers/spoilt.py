"""Prints spoilt by another hand than the one that draws conditions: limits never saw these.

Each takes a plain press and does to it what skin, glass or motion may do, in a way of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from accuracy.fingers.drawn import Pixels
from drivers.peers.synthetic_prints import PAPER
from quality.finger.causes import Cause

Plane = npt.NDArray[np.float32]
Spoiler = Callable[[Plane, np.random.Generator], Plane]

ARC_STEPS: Final = 9


def spoilt(print_: Pixels, how: str, seed: int) -> Pixels:
    """Return this press, spoilt in one of `SPOILT`'s ways."""
    rng = np.random.default_rng([seed, list(SPOILT).index(how)])
    plane = SPOILT[how][0](print_.astype(np.float32), rng)
    return np.asarray(np.clip(np.rint(plane), 0, 255), np.uint8)


def _slid(turn_deg: float) -> Spoiler:
    """Let the finger roll about a joint far below the window while it is scanned."""

    def slide(plane: Plane, rng: np.random.Generator) -> Plane:
        high, wide = plane.shape
        joint = (wide * float(rng.uniform(0.2, 0.8)), high * 1.6)
        turns = np.linspace(-turn_deg / 2, turn_deg / 2, ARC_STEPS)
        frames = [_turned(plane, joint, float(turn)) for turn in turns]
        return np.asarray(np.mean(frames, axis=0), np.float32)

    return slide


def _turned(plane: Plane, about: tuple[float, float], turn_deg: float) -> Plane:
    matrix = cv2.getRotationMatrix2D(about, turn_deg, 1.0)
    size = plane.shape[::-1]
    return np.asarray(
        cv2.warpAffine(plane, matrix, size, borderMode=cv2.BORDER_REFLECT_101), np.float32
    )


def _specks(share: float) -> Spoiler:
    """Leave white specks of 2 px where dry skin does not touch."""

    def speckle(plane: Plane, rng: np.random.Generator) -> Plane:
        high, wide = plane.shape
        specks = rng.random((high // 2, wide // 2)) < share
        return np.where(np.kron(specks, np.ones((2, 2), np.bool_)), np.float32(PAPER), plane)

    return speckle


def _thickened(size_px: int) -> Spoiler:
    """Let moisture widen the ridges."""
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size_px, size_px))
    return lambda plane, _: np.asarray(cv2.erode(plane, round_), np.float32)


def _cut(kept: float) -> Spoiler:
    """Leave glass beyond a straight edge, wherever it lies."""

    def cut(plane: Plane, rng: np.random.Generator) -> Plane:
        high, wide = plane.shape
        down, across = np.mgrid[:high, :wide]
        way = float(rng.uniform(0, 2 * np.pi))
        along = (across / wide) * np.cos(way) + (down / high) * np.sin(way)
        return np.where(along > np.quantile(along, kept), np.float32(PAPER), plane)

    return cut


def _tip(plane: Plane, _: np.random.Generator) -> Plane:
    """Leave a small round contact in the middle."""
    high, wide = plane.shape
    down, across = np.mgrid[:high, :wide]
    away = np.hypot((across - wide / 2) / wide, (down - high / 2) / high)
    return np.where(away > 0.36, np.float32(PAPER), plane)


def _flattened(plane: Plane, rng: np.random.Generator) -> Plane:
    """Take most of the ridges' height away and leave the grain of the skin."""
    shade = cv2.GaussianBlur(plane, (0, 0), 6.0)
    grain = cv2.GaussianBlur(rng.normal(0, 1, plane.shape).astype(np.float32), (0, 0), 0.9)
    grain = 22.0 * grain / grain.std()
    return np.asarray(shade + 0.38 * (plane - shade) + grain, np.float32)


def _paled(plane: Plane, _: np.random.Generator) -> Plane:
    """Take contrast alone: nothing that a person could do better."""
    return np.asarray(PAPER + 0.5 * (plane - PAPER), np.float32)


SPOILT: Final[dict[str, tuple[Spoiler, Cause | None]]] = {
    "rolled by 1.2 degrees": (_slid(1.2), Cause.MOVED),
    "rolled by 2.4 degrees": (_slid(2.4), Cause.MOVED),
    "white specks, 15 %": (_specks(0.15), Cause.DRY),
    "white specks, 30 %": (_specks(0.30), Cause.DRY),
    "ridges thickened, 3 px": (_thickened(3), Cause.WET),
    "ridges thickened, 5 px": (_thickened(5), Cause.WET),
    "cut, 60 % kept": (_cut(0.60), Cause.PARTIAL),
    "cut, 45 % kept": (_cut(0.45), Cause.PARTIAL),
    "a round tip": (_tip, Cause.LIGHT),
    "ridges flattened": (_flattened, Cause.WORN),
    "contrast halved": (_paled, None),
}
"""Each with the cause that it ought to be told by."""

"""Drawn fingers and their presses as a reader delivers them; each is grown once a run."""

from __future__ import annotations

from functools import cache

import numpy as np

from drivers.fingerprint import FingerImage
from drivers.peers.synthetic_prints import Finger, grow, press

WIDTH_PX, HEIGHT_PX = 256, 288


@cache
def finger(seed: int) -> Finger:
    return grow(seed, WIDTH_PX, HEIGHT_PX)


@cache
def pressed(seed: int, number: int = 0, condition: str = "plain") -> FingerImage:
    return image_of(press(finger(seed), number, condition))


def image_of(grey: np.ndarray, ppi: int = 500) -> FingerImage:
    height_px, width_px = grey.shape
    return FingerImage(np.ascontiguousarray(grey).tobytes(), width_px, height_px, ppi)

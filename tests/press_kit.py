"""Drawn fingers and their presses as a reader delivers them; each is grown once a run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from drivers.fingerprint import FingerImage
from drivers.peers.synthetic_prints import Finger, grow, press
from quality.finger.causes import Cause
from quality.finger.gates import gate_readings, refusal
from quality.finger.print import Print

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


def retry_cause(seen: Print, earlier: Sequence[Print] = ()) -> Cause | None:
    """Return what the gates ask for instead of this picture; None if it may be judged."""
    return refusal(gate_readings(seen, earlier), seen)

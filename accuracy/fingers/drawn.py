"""Drawn fingers, as a reader with 4 or 8 bits a pixel delivers them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.fingerprint import FingerImage
from drivers.peers.synthetic_prints import CONDITIONS, Finger, grow, press
from quality.finger.print import PPI

Pixels = npt.NDArray[np.uint8]
Window = tuple[int, int]

SMALL: Final[Window] = (256, 288)
LARGE: Final[Window] = (256, 360)
PLAIN: Final = "plain"
HARMS: Final = tuple(one for one in CONDITIONS if one != PLAIN)
SEVERITIES: Final = (0.7, 1.0, 1.4)
CLEARLY: Final = 1.0
"""The severity at which a condition is clearly poor."""

HELD_OUT: Final = tuple(range(121, 201, 2))
"""Seeds of the fingers that are reported on: limits were chosen on even seeds below 120, and odd
ones below 120 were looked at."""


@lru_cache(maxsize=8)
def finger(seed: int, window: Window) -> Finger:
    """Grow a finger; the next call for it is free while few others were asked for."""
    return grow(seed, *window)


def pressed(
    seed: int, window: Window = SMALL, condition: str = PLAIN, severity: float = CLEARLY,
    number: int = 1,
) -> Pixels:  # fmt: skip
    """Return one press as (height, width), 8 bits."""
    return press(finger(seed, window), number, condition, severity)


def conditions() -> Iterator[tuple[str, float]]:
    """Every condition with every severity; plain once."""
    yield PLAIN, 0.0
    for condition in HARMS:
        for severity in SEVERITIES:
            yield condition, severity


def four_bits(pixels: Pixels) -> Pixels:
    """Return what is left of 8 bits after a 4-bit line: 16 levels."""
    return np.asarray((pixels >> 4) * 17, np.uint8)


def image_of(pixels: Pixels, bits: int = 4, ppi: int = PPI) -> FingerImage:
    """Return the picture as a reader delivers it."""
    sent = four_bits(pixels) if bits == 4 else pixels
    return FingerImage(sent.tobytes(), sent.shape[1], sent.shape[0], ppi)

"""Pictures that are no press to keep, though a score alone might let them through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from accuracy.fingers.drawn import PLAIN, SMALL, Pixels, image_of, pressed
from drivers.fingerprint import FingerImage
from drivers.peers.synthetic_prints import PAPER

Plane = npt.NDArray[np.floating[Any]]

WIDTH_PX, HEIGHT_PX = SMALL
LATENT: Final = 0.35
"""What a print left on the glass keeps of its contrast."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the reader delivers, and what it delivered before; `number` seeds what is random."""

    image: FingerImage
    earlier: tuple[FingerImage, ...] = ()


def no_fingers(number: int) -> dict[str, Shown]:
    """Return one of each kind, alike for the same number."""
    seed = 2 * number + 401
    alone = {name: Shown(_image(make(seed))) for name, make in _ALONE.items()}
    return alone | {name: make(seed) for name, make in _AS_DELIVERED.items()}


def latent(before: Pixels, seed: int) -> Plane:
    """Return what a press leaves on the glass."""
    sensor = np.random.default_rng([seed, 2]).normal(0, 1.5, before.shape)
    return PAPER + LATENT * (before.astype(np.float64) - PAPER) + sensor


def beside(partial: Pixels, left: Plane) -> Plane:
    """Return a press over what was left: the darker of both, everywhere."""
    return np.minimum(partial.astype(np.float64), left)


def _image(plane: Plane) -> FingerImage:
    return image_of(_pixels(plane))


def _pixels(plane: Plane) -> Pixels:
    return np.asarray(np.clip(np.rint(plane), 0, 255), np.uint8)


def _latent(seed: int) -> Shown:
    before = pressed(seed)
    return Shown(_image(latent(before, seed)), (image_of(before),))


def _residue(seed: int) -> Shown:
    before = pressed(seed)
    shown = beside(pressed(seed + 1, condition="partial"), latent(before, seed))
    return Shown(_image(shown), (image_of(before),))


def _stuck(seed: int) -> Shown:
    before = pressed(seed).astype(np.float64)
    again = before + np.random.default_rng([seed, 3]).normal(0, 1.5, before.shape)
    return Shown(_image(again), (_image(before),))


def _scaled(seed: int, times: float) -> Pixels:
    size = (round(WIDTH_PX * times), round(HEIGHT_PX * times))
    how = cv2.INTER_AREA if times < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pressed(seed), size, interpolation=how), np.uint8)


def _noise(seed: int) -> Plane:
    return np.random.default_rng([seed, 4]).uniform(0, 255, (HEIGHT_PX, WIDTH_PX))


def _blurred_noise(seed: int) -> Plane:
    return np.asarray(cv2.GaussianBlur(_noise(seed), (0, 0), 2.0) * 4 - 384, np.float64)


def _noisy_print(seed: int) -> Plane:
    return 0.3 * pressed(seed) + 0.7 * _noise(seed)


def _print_of(condition: str) -> Callable[[int], Plane]:
    return lambda seed: pressed(seed, condition=condition).astype(np.float64)


def _inverted(condition: str) -> Callable[[int], Plane]:
    return lambda seed: 255.0 - pressed(seed, condition=condition)


def _half(seed: int) -> Plane:
    picture = pressed(seed).astype(np.float64)
    picture[HEIGHT_PX // 2 :] = PAPER
    return picture


def _axes() -> tuple[Plane, Plane]:
    down, across = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    return across.astype(np.float64), down.astype(np.float64)


def _stripes(seed: int) -> Plane:
    across, down = _axes()
    turn = seed * 0.7
    along = across * np.cos(turn) + down * np.sin(turn)
    return np.asarray(128 + 100 * np.sin(2 * np.pi * along / 9))


def _cloth(seed: int) -> Plane:
    weave = np.random.default_rng([seed, 5]).normal(0, 60, (HEIGHT_PX, WIDTH_PX))
    return _stripes(seed) + weave


def _rings(seed: int) -> Plane:
    across, down = _axes()
    centre = WIDTH_PX / 2 + seed % 7, HEIGHT_PX / 2 + seed % 5
    away = np.hypot(across - centre[0], down - centre[1])
    return np.asarray(128 + 100 * np.sin(2 * np.pi * away / 9))


def _gradient(seed: int) -> Plane:
    across, down = _axes()
    way = across if seed % 4 == 1 else down
    return np.asarray(255 * way / way.max())


_ALONE: Final[dict[str, Callable[[int], Plane]]] = {
    "noise": _noise,
    "blurred noise": _blurred_noise,
    "noise over a print": _noisy_print,
    "inverted, finger fills the window": _inverted(PLAIN),
    "inverted, some glass around it": _inverted("light"),
    "half a print": _half,
    "moved": _print_of("smear"),
    "stripes": _stripes,
    "cloth": _cloth,
    "rings": _rings,
    "blank": lambda _: np.full((HEIGHT_PX, WIDTH_PX), PAPER),
    "black": lambda _: np.zeros((HEIGHT_PX, WIDTH_PX)),
    "gradient": _gradient,
    "faint": lambda seed: PAPER + 0.15 * (pressed(seed) - PAPER),
}

_AS_DELIVERED: Final[dict[str, Callable[[int], Shown]]] = {
    "left on the glass, faded": _latent,
    "left on the glass, beside a finger in part": _residue,
    "the same frame again": _stuck,
    "half size, called 500 ppi": lambda seed: Shown(image_of(_scaled(seed, 0.5))),
    "double size, called 500 ppi": lambda seed: Shown(image_of(_scaled(seed, 2.0))),
}

KINDS: Final = (*_ALONE, *_AS_DELIVERED)

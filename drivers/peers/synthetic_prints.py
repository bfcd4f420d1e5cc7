"""Synthetic fingerprints for peers, tests and the demo: no picture made here belongs to a person.

The same seed, size and resolution is the same finger; another press number is another press of it:
shifted, turned, stretched, with fresh noise. The result depends on nothing but the arguments, yet
another OpenCV or numpy build may round differently: compare scores, never hashes of the picture.

1. an orientation field from the positions of the cores and deltas (Sherlock and Monro), or an arch;
2. ridges grown from noise by repeated filtering with Gabor kernels along that field (SFinGe);
3. a press: skin state and pressure decide how wide and how complete the ridges print.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

KINDS: Final = ("left_loop", "right_loop", "whorl", "arch")
CONDITIONS: Final = ("plain", "dry", "wet", "worn", "light", "partial", "smear")
KIND_SHARE: Final = (0.32, 0.32, 0.28, 0.08)  # roughly how often each pattern occurs
PAPER: Final = 243.0  # grey level of untouched glass
ORIENTATIONS: Final = 24  # kernels over half a turn, 7.5 degrees apart
ROUNDS: Final = 16  # growing rounds; more change little
BEND: Final = 0.32  # radians by which a finger strays from its ideal pattern
MARGIN: Final = 24  # pixels grown beyond the picture, so that a shifted press has skin to show


@dataclass(frozen=True)
class Finger:
    """One finger: its ridges from -1 (valley) to +1 (ridge), with a margin on every side."""

    seed: int
    width: int
    height: int
    ppi: int
    kind: str
    period: float
    ridges: Field


def grow(
    seed: int, width: int = 256, height: int = 360, ppi: int = 500, kind: str | None = None
) -> Finger:
    """Grow the finger that belongs to this seed.  About half a second for 256 x 360."""
    if not (96 <= width <= 1024 and 96 <= height <= 1024):
        raise ValueError("width and height must lie between 96 and 1024")
    if not 200 <= ppi <= 1200:
        raise ValueError("ppi must lie between 200 and 1200")
    rng = np.random.default_rng([seed, 0x5EED])
    drawn = KINDS[int(rng.choice(len(KINDS), p=KIND_SHARE))]
    kind = kind or drawn
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    scale = ppi / 500.0
    period = float(rng.uniform(8.4, 9.8)) * scale
    theta = _orientation(rng, kind, width, height, scale)
    ridges = _ridges(rng, theta, period)
    return Finger(seed, width, height, ppi, kind, period, ridges)


def press(
    finger: Finger, number: int = 0, condition: str = "plain", severity: float = 1.0
) -> Image:
    """Press the finger on the glass and return the 8-bit picture, ridges dark.

    ``severity`` scales the harm a condition does: 0 is a plain press, 1 is clearly poor.
    """
    if condition not in CONDITIONS:
        raise ValueError(f"condition must be one of {', '.join(CONDITIONS)}")
    if not 0.0 <= severity <= 2.0:
        raise ValueError("severity must lie between 0 and 2")
    harm = 0.0 if condition == "plain" else severity
    rng = np.random.default_rng([finger.seed, number, CONDITIONS.index(condition), 0xF1])
    scale = finger.ppi / 500.0
    skin = _placed(rng, finger, number, scale)
    grain = _noise(rng, skin.shape, 1.1 * scale)  # pores and sensor grain
    patches = _noise(rng, skin.shape, 14.0 * scale)  # uneven skin

    skin = 0.80 * skin
    level = 0.40 * grain + 0.25 * patches  # added to the ridges before they print
    offset, gain, contrast, blur = -0.25, 1.7, 0.90, 0.7 * scale
    if condition == "dry":
        # Ridges touch only at their crests and break up, in some places altogether.
        flakes = _noise(rng, skin.shape, 2.0 * scale)
        level += harm * (0.92 * flakes + 0.42 * patches)
        offset, contrast = offset - 0.39 * harm, contrast - 0.20 * harm
    elif condition == "wet":
        # Moisture fills the valleys: only bright dashes of them are left; pools drown the rest.
        drops = _noise(rng, skin.shape, 2.2 * scale)
        pools = _noise(rng, skin.shape, 9.0 * scale)
        level += harm * (0.82 * drops + 0.45 * pools)
        offset, blur = offset + 0.90 * harm, (0.7 + 0.35 * harm) * scale
    elif condition == "worn":
        skin = skin * max(1.0 - 0.38 * harm, 0.05)
        level += harm * (0.12 * grain + 0.14 * patches)
        contrast -= 0.25 * harm
    elif condition == "light":
        offset, contrast = offset - 0.15 * harm, contrast - 0.30 * harm

    print_ = cv2.GaussianBlur(skin + level + offset, (0, 0), blur)
    grey = 128.0 - 98.0 * np.tanh(gain * print_)
    if condition == "worn":
        grey = _creases(rng, grey, harm, scale)
    grey = PAPER - (PAPER - grey) * max(contrast, 0.05)
    if condition == "smear":
        grey = _smeared(rng, grey, harm, scale)
    touch = _touch(rng, finger, condition, harm)
    glass = PAPER + rng.normal(0.0, 1.6, grey.shape)
    grey = touch * grey + (1.0 - touch) * glass
    return np.asarray(np.clip(np.rint(grey), 0, 255), dtype=np.uint8)


def _orientation(
    rng: np.random.Generator, kind: str, width: int, height: int, scale: float
) -> Field:
    """Ridge direction in radians at every pixel, margin included, y downwards."""
    theta = _pattern(rng, kind, width, height, scale)
    # Without this bend, fingers of one kind would resemble each other more than real ones do.
    sway = cv2.resize(_noise(rng, (10, 8), 1.5), theta.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(theta + BEND * sway, np.float32)


def _pattern(rng: np.random.Generator, kind: str, width: int, height: int, scale: float) -> Field:
    """The ideal field of this kind of finger, from its cores and deltas."""
    wide, high = width + 2 * MARGIN, height + 2 * MARGIN
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    centre_x = wide / 2 + float(rng.normal(0, 12)) * scale
    centre_y = MARGIN + height * 0.43 + float(rng.normal(0, 12)) * scale
    if kind == "arch":
        rise = float(rng.uniform(1.1, 1.6))
        across = (x - centre_x) / (width * 0.62)
        down = np.clip((y - MARGIN) / height, 0.0, 1.0)
        bend = rise * np.exp(-(((down - 0.55) / 0.33) ** 2))
        return np.asarray(np.arctan(bend * np.sin(np.pi * np.clip(across, -1, 1))), np.float32)
    side = 1.0 if kind == "right_loop" else -1.0
    if kind == "whorl":
        gap = float(rng.uniform(9, 17)) * scale
        lean = float(rng.normal(0, 4)) * scale
        cores = [(centre_x - lean, centre_y - gap), (centre_x + lean, centre_y + gap)]
        reach, drop = float(rng.uniform(80, 95)) * scale, float(rng.uniform(100, 125)) * scale
        deltas = [(centre_x - reach, centre_y + drop), (centre_x + reach, centre_y + drop)]
    else:
        cores = [(centre_x, centre_y)]
        reach, drop = float(rng.uniform(58, 92)) * scale, float(rng.uniform(85, 130)) * scale
        deltas = [(centre_x + side * reach, centre_y + drop)]
    theta = np.zeros((high, wide), np.float32)
    for core_x, core_y in cores:
        theta += 0.5 * np.arctan2(y - core_y, x - core_x)
    for delta_x, delta_y in deltas:
        theta -= 0.5 * np.arctan2(y - delta_y, x - delta_x)
    return theta


def _ridges(rng: np.random.Generator, theta: Field, period: float) -> Field:
    """Grow ridges of this period along the field."""
    radius = round(1.15 * period)
    size = 2 * radius + 1
    kernels: list[Field] = []
    for k in range(ORIENTATIONS):
        across = np.pi * k / ORIENTATIONS + np.pi / 2
        kernel = cv2.getGaborKernel((size, size), 0.42 * period, across, period, 1.0, 0, cv2.CV_32F)
        kernels.append(np.asarray(kernel - kernel.mean(), np.float32))
    index = np.rint((theta % np.pi) / np.pi * ORIENTATIONS).astype(int) % ORIENTATIONS
    zones = []
    for k in range(ORIENTATIONS):
        mask = index == k
        if mask.any():
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            zones.append((k, mask, rows[0], rows[-1] + 1, columns[0], columns[-1] + 1))
    sparse = rng.random(theta.shape) < 0.02
    field = np.asarray(rng.normal(0, 1, theta.shape) * sparse, np.float32)
    for _ in range(ROUNDS):
        grown = np.zeros_like(field)
        padded = cv2.copyMakeBorder(field, radius, radius, radius, radius, cv2.BORDER_REFLECT_101)
        for k, mask, top, bottom, left, right in zones:
            window = padded[top : bottom + 2 * radius, left : right + 2 * radius]
            answer = cv2.filter2D(window, cv2.CV_32F, kernels[k])[radius:-radius, radius:-radius]
            inside = mask[top:bottom, left:right]
            grown[top:bottom, left:right][inside] = answer[inside]
        field = np.asarray(np.tanh(1.6 * grown / (float(grown.std()) + 1e-6)), np.float32)
    return field


def _placed(rng: np.random.Generator, finger: Finger, number: int, scale: float) -> Field:
    """Shift, turn and stretch the finger as people do between presses; press 0 lies straight."""
    high, wide = finger.ridges.shape
    turn, move_x, move_y, stretch = 0.0, 0.0, 0.0, 1.0
    if number:
        turn = float(np.clip(rng.normal(0, 5), -11, 11))
        move_x, move_y = (float(v) for v in np.clip(rng.normal(0, 6, 2), -13, 13) * scale)
        stretch = float(np.clip(rng.normal(1, 0.012), 0.97, 1.03))
    matrix = cv2.getRotationMatrix2D((wide / 2, high / 2), turn, stretch)
    matrix[:, 2] += np.asarray((move_x, move_y))
    moved = cv2.warpAffine(
        finger.ridges,
        matrix,
        (wide, high),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    inner = moved[MARGIN : MARGIN + finger.height, MARGIN : MARGIN + finger.width]
    return np.asarray(inner, np.float32)


def _touch(rng: np.random.Generator, finger: Finger, condition: str, harm: float) -> Field:
    """Where skin meets glass: 1 inside the contact area, 0 outside, a soft edge between."""
    y, x = np.mgrid[0 : finger.height, 0 : finger.width].astype(np.float32)
    centre_x, centre_y = finger.width / 2, finger.height / 2
    half_x, half_y = finger.width * 0.56, finger.height * 0.56
    if condition == "light":
        half_x, half_y = half_x * (1 - 0.42 * min(harm, 1.5)), half_y * (1 - 0.42 * min(harm, 1.5))
    if condition == "partial":
        way = float(rng.uniform(0, 2 * np.pi))
        centre_x += np.cos(way) * finger.width * 0.50 * harm
        centre_y += np.sin(way) * finger.height * 0.50 * harm
    edge = cv2.resize(
        _noise(rng, (12, 12), 1.0), (finger.width, finger.height), interpolation=cv2.INTER_CUBIC
    )
    distance = ((x - centre_x) / half_x) ** 2 + ((y - centre_y) / half_y) ** 2
    inside = np.asarray(distance + 0.06 * edge < 1.0, np.float32)
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), 1.6), np.float32)


def _creases(rng: np.random.Generator, grey: Field, harm: float, scale: float) -> Field:
    """Draw the broad white lines of old and worked hands."""
    high, wide = grey.shape
    lines = np.zeros(grey.shape, np.float32)
    for _ in range(round(9 * harm)):
        x, y = float(rng.uniform(0, wide)), float(rng.uniform(0, high))
        way = float(rng.normal(0.2, 0.7))
        length = float(rng.uniform(0.2, 0.6)) * wide
        bend = rng.normal(0, 5, 5) * scale
        steps = np.linspace(-0.5, 0.5, 5)
        points = [
            (x + np.cos(way) * length * s, y + np.sin(way) * length * s + b)
            for s, b in zip(steps, bend, strict=True)
        ]
        thick = int(rng.integers(2, 5) * max(scale, 0.5))
        cv2.polylines(lines, [np.asarray(points, np.int32)], False, 1.0, max(thick, 1), cv2.LINE_AA)
    soft = np.clip(cv2.GaussianBlur(lines, (0, 0), 0.8 * scale), 0, 1)
    return np.asarray(grey + (PAPER - grey) * soft, np.float32)


def _smeared(rng: np.random.Generator, grey: Field, harm: float, scale: float) -> Field:
    """Blur along one direction: the finger moved while it was scanned."""
    length = round(15 * harm * scale) | 1
    if length < 3:
        return grey
    way = float(rng.uniform(0, np.pi))
    kernel = np.zeros((length, length), np.float32)
    middle = length // 2
    tip = (round(middle + np.cos(way) * middle), round(middle + np.sin(way) * middle))
    tail = (2 * middle - tip[0], 2 * middle - tip[1])
    cv2.line(kernel, tail, tip, 1.0, 1)
    return np.asarray(cv2.filter2D(grey, cv2.CV_32F, kernel / kernel.sum()), np.float32)


def _noise(rng: np.random.Generator, shape: tuple[int, ...], grain: float) -> Field:
    """Smooth noise of this grain size in pixels, mean 0, deviation 1."""
    raw = rng.normal(0, 1, shape).astype(np.float32)
    smooth = cv2.GaussianBlur(raw, (0, 0), grain)
    return np.asarray((smooth - smooth.mean()) / (smooth.std() + 1e-6), np.float32)

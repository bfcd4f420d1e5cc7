"""From a sheet and the truth to a picture: geometry, blur, light, sensor. No clock, no file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from drivers.camera import Picture
from drivers.peers.lens_bench_geometry import FINE, focal_px, projected, window_of
from drivers.peers.lens_bench_sheets import GREY, WALL, Light, Sheet, portrait, screen, sheet_of
from drivers.peers.lens_bench_truth import Target, Truth

COVER: Final = 0.42
PREVIEW_PX: Final = 1280
"""The width at which blur and sway are given; other pictures of the same lens scale them."""
NOISE_SLACK_PX: Final = 64
_STEPS: Final = 65535


def render(  # noqa: PLR0917 - a picture is all of these
    target: Target | str,
    truth: Truth,
    size_px: tuple[int, int] = (1280, 720),
    at_s: float = 0.0,
    frame: int = 0,
    photograph: Picture | None = None,
    shown_ms: float | None = None,
) -> Picture:
    """Return (height, width, 3), BGR, sRGB: what the lens makes of the target.

    The same arguments give the same picture, to the bit.

    Args:
        target: what is held up.
        truth: how lens, light and sheet are.
        size_px: width and height.
        at_s: when, for flicker, sway and the time code.
        frame: chooses the noise.
        photograph: (height, width, 3) for `Target.PORTRAIT`.
        shown_ms: what the time code's screen showed; None for `at_s` less the latency.

    Raises:
        ValueError: a portrait without a photograph.
    """
    target, size = Target(target), (int(size_px[0]), int(size_px[1]))
    moment = 1000 * (at_s - truth.latency_s) if shown_ms is None else shown_ms
    if target is Target.TIME_CODE:
        base = _seen(_Sight(target, truth, size, int(moment)), None)
    elif target is Target.PORTRAIT:
        if photograph is None:
            raise ValueError("a portrait wants a photograph")
        base = _seen(_Sight(target, _still_truth(truth), size), photograph)
    else:
        base = _standing(_Sight(target, _still_truth(truth), size))
    return _exposed(_swayed(base, truth, at_s), truth, at_s, frame)


@dataclass(frozen=True, slots=True)
class _Sight:
    """All that the light before exposure depends on."""

    target: Target
    truth: Truth
    size_px: tuple[int, int]
    shown_ms: int = 0


def _still_truth(truth: Truth) -> Truth:
    """Return it without what changes from frame to frame: one sight serves them all."""
    return Truth(
        **{
            **{name: getattr(truth, name) for name in Truth.__slots__},
            **_PASSING,
        }
    )


_PASSING: Final[Mapping[str, float]] = {
    name: getattr(Truth(), name)
    for name in (
        "exposure_ev", "cast", "falloff", "lamp_left", "lamp_top", "noise_sigma", "flicker_hz",
        "flicker_depth", "banding", "bands", "latency_s", "sway_px",
    )
}  # fmt: skip


@lru_cache(maxsize=4)
def _standing(sight: _Sight) -> Light:
    return _seen(sight, None)


def _seen(sight: _Sight, photograph: Picture | None) -> Light:
    """Return the light of every pixel before exposure: reflectance through lens and aperture."""
    truth, (width, height) = sight.truth, sight.size_px
    # A sheet as fine as the samples: coarser ones would soften it, finer ones let edges jump.
    fineness = FINE * focal_px(sight.size_px) / (1000 * truth.distance_m)
    px_per_mm = int(min(16, max(2, 2 * round(fineness / 2))))
    sheet = sheet_of(sight.target, px_per_mm)
    if sight.target is Target.TIME_CODE:
        sheet = screen(sight.shown_ms, px_per_mm)
    if sight.target is Target.PORTRAIT and photograph is not None:
        sheet = portrait(photograph)
    if sheet is None:
        return np.full((height, width), WALL, np.float32)
    if sight.target is Target.GREY_SHEET and truth.hidden <= 0:
        # It reaches beyond every picture, and no lens changes what is alike everywhere.
        return np.full((height, width), GREY, np.float32)
    if truth.hidden > 0:
        sheet = _covered(sheet, truth.hidden)
    reach_px = 6 * math.hypot(truth.blur_sigma_px, truth.corner_blur_px) * width / PREVIEW_PX + 4
    left, top, right, bottom = window_of(sheet, truth, sight.size_px, reach_px)
    samples = projected(sheet, truth, sight.size_px, (left, top, right, bottom), WALL)
    colours = sheet.light.shape[2:]
    seen = np.full((height, width, *colours), WALL, np.float32)
    seen[top:bottom, left:right] = _blurred(samples, truth, sight.size_px, (left, top))
    return seen[:, ::-1] if truth.mirrored else seen


def _covered(sheet: Sheet, share: float) -> Sheet:
    light = sheet.light.copy()
    light[:, : round(share * light.shape[1])] = COVER
    return Sheet(light, sheet.px_per_mm)


def _blurred(
    samples: Light, truth: Truth, size_px: tuple[int, int], place: tuple[int, int]
) -> Light:
    """Return the window's pixels: the lens's blur first, then the aperture of each pixel."""
    scale = size_px[0] / PREVIEW_PX
    sharp = _spread(samples, truth.blur_sigma_px * scale)
    if truth.corner_blur_px <= 0:
        return sharp
    # Two blurs and a blend by radius: between them the blur is nearly, not wholly, a Gaussian.
    soft = _spread(samples, math.hypot(truth.blur_sigma_px, truth.corner_blur_px) * scale)
    (left, top), (height, width) = place, sharp.shape[:2]
    share = radius_squared(*size_px)[top : top + height, left : left + width]
    share = share if sharp.ndim == 2 else share[..., None]
    return np.asarray(sharp + (soft - sharp) * share, np.float32)


def _spread(samples: Light, sigma_px: float) -> Light:
    fine = FINE
    while fine > 1 and sigma_px * fine > 4:
        samples, fine = _halved(samples), fine // 2
    if sigma_px > 0:
        samples = np.asarray(cv2.GaussianBlur(samples, (0, 0), sigma_px * fine), np.float32)
    while fine > 1:
        samples, fine = _halved(samples), fine // 2
    return samples


def _halved(samples: Light) -> Light:
    size = (samples.shape[1] // 2, samples.shape[0] // 2)
    return np.asarray(cv2.resize(samples, size, interpolation=cv2.INTER_AREA), np.float32)


@lru_cache(maxsize=2)
def radius_squared(width: int, height: int) -> Light:
    """Return the squared distance from the picture's middle; 1 in its corners."""
    x = 2 * np.arange(width, dtype=np.float32) + 1 - width
    y = 2 * np.arange(height, dtype=np.float32) + 1 - height
    return np.asarray((x**2 + (y**2)[:, None]) / (width**2 + height**2), np.float32)


def _swayed(base: Light, truth: Truth, at_s: float) -> Light:
    if truth.sway_px == 0:
        return base
    reach = truth.sway_px * base.shape[1] / PREVIEW_PX
    move = np.array([
        [1, 0, reach * math.sin(2 * math.pi * at_s / 1.7)],
        [0, 1, 0.6 * reach * math.sin(2 * math.pi * at_s / 1.1 + 1)],
    ])  # fmt: skip
    size = (base.shape[1], base.shape[0])
    return np.asarray(cv2.warpAffine(base, move, size, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _exposed(base: Light, truth: Truth, at_s: float, frame: int) -> Picture:
    """Return levels: the lamps' light, the sensor's curve, its noise, and its two ends."""
    height, width = base.shape[:2]
    gain = _lamps(truth, width, height) * np.float32(2**truth.exposure_ev)
    rows = _rows(truth, height, at_s, frame)[:, None]
    lit = base * (gain * rows if base.ndim == 2 else (gain * rows)[..., None])
    if lit.ndim == 2:
        lit = np.repeat(lit[..., None], 3, axis=2)
    red, green, blue = truth.cast
    lit = lit * np.array([blue, green, red], np.float32)
    places = np.clip(lit * np.float32(_STEPS), 0, _STEPS).astype(np.uint16)
    levels = _encoded()[places]
    if truth.noise_sigma > 0:
        levels += np.float32(truth.noise_sigma) * _noise(width, height, frame)
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


@lru_cache(maxsize=4)
def _lit(falloff: float, left: float, top: float, width: int, height: int) -> Light:
    x = 0.5 - (np.arange(width, dtype=np.float32) + 0.5) / width
    y = 0.5 - (np.arange(height, dtype=np.float32) + 0.5) / height
    lamps = (1 + left * x) * (1 + top * y)[:, None]
    return np.asarray(lamps * (1 - falloff * radius_squared(width, height)), np.float32)


def _lamps(truth: Truth, width: int, height: int) -> Light:
    return _lit(truth.falloff, truth.lamp_left, truth.lamp_top, width, height)


def _rows(truth: Truth, height: int, at_s: float, frame: int) -> Light:
    flicker = 1 + truth.flicker_depth * math.sin(2 * math.pi * truth.flicker_hz * at_s)
    # The golden ratio of a turn a frame: bands that come back to no place.
    turn = 2 * math.pi * 0.618034 * frame
    bands = truth.banding * np.sin(2 * np.pi * truth.bands * np.arange(height) / height + turn)
    return np.asarray(flicker * (1 + bands), np.float32)


@lru_cache(maxsize=1)
def _encoded() -> Light:
    light = np.arange(_STEPS + 1) / _STEPS
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (255 * curve).astype(np.float32)


@lru_cache(maxsize=2)
def _noise_tile(width: int, height: int) -> Light:
    shape = (height + NOISE_SLACK_PX, width + NOISE_SLACK_PX, 3)
    return np.random.default_rng(8).standard_normal(shape, dtype=np.float32)


def _noise(width: int, height: int, frame: int) -> Light:
    """Return a part of the one tile that differs with the frame: a tenth of fresh noise's time."""
    top, left = np.random.default_rng((5, frame)).integers(0, NOISE_SLACK_PX, 2)
    return _noise_tile(width, height)[top : top + height, left : left + width]

"""Surgical masks and hands, painted before mouth and nose."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from accuracy.canvas import Canvas, Floats, Landmarks, Picture, curve, floats, moved

Cloth = Callable[[Canvas], Floats]
"""The cloth's reflectance at every pixel: (height, width, 3), BGR, linear."""

_EAR_LEFT, _EAR_RIGHT = 1, 31
_NOSE_BASE: Final = 57
_BRIDGE: Final = 52


def mask(
    bgr: Picture,
    landmarks_px: Landmarks,
    person_mask: Picture,
    strength: float,
    *,
    cloth: Cloth,
    pleats: int = 3,
    cone: bool = False,
) -> Picture:
    """Put on a mask: at 0 it hangs below the chin's tip, at 0.4 it covers the mouth, at 1 the nose.

    Args:
        bgr: the picture.
        landmarks_px: (98, 2).
        person_mask: not needed: a mask lies on the face.
        strength: how far it is pulled up.
        cloth: its reflectance.
        pleats: its folds.
        cone: one vertical seam instead of pleats, as a respirator has.
    """
    if strength <= 0:
        return bgr.copy()
    canvas = Canvas(bgr, landmarks_px, seed=31)
    top, outline = _mask_outline(canvas, strength)
    light = canvas.lamp() * canvas.shading()
    shadow = canvas.shape(outline + np.array([0.0, -0.03]), soft=0.03)
    canvas.shade(shadow, 0.72)
    _straps(canvas, outline, top, light)
    folds = _seam(canvas) if cone else _pleats(canvas, top, pleats)
    weave = canvas.grain(0.008, 0.03) * canvas.grain(0.12, 0.05) * folds
    cover = canvas.shape(outline, soft=0.012)
    canvas.lay(cover, cloth(canvas) * (light * weave * _bulge(canvas, top))[..., None])
    # The hem is sewn: double, so a little brighter, with a stitch's shadow below it.
    canvas.shade(canvas.line(top + np.array([0.0, 0.09]), 0.012) * cover, 0.8)
    return canvas.finished()


def _mask_outline(canvas: Canvas, strength: float) -> tuple[Landmarks, Landmarks]:
    contour = canvas.of(range(33))
    chin, nose, bridge = contour[16], canvas.of(_NOSE_BASE)[0], canvas.of(_BRIDGE)[0]
    mouth = canvas.of([90, 94]).mean(axis=0)
    # From the lower lip over the nose's base to the bridge, in the order of strength.
    heights = np.interp(
        strength, [0.0, 0.4, 0.7, 1.0],
        [chin[1], nose[1] + 0.35 * (mouth[1] - nose[1]), nose[1] - 0.28, bridge[1]],
    )  # fmt: skip
    middle = np.array([nose[0], heights])
    sides = []
    for side in (range(17), range(32, 15, -1)):
        edge = contour[list(side)]
        wanted = min(heights + 0.30, chin[1] - 0.15)
        lower = edge[edge[:, 1] > wanted]
        corner = np.array([np.interp(wanted, edge[:, 1], edge[:, 0]), wanted])
        away = np.vstack([corner, lower])
        sides.append(away + 0.035 * np.sign(away[:, :1] - nose[0]) * [1, 0])
    left, right = sides
    bend_left = (left[0] * 0.45 + middle * 0.55) - [0, 0.05]
    bend_right = (right[0] * 0.45 + middle * 0.55) - [0, 0.05]
    top = curve([left[0], bend_left, middle, bend_right, right[0]])
    below = moved(np.vstack([left[1:], right[:0:-1]]), y=0.06)
    return top, np.vstack([top, below[::-1]])


def _straps(canvas: Canvas, outline: Landmarks, top: Landmarks, light: Floats) -> None:
    ends = canvas.of([_EAR_LEFT, _EAR_RIGHT])
    low = canvas.of([7, 25])
    for ear, upper, lower in ((ends[0], top[0], low[0]), (ends[1], top[-1], low[1])):
        outside = ear + 0.04 * np.sign(ear[0]) * np.array([1.0, 0.0])
        for start in (upper, lower):
            line = canvas.line(curve([start, (start + outside) / 2, outside]), 0.028)
            canvas.lay(line * 0.9, (0.75 * light)[..., None] * np.ones(3, np.float32))


def _pleats(canvas: Canvas, top: Landmarks, count: int) -> Floats:
    folds = np.ones(canvas.light.shape[:2], np.float32)
    chin = canvas.of(16)[0]
    height = chin[1] - top[:, 1].min()
    for number in range(count):
        down = height * (0.30 + 0.2 * number)
        line = np.column_stack([top[:, 0], top[:, 1] * 0.45 + (top[:, 1].min() + down) * 0.55])
        folds *= 1 - 0.35 * canvas.line(line, 0.02, soft=0.015)
        folds *= 1 + 0.12 * canvas.line(moved(line, y=0.035), 0.03, soft=0.02)
    return folds


def _seam(canvas: Canvas) -> Floats:
    chin, nose = canvas.of(16)[0], canvas.of(_NOSE_BASE)[0]
    seam = canvas.line([moved(nose, y=-0.6), nose, moved(chin, y=0.1)], 0.02, soft=0.012)
    return floats(1 - 0.3 * seam)


def _bulge(canvas: Canvas, top: Landmarks) -> Floats:
    """Darker to the sides: the cloth turns away from the light with the face."""
    x, _ = canvas.grid()
    half = (top[-1, 0] - top[0, 0]) / 2
    around = np.clip(np.abs(x - top[:, 0].mean()) / max(half, 0.1), 0, 1)
    return floats(1.06 - 0.32 * around**2.5)


def plain(blue: float, green: float, red: float) -> Cloth:
    """Return a cloth of one colour, by its reflectances."""

    def cloth(canvas: Canvas) -> Floats:
        return np.broadcast_to(np.array([blue, green, red], np.float32), canvas.light.shape).astype(
            np.float32
        )

    return cloth


def dotted(ground: tuple[float, float, float], dots: tuple[float, float, float]) -> Cloth:
    """Return a cloth with round dots, two colours as BGR reflectances."""

    def cloth(canvas: Canvas) -> Floats:
        x, y = canvas.grid()
        row = np.floor(y / 0.14)
        across = (x / 0.16 + 0.5 * (row % 2)) % 1 - 0.5
        on = (np.hypot(across * 0.16, (y / 0.14) % 1 * 0.14 - 0.07) < 0.04)[..., None]
        return np.where(on, floats(dots), floats(ground)).astype(np.float32)

    return cloth


def checked(one: tuple[float, float, float], other: tuple[float, float, float]) -> Cloth:
    """Return a chequered cloth of two colours, as BGR reflectances."""

    def cloth(canvas: Canvas) -> Floats:
        x, y = canvas.grid()
        stripes = ((x // 0.12) % 2 * 0.5 + (y // 0.12) % 2 * 0.5)[..., None]
        return floats(floats(one) * (1 - stripes) + floats(other) * stripes)

    return cloth


def hand(
    bgr: Picture,
    landmarks_px: Landmarks,
    person_mask: Picture,
    strength: float,
    *,
    fingers: npt.ArrayLike,
    palm: npt.ArrayLike,
    width: float = 0.31,
) -> Picture:
    """Hold the person's own hand before the face: at 0.4 before the chin, at 1 mouth and nose.

    Args:
        bgr: the picture.
        landmarks_px: (98, 2).
        person_mask: not needed.
        strength: how far it is raised.
        fingers: (n, 2, 2): root and tip of each, in eye distances from the mouth's middle.
        palm: outline of the rest, in the same lengths.
        width: of a finger.
    """
    if strength <= 0:
        return bgr.copy()
    canvas = Canvas(bgr, landmarks_px, seed=32, reach=3.4)
    mouth = canvas.of([90, 94]).mean(axis=0)
    lower = float(np.interp(strength, [0.0, 0.4, 0.7, 1.0], [1.3, 0.30, 0.08, -0.06]))
    offset = moved(mouth, y=lower)
    skin = _own_skin(canvas)
    colour = skin * (1.05 * canvas.grain(0.01, 0.04) * canvas.grain(0.15, 0.05))[..., None]
    rest = np.asarray(palm, np.float64) + offset
    canvas.shade(canvas.shape(rest, soft=0.08), 0.6)
    canvas.lay(canvas.shape(curve(np.vstack([rest, rest[:1]])), soft=0.02), colour)
    placed = np.asarray(fingers, np.float64) + offset
    # Between closed fingers there is shade and skin, and nothing of the mouth behind.
    behind = np.vstack([placed[:, 0], placed[::-1, 1] * 0.97 + placed[::-1, 0] * 0.03])
    canvas.lay(canvas.shape(behind), skin * 0.3)
    for root, tip in placed:
        _finger(canvas, root, tip, width, colour)
    return canvas.finished()


def _finger(canvas: Canvas, root: Landmarks, tip: Landmarks, width: float, colour: Floats) -> None:
    x, y = canvas.grid()
    way = tip - root
    length = float(np.hypot(*way))
    along = ((x - root[0]) * way[0] + (y - root[1]) * way[1]) / length
    inside = np.clip(along, 0, length)
    away = np.hypot(x - root[0] - inside * way[0] / length, y - root[1] - inside * way[1] / length)
    half = width / 2 * (1 - 0.18 * inside / length)
    soft = 0.02
    canvas.shade(np.clip((half + 0.05 - away) / 0.06, 0, 1).astype(np.float32), 0.55)
    # A cylinder: brightest where it faces the camera, dark where it turns away.
    round_ = np.sqrt(np.clip(1 - (away / half) ** 2 * 0.85, 0.05, 1))
    knuckle = 1 - 0.12 * np.exp(-(((along / length - 0.45) / 0.05) ** 2))
    cover = np.clip((half - away) / soft, 0, 1).astype(np.float32)
    canvas.lay(cover, colour * ((0.45 + 0.6 * round_) * knuckle)[..., None])
    nail = canvas.shape(_ellipse(tip - way / length * 0.02, way / length, 0.075, 0.06))
    canvas.lay(nail * 0.7, np.minimum(colour * 1.3 + 0.03, 1.0))


def _ellipse(centre: Landmarks, way: Landmarks, long: float, wide: float) -> Landmarks:
    t = np.linspace(0, 2 * np.pi, 30)[:, None]
    across = np.array([-way[1], way[0]])
    return np.asarray(centre + way * long * np.cos(t) + across * wide * np.sin(t))


def _own_skin(canvas: Canvas) -> Floats:
    """Return the face's median colour, (3,): a person's hand is about as dark as the face."""
    face = canvas.light[canvas.shape(canvas.of(range(33))) > 0.5]
    return np.asarray(np.median(face, axis=0) if face.size else (0.15, 0.2, 0.35), np.float32)


FINGERS_UP: Final = (
    ((-0.48, 0.75), (-0.50, -0.30)), ((-0.17, 0.75), (-0.16, -0.46)),
    ((0.14, 0.75), (0.18, -0.42)), ((0.44, 0.8), (0.52, -0.20)),
)  # fmt: skip
PALM_BELOW: Final = (
    (-0.66, 0.5), (0.62, 0.5), (0.72, 1.1), (0.5, 2.2), (-0.45, 2.2), (-0.72, 1.1),
)  # fmt: skip
FINGERS_ACROSS: Final = (
    ((0.75, -0.40), (-0.56, -0.44)), ((0.8, -0.10), (-0.72, -0.13)),
    ((0.8, 0.20), (-0.66, 0.17)), ((0.75, 0.48), (-0.44, 0.46)),
)  # fmt: skip
PALM_BESIDE: Final = (
    (0.5, -0.54), (1.1, -0.55), (1.8, 0.6), (2.0, 1.8), (1.2, 1.8), (0.5, 0.63),
)  # fmt: skip

hand_up = partial(hand, fingers=FINGERS_UP, palm=PALM_BELOW)
hand_across = partial(hand, fingers=FINGERS_ACROSS, palm=PALM_BESIDE)

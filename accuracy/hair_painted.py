"""Fringes over the eyes, hats, caps and headscarves, painted on the head."""

from __future__ import annotations

from typing import Final

import numpy as np

from accuracy.canvas import Canvas, Floats, Landmarks, Picture, curve, floats, moved

Tint = tuple[float, float, float]
_BROWS: Final = (33, 34, 35, 36, 37, 42, 43, 44, 45, 46)
_PERSON: Final = 128
_DARK_HAIR: Final = (0.012, 0.014, 0.02)


def fringe(
    bgr: Picture,
    landmarks_px: Landmarks,
    person_mask: Picture,
    strength: float,
    *,
    colour: Tint | None = None,
    sides: tuple[int, ...] = (0, 1),
) -> Picture:
    """Let hair fall into the face: at 0.4 down to the brows, at 0.7 to the pupils, at 1 below.

    Args:
        bgr: the picture.
        landmarks_px: (98, 2).
        person_mask: where to look for the person's own hair.
        strength: how far down.
        colour: of the hair, BGR reflectances; None for the person's own.
        sides: which halves of the face, 0 the picture's left.
    """
    if strength <= 0:
        return bgr.copy()
    canvas = Canvas(bgr, landmarks_px, seed=36)
    ends = np.interp(strength, [0.0, 0.4, 0.7, 1.0], [-0.85, -0.38, 0.0, 0.3])
    light = floats(colour) * canvas.lamp() if colour else _own_hair(canvas, person_mask)
    half = float(np.ptp(canvas.of([0, 32])[:, 0])) / 2
    lines, greys = [], []
    for _ in range(round(340 * len(sides) / 2)):
        start, end = _strand_x(canvas, half, sides)
        tip = ends + canvas.chance.normal(0, 0.07) + 0.15 * (end / half) ** 2
        # Strands come from the crown and spread over the forehead.
        root = [start * 0.4, -1.5 + 0.25 * (start / half) ** 2]
        bend = [0.85 * end + canvas.chance.normal(0, 0.05), -0.85]
        lines.append(curve([root, bend, [end, tip]], 12))
        greys.append(canvas.chance.normal(110, 38))
    cover, shine = canvas.hairs(lines, 0.02, np.asarray(greys))
    canvas.shade(np.roll(cover, max(1, int(0.03 * canvas.apart_px)), axis=0), 0.75)
    canvas.lay(cover * 0.95, np.minimum(light * (0.35 + 1.5 * shine)[..., None], 1.0))
    return canvas.finished()


def _strand_x(canvas: Canvas, half: float, sides: tuple[int, ...]) -> tuple[float, float]:
    low, high = (-half if 0 in sides else 0.0), (half if 1 in sides else 0.0)
    start = canvas.chance.uniform(low, high)
    return start, start * 0.95 + canvas.chance.normal(0, 0.05)


def _own_hair(canvas: Canvas, person_mask: Picture) -> Floats:
    """Return the median colour of what is above the forehead, dark where that is skin or cloth."""
    x, y = canvas.grid()
    top = canvas.of(_BROWS)[:, 1].min()
    above = (np.abs(x) < 0.7) & (y < top - 0.95) & (y > top - 1.3)
    hair = canvas.light[above & (canvas.windowed(person_mask) >= _PERSON)]
    if len(hair) < 50:
        return floats(_DARK_HAIR)
    colour = np.median(hair, axis=0)
    # Saturated or bright is a bald head, a cap or a scarf.
    odd = colour.max() > 0.12 and colour.max() > 1.8 * colour.min()
    return floats(_DARK_HAIR) if odd else np.asarray(colour, np.float32)


def cap(
    bgr: Picture,
    landmarks_px: Landmarks,
    person_mask: Picture,
    strength: float,
    *,
    colour: Tint,
) -> Picture:
    """Put on a peaked cap, deeper in the forehead with the strength."""
    if strength <= 0:
        return bgr.copy()
    canvas = Canvas(bgr, landmarks_px, seed=37)
    rim, half = _rim(canvas, strength)
    light = canvas.lamp() * _round(canvas, half) * canvas.grain(0.01, 0.03)
    crown = np.vstack(
        [
            _dome(rim, half, rim - _top(canvas, person_mask)),
            curve([[half, rim], [0, rim - 0.16], [-half, rim]]),
        ]
    )
    peak = np.vstack(
        [curve([[-half * 0.95, rim], [-half * 0.5, rim + 0.16], [0, rim + 0.22],
                [half * 0.5, rim + 0.16], [half * 0.95, rim]]),
         curve([[half * 0.95, rim], [0, rim - 0.16], [-half * 0.95, rim]])]
    )  # fmt: skip
    canvas.shade(canvas.shape(moved(peak, y=0.12), soft=0.06), 0.6)
    canvas.lay(canvas.shape(crown), floats(colour) * light[..., None])
    for x in (-0.45, 0.0, 0.45):
        canvas.shade(canvas.line(curve([[x, rim - 0.1], [x * 0.8, rim - 0.7], [0, rim - 1.05]]),
                                 0.015) * canvas.shape(crown), 0.7)  # fmt: skip
    canvas.lay(canvas.shape(peak), floats(colour) * (0.75 * light)[..., None])
    return canvas.finished()


def knitted(
    bgr: Picture,
    landmarks_px: Landmarks,
    person_mask: Picture,
    strength: float,
    *,
    colour: Tint,
) -> Picture:
    """Put on a knitted hat with ribs, deeper in the forehead with the strength."""
    if strength <= 0:
        return bgr.copy()
    canvas = Canvas(bgr, landmarks_px, seed=38)
    rim, half = _rim(canvas, strength)
    x, y = canvas.grid()
    ribs = 0.8 + 0.25 * np.cos(2 * np.pi * x / 0.11) * (0.7 + 0.3 * np.cos(2 * np.pi * y / 0.07))
    light = canvas.lamp() * _round(canvas, half) * canvas.grain(0.015, 0.06) * ribs
    edge = curve([[half, rim + 0.12], [0, rim - 0.02], [-half, rim + 0.12]])
    shape = np.vstack([_dome(rim + 0.12, half, rim + 0.12 - _top(canvas, person_mask)), edge])
    canvas.shade(canvas.shape(moved(shape, y=0.05), soft=0.04), 0.65)
    canvas.lay(canvas.shape(shape), floats(colour) * light[..., None])
    cuff = curve([[half, rim - 0.22], [0, rim - 0.36], [-half, rim - 0.22]])
    canvas.shade(canvas.line(cuff, 0.03, soft=0.02) * canvas.shape(shape), 0.6)
    return canvas.finished()


def headscarf(
    bgr: Picture,
    landmarks_px: Landmarks,
    person_mask: Picture,
    strength: float,
    *,
    colour: Tint,
) -> Picture:
    """Put on a headscarf that leaves the face free, closer to the brows with the strength."""
    if strength <= 0:
        return bgr.copy()
    canvas = Canvas(bgr, landmarks_px, seed=39)
    rim, half = _rim(canvas, strength)
    contour = canvas.of(range(33)) * [1.0, 1.03]
    opening = np.vstack([contour, curve([contour[-1], [half * 0.7, rim], [0, rim - 0.12],
                                         [-half * 0.7, rim], contour[0]])])  # fmt: skip
    outer = np.vstack(
        [
            _dome(0.3, half * 1.12, 0.3 - _top(canvas, person_mask)),
            [[half * 1.5, 2.4], [-half * 1.5, 2.4]],
        ]
    )
    x, y = canvas.grid()
    folds = 0.85 + 0.15 * np.cos(2 * np.pi * (np.hypot(x, y * 0.8) / 0.3 + 0.15 * np.sin(3 * y)))
    light = canvas.lamp() * folds * canvas.grain(0.01, 0.04) * canvas.grain(0.2, 0.08)
    inside = canvas.shape(opening)
    canvas.shade(np.clip(inside - canvas.shape(opening * 0.95, soft=0.05), 0, 1), 0.6)
    cover = np.clip(canvas.shape(outer) - inside, 0, 1)
    canvas.lay(cover, floats(colour) * (0.85 * light)[..., None])
    return canvas.finished()


def _rim(canvas: Canvas, strength: float) -> tuple[float, float]:
    """Return where the covering ends on the forehead, and half its width."""
    brows = float(canvas.of(_BROWS)[:, 1].min())
    return brows - 0.62 + 0.42 * strength, float(np.ptp(canvas.of([0, 32])[:, 0])) / 2 * 1.12


def _top(canvas: Canvas, person_mask: Picture) -> float:
    """Return where a covering ends above: a little above the hair, however deep it sits."""
    x, y = canvas.grid()
    head = (canvas.windowed(person_mask) >= _PERSON) & (np.abs(x) < 0.3) & (y < 0)
    highest = float(y[head].min()) if head.any() else -1.8
    return max(-2.3, highest - 0.06)


def _dome(rim: float, half: float, height: float) -> Landmarks:
    t = np.linspace(np.pi, 2 * np.pi, 60)
    flat = np.sign(np.cos(t)) * np.abs(np.cos(t)) ** 0.8
    return np.column_stack([half * flat, rim + height * np.sin(t)])


def _round(canvas: Canvas, half: float) -> Floats:
    x, _ = canvas.grid()
    return np.asarray(1.05 - 0.4 * np.clip(np.abs(x) / half, 0, 1) ** 2.5, np.float32)

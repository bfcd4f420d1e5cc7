"""Sunglasses, clear glasses and the glare on their lenses, painted before the eyes."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from accuracy.canvas import Canvas, Floats, Landmarks, Picture, floats, moved

Tint = tuple[float, float, float]
SURFACE: Final = 0.045
"""What a lens's front reflects of the light before it: Fresnel, a refractive index of 1.5."""


def sunglasses(
    bgr: Picture,
    landmarks_px: Landmarks,
    person_mask: Picture,
    strength: float,
    *,
    tint: Tint = (1.0, 1.0, 1.0),
    wide: bool = False,
    gradient: float = 0.0,
    mirror: Tint | None = None,
) -> Picture:
    """Put on sunglasses; a stronger lens lets less through: 0.40 of the light at 0.4, 0.08 at 1.

    Light passes the lens twice before it comes back, so what is seen behind it goes as the
    square. 18 to 43 % is the filter category 2 of ISO 12312-1, 8 to 18 % its category 3.

    Args:
        bgr: the picture.
        landmarks_px: (98, 2).
        person_mask: not needed.
        strength: how dark the lens is.
        tint: what each of blue, green, red gets through, over the lens's own share.
        wide: large lenses.
        gradient: how much lighter the lens is at its lower end.
        mirror: the colour of a mirrored coat, BGR reflectances; it shows sky above ground.
    """
    if strength <= 0:
        return bgr.copy()
    canvas = Canvas(bgr, landmarks_px, seed=33)
    light = canvas.lamp() * canvas.shading()
    through = float(np.interp(strength, [0.0, 0.4, 0.7, 1.0], [0.9, 0.40, 0.18, 0.08]))
    lenses = [lens(canvas, side, wide=wide) for side in (0, 1)]
    cover = canvas.shapes(list(lenses), soft=0.01)
    _, y = canvas.grid()
    fall = through + (0.75 - through) * gradient * np.clip((y + 0.1) / 0.5, 0, 1)
    shine = SURFACE * canvas.grain(0.25, 0.25) * np.clip(1.4 - 1.6 * (y + 0.2), 0.5, 1.6)
    behind = canvas.light * (fall[..., None] * floats(tint)) ** 2
    seen = behind + 0.4 * (shine * light)[..., None]
    if mirror is not None:
        seen = _mirrored(canvas, y, seen, mirror, through)
    canvas.shade(
        np.clip(canvas.shapes([moved(q, y=0.05) for q in lenses], 0.05) - cover, 0, 1), 0.8
    )
    canvas.lay(cover, seen)
    frame(canvas, lenses, (0.02, 0.02, 0.02), 0.045)
    return canvas.finished()


def _mirrored(canvas: Canvas, y: Floats, seen: Floats, mirror: Tint, through: float) -> Floats:
    horizon = np.clip((0.06 - y) / 0.06, 0, 1) + 0.04 * canvas.grain(0.1, 0.6)
    scene = 0.25 + 0.75 * np.clip(horizon, 0, 1) * canvas.grain(0.3, 0.2)
    coat = floats(mirror) * (scene * canvas.lamp())[..., None]
    share = 0.35 + 0.5 * (1 - through)
    return np.asarray(seen * (1 - share) + coat * share, np.float32)


def glasses(
    bgr: Picture,
    landmarks_px: Landmarks,
    person_mask: Picture,
    strength: float,
    *,
    colour: Tint = (0.02, 0.02, 0.02),
) -> Picture:
    """Put on clear glasses, which nobody need take off: a stronger frame is thicker."""
    if strength <= 0:
        return bgr.copy()
    canvas = Canvas(bgr, landmarks_px, seed=34)
    lenses = [lens(canvas, side) for side in (0, 1)]
    canvas.shade(canvas.shapes(list(lenses)), 0.92)
    frame(canvas, lenses, colour, 0.02 + 0.03 * strength)
    return canvas.finished()


def glare(
    bgr: Picture,
    landmarks_px: Landmarks,
    person_mask: Picture,
    strength: float,
    *,
    of: Literal["lamps", "window"] = "lamps",
) -> Picture:
    """Put on clear glasses that mirror lamps or a window; a stronger one hides more of the eye."""
    if strength <= 0:
        return bgr.copy()
    canvas = Canvas(glasses(bgr, landmarks_px, person_mask, 0.3), landmarks_px, seed=35)
    size = 0.26 * strength
    for side in (0, 1):
        eye = canvas.of([96 + side])[0]
        within = canvas.shape(lens(canvas, side))
        for spot in _reflections(eye, size, of):
            # Brighter than the sensor's range, so that the edge alone is soft.
            light = np.clip(canvas.shape(spot, soft=0.03) * 2.2, 0, 1) * within
            canvas.lay(light, (1.0, 1.0, 0.98))
    return canvas.finished()


def _reflections(eye: Landmarks, size: float, of: str) -> list[Landmarks]:
    if of == "lamps":
        t = np.linspace(0, 2 * np.pi, 24)[:, None]
        ring = np.hstack([np.cos(t), 0.7 * np.sin(t)])
        return [eye + [0.07, -0.03] + ring * size * 0.75, eye + [-0.18, 0.02] + ring * size * 0.3]
    pane = np.array([(-0.7, -0.8), (0.75, -0.62), (0.6, 0.72), (-0.8, 0.5)]) * size
    return [eye + [0.02, 0.0] + pane * [1.0, 0.9]]


def lens(canvas: Canvas, side: int, *, wide: bool = False) -> Landmarks:
    """Return the outline of a lens in eye distances: side 0 is the picture's left."""
    eye = canvas.of([60, 64] if side == 0 else [68, 72]).mean(axis=0)
    out = -1.0 if side == 0 else 1.0
    t = np.linspace(0, 2 * np.pi, 60)
    # Between an ellipse and a box: the form of most lenses.
    round_x = np.sign(np.cos(t)) * np.abs(np.cos(t)) ** 0.62
    round_y = np.sign(np.sin(t)) * np.abs(np.sin(t)) ** 0.72
    half = (0.45, 0.38) if wide else (0.40, 0.29)
    return np.column_stack(
        [eye[0] + out * 0.03 + half[0] * round_x, eye[1] + 0.05 + half[1] * round_y]
    )


def frame(canvas: Canvas, lenses: list[Landmarks], colour: Tint, width: float) -> None:
    """Draw rims, bridge and temples."""
    left, right = lenses
    middle_y = float(left[:, 1].mean()) - 0.06
    bridge = [[left[:, 0].max(), middle_y], [0.0, middle_y - 0.03], [right[:, 0].min(), middle_y]]
    temples = [
        [[left[:, 0].min(), middle_y], canvas.of([0])[0] - [0.05, 0.0]],
        [[right[:, 0].max(), middle_y], canvas.of([32])[0] + [0.05, 0.0]],
    ]
    for line in ([*left, left[0]], [*right, right[0]], bridge, *temples):
        canvas.lay(canvas.line(np.asarray(line), width, soft=0.006), colour)

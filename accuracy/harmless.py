"""What is no covering and must not be taken for one: light, make-up, shadow, a beard's growth."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np

from accuracy.canvas import Canvas, Landmarks, Picture, floats
from accuracy.defects import Painter
from accuracy.glasses_painted import Tint, glasses

_UPPER_LIP: Final = (76, 77, 78, 79, 80, 81, 82, 92, 91, 90, 89, 88)
_LOWER_LIP: Final = (76, 88, 95, 94, 93, 92, 82, 83, 84, 85, 86, 87)


def lipstick(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Colour the lips a dark red, which is no reason to say anything."""
    canvas = Canvas(bgr, landmarks_px, seed=41)
    lips = canvas.shapes([canvas.of(_UPPER_LIP), canvas.of(_LOWER_LIP)], soft=0.02)
    grey = canvas.light.mean(axis=2, keepdims=True)
    canvas.lay(lips * 0.75 * strength, floats((0.25, 0.18, 1.1)) * grey)
    return canvas.finished()


def pale_lips(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Bring the lips towards the colour of the skin about them, as age and cold do."""
    canvas = Canvas(bgr, landmarks_px, seed=42)
    lips = canvas.shapes([canvas.of(_UPPER_LIP), canvas.of(_LOWER_LIP)], soft=0.03)
    grey = canvas.light.mean(axis=2, keepdims=True)
    face = canvas.light[canvas.shape(canvas.of(range(33))) > 0.5]
    tone = np.median(face, axis=0) if face.size else np.ones(3)
    canvas.lay(lips * 0.6 * strength, floats(tone / tone.mean()) * grey)
    return canvas.finished()


def side_light(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Leave one half of the face in the shade."""
    canvas = Canvas(bgr, landmarks_px, seed=43)
    x, _ = canvas.grid()
    canvas.light *= (1 - 0.7 * strength / (1 + np.exp(-x / 0.12)))[..., None].astype(np.float32)
    return canvas.finished()


def overhead_light(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Put the eyes and what is below nose and lip in hard shadow, as a lamp above does."""
    canvas = Canvas(bgr, landmarks_px, seed=44)
    for eye, out in ((canvas.of(96)[0], -1), (canvas.of(97)[0], 1)):
        socket = [[-0.3, -0.2], [0.3, -0.2], [0.28, 0.1], [0.0, 0.16], [-0.28, 0.1]]
        canvas.shade(
            canvas.shape(eye + np.asarray(socket) * [out, 1], soft=0.05), 1 - 0.6 * strength
        )
    nose, lip, chin = (canvas.of(n)[0] for n in (57, 85, 16))
    below = nose + np.array([(-0.3, 0.0), (0.3, 0.0), (0.15, 0.2), (-0.15, 0.2)])
    canvas.shade(canvas.shape(below, soft=0.04), 1 - 0.5 * strength)
    half = (chin - lip)[1] / 2
    under = lip + np.array([(-0.3, 0.0), (0.3, 0.0), (0.2, half), (-0.2, half)])
    canvas.shade(canvas.shape(under, soft=0.05), 1 - 0.5 * strength)
    return canvas.finished()


def dim(bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float) -> Picture:
    """Take away up to 70 % of the light."""
    canvas = Canvas(bgr, landmarks_px, seed=45)
    canvas.light *= floats(1 - 0.7 * strength)
    return canvas.finished()


def cast(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float, tint: Tint
) -> Picture:
    """Colour the light of the whole face."""
    canvas = Canvas(bgr, landmarks_px, seed=46)
    canvas.light *= floats(tint) ** floats(strength)
    return canvas.finished()


def warm(bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float) -> Picture:
    """Light as of a bulb."""
    return cast(bgr, landmarks_px, person_mask, strength, (0.45, 0.8, 1.1))


def cold(bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float) -> Picture:
    """Light as of a blue sky."""
    return cast(bgr, landmarks_px, person_mask, strength, (1.2, 1.0, 0.65))


def unsharp(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Take the face out of focus by up to a 20th of the eye distance."""
    canvas = Canvas(bgr, landmarks_px, seed=47)
    sigma = max(0.3, 0.05 * strength * canvas.apart_px)
    canvas.light = np.asarray(cv2.GaussianBlur(canvas.light, (0, 0), sigma), np.float32)
    return canvas.finished()


def stubble(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Let a dark beard grow on chin, cheeks and upper lip; the lips stay free."""
    canvas = Canvas(bgr, landmarks_px, seed=48)
    contour, nose = canvas.of(range(4, 29)), canvas.of(57)[0]
    beard = np.vstack([contour * [1.02, 1.05], [[0.55, nose[1]], [0.0, nose[1] + 0.05],
                                                [-0.55, nose[1]]]])  # fmt: skip
    lips = canvas.shapes([canvas.of(_UPPER_LIP), canvas.of(_LOWER_LIP)], soft=0.015)
    cover = canvas.shape(beard, soft=0.06) * (1 - lips)
    hair = canvas.grain(0.012, 0.5) * canvas.lamp()
    canvas.lay(cover * 0.85 * strength, floats((0.02, 0.025, 0.035)) * hair[..., None])
    return canvas.finished()


HARMLESS: Final[Mapping[str, Painter]] = MappingProxyType(
    {
        "lipstick": lipstick, "pale lips": pale_lips, "side light": side_light,
        "overhead light": overhead_light, "dim": dim, "warm light": warm, "cold light": cold,
        "unsharp": unsharp, "beard": stubble, "clear glasses": glasses,
    }
)  # fmt: skip
"""By name: painted in the same strengths as coverings, and nothing may be said of them."""

"""A photo studio for the demo: a person cut out of a photograph, placed before a plain wall.

This builds what the demo's camera *sees*. It is never applied to what the station captured: there,
replacing a background is forbidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Matte = npt.NDArray[np.float32]

WALL_BGR: Final = (231.0, 230.0, 228.0)
WALL_FALLOFF: Final = 0.04
"""How much darker the corners of the wall are than its middle: a lamp is never perfectly even."""
MATTE_SOFTNESS_PX: Final = 1.5
MATTE_FLOOR: Final = 0.5
"""Below this share of person, the old background would shine through as a coloured fringe."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody cut out of a photograph.

    Attributes:
        bgr: (height, width, 3), the photograph.
        matte: (height, width), 0.0 wall to 1.0 person.
        eyes_px: midpoint between the eyes, (x, y).
    """

    bgr: Picture
    matte: Matte
    eyes_px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a person stands in the frame.

    Attributes:
        eyes_at: midpoint between the eyes, as shares of the frame's width and height.
        rotate_deg: anticlockwise in the picture, about the eyes.
        scale: frame pixels for a pixel of the photograph; never above 1, that would invent detail.
    """

    eyes_at: tuple[float, float]
    rotate_deg: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.scale <= 1:
            raise ValueError(f"a scale of {self.scale} would invent detail, or show nobody")


def cut_out(bgr: Picture, mask: npt.NDArray[np.uint8], eyes_px: tuple[float, float]) -> Person:
    """Return the person that a mask (height, width; 0 to 255) shows, with a soft matte edge."""
    if mask.shape != bgr.shape[:2]:
        raise ValueError(f"mask {mask.shape} of a picture {bgr.shape[:2]}")
    soft = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), MATTE_SOFTNESS_PX)
    matte = np.clip((soft - MATTE_FLOOR) / (1 - MATTE_FLOOR), 0, 1)
    return Person(bgr, np.asarray(matte, np.float32), eyes_px)


def wall(width_px: int, height_px: int) -> npt.NDArray[np.float32]:
    """Return a plain light wall, (height_px, width_px, 3), a little brighter in its middle."""
    x = np.linspace(-1, 1, width_px, dtype=np.float32)[None, :, None]
    y = np.linspace(-1, 1, height_px, dtype=np.float32)[:, None, None]
    light = 1 - WALL_FALLOFF * (x * x + y * y) / 2
    return np.asarray(np.array(WALL_BGR, np.float32) * light, np.float32)


def place(scene: npt.NDArray[np.float32], person: Person, stand: Stand) -> npt.NDArray[np.float32]:
    """Return the scene with the person in front of it: (height, width, 3), 0..255."""
    height_px, width_px = scene.shape[:2]
    matrix = cv2.getRotationMatrix2D(person.eyes_px, stand.rotate_deg, stand.scale)
    matrix[0, 2] += stand.eyes_at[0] * width_px - person.eyes_px[0]
    matrix[1, 2] += stand.eyes_at[1] * height_px - person.eyes_px[1]
    size = (width_px, height_px)
    # A cubic kernel does not average: below half size, reduce the photograph before it comes here.
    bgr = cv2.warpAffine(
        person.bgr.astype(np.float32), matrix, size,
        flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    matte = cv2.warpAffine(person.matte, matrix, size, flags=cv2.INTER_LINEAR)[:, :, None]
    return np.asarray(bgr * matte + scene * (1 - matte), np.float32)


def developed(scene: npt.NDArray[np.float32]) -> Picture:
    """Return the scene as 8-bit pixels."""
    return np.asarray(np.clip(np.rint(scene), 0, 255), np.uint8)

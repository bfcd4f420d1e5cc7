"""What painters share: the face's own axes, soft shapes, linear light, grain, the scene's light.

Lengths are in eye distances from the middle between the eyes: x to the picture's right along the
eyes, y down towards the chin. So a painter draws the same thing on a near, a far or a tilted face.
"""

from __future__ import annotations

from math import hypot
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.face.points import eye_centres

Picture = npt.NDArray[np.uint8]
Landmarks = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

_SUBPIXEL: Final = 4
SKIN_TOP: Final = 0.45
"""Reflectance of the palest skin, about: what reads brighter is lit more, not paler."""


class Canvas:
    """A copy of a picture in linear light, to be painted on; the picture itself stays as it is.

    Attributes:
        light: (height, width, 3), BGR, linear, 0..1: the face's window, which the painter changes.
        apart_px: distance of the eyes.
    """

    def __init__(
        self, bgr: Picture, landmarks_px: Landmarks, seed: int, reach: float = 2.4
    ) -> None:
        left, right = eye_centres(landmarks_px, whole_px=False)
        middle = (left + right) / 2
        self.apart_px = max(1.0, hypot(*(right - left)))
        # Only a window about the face is painted on: a large picture would cost seconds.
        first = np.maximum(0, middle - reach * self.apart_px).astype(int)
        last = np.maximum(first + 1, middle + reach * self.apart_px).astype(int)
        self._window = slice(first[1], last[1]), slice(first[0], last[0])
        self._whole = bgr
        self._middle, landmarks_px = middle - first, landmarks_px - first
        along = (right - left) / self.apart_px
        self._axes = np.array([along, [-along[1], along[0]]])
        self._landmarks_px = landmarks_px
        self.light = linear(bgr[self._window])
        self.chance = np.random.default_rng(seed)

    def px(self, xy: npt.ArrayLike) -> Landmarks:
        """Return picture pixels of points (n, 2) in eye distances."""
        placed: Landmarks = np.asarray(xy, np.float64) * self.apart_px @ self._axes + self._middle
        return placed

    def of(self, numbers: npt.ArrayLike) -> Landmarks:
        """Return landmarks, by their numbers, in eye distances: (n, 2)."""
        away = self._landmarks_px[np.atleast_1d(np.asarray(numbers))] - self._middle
        placed: Landmarks = away @ self._axes.T / self.apart_px
        return placed

    def shape(self, xy: npt.ArrayLike, soft: float = 0.015) -> Floats:
        """Return (height, width), 1 inside a polygon in eye distances, its edge `soft` wide."""
        return self._softened([self.px(xy)], soft)

    def shapes(self, polygons: list[npt.ArrayLike], soft: float = 0.015) -> Floats:
        """Return the union of several polygons, as `shape` does."""
        return self._softened([self.px(xy) for xy in polygons], soft)

    def line(self, xy: npt.ArrayLike, width: float, soft: float = 0.01) -> Floats:
        """Return (height, width), 1 on a polyline of this width."""
        plane = np.zeros(self.light.shape[:2], np.uint8)
        self._draw_line(plane, xy, width, 255)
        return self._blurred(plane, soft)

    def grid(self) -> tuple[Floats, Floats]:
        """Return x and y of every pixel, in eye distances, each (height, width)."""
        rows, columns = np.indices(self.light.shape[:2], dtype=np.float32)
        x, y = columns - self._middle[0], rows - self._middle[1]
        (a, b), (c, d) = self._axes / self.apart_px
        return (x * a + y * b).astype(np.float32), (x * c + y * d).astype(np.float32)

    def shading(self, reach: float = 0.3) -> Floats:
        """Return how the light falls on the face, without what is fine: about 1."""
        grey = self.light.mean(axis=2)
        inside = self.shape(self.of(range(33)).tolist() + self.of(range(46, 37, -1)).tolist())
        sigma = reach * self.apart_px
        # Outside the face there is a wall, whose brightness must not lean in.
        fall = _smooth(grey * inside, sigma) / np.maximum(_smooth(inside, sigma), 1e-3)
        mean = float((grey * inside).sum() / max(float(inside.sum()), 1.0))
        return floats(np.clip(fall / max(mean, 1e-4), 0.45, 1.6))

    def lamp(self) -> float:
        """Return what a perfectly white thing at the face would read, linear."""
        face = self.shape(self.of(range(33)))
        grey = self.light.mean(axis=2)
        skin = float(np.percentile(grey[face > 0.5], 90)) if (face > 0.5).any() else 0.3
        return float(np.clip(max(skin / SKIN_TOP, np.percentile(grey, 92)), 0.1, 1.05))

    def grain(self, size: float, amount: float) -> Floats:
        """Return (height, width) of noise about 1, its grains `size` wide, seeded."""
        rows, columns = self.light.shape[:2]
        step = max(1, round(size * self.apart_px))
        small = self.chance.normal(0, 1, (rows // step + 2, columns // step + 2))
        noise = cv2.resize(small.astype(np.float32), (columns, rows), interpolation=cv2.INTER_CUBIC)
        return floats(np.clip(1 + amount * noise, 0.2, 2.0))

    def lay(self, cover: Floats, colour: npt.ArrayLike) -> None:
        """Cover with a colour: (3,) or (height, width, 3), BGR, linear."""
        share = cover[..., None]
        self.light = (self.light * (1 - share) + np.asarray(colour, np.float32) * share).astype(
            np.float32
        )

    def shade(self, cover: Floats, factor: float) -> None:
        """Multiply what is covered by a factor."""
        self.light *= 1 - (cover * floats(1 - factor))[..., None]

    def hairs(
        self, lines: list[Landmarks], width: float, greys: Landmarks
    ) -> tuple[Floats, Floats]:
        """Return (height, width) cover and brightness of many thin lines, the later above."""
        cover = np.zeros(self.light.shape[:2], np.uint8)
        shine = np.zeros(self.light.shape[:2], np.uint8)
        for line, grey in zip(lines, greys, strict=True):
            self._draw_line(cover, line, width, 255)
            self._draw_line(shine, line, width, int(np.clip(grey, 0, 255)))
        return self._blurred(cover, 0.008), (shine / np.float32(255)).astype(np.float32)

    def finished(self) -> Picture:
        """Return the whole picture with what was painted, 8 bits."""
        whole = self._whole.copy()
        whole[self._window] = encoded(self.light)
        return whole

    def windowed(self, plane: Picture) -> Picture:
        """Return the part of a plane on the picture that is painted on."""
        part: Picture = plane[self._window]
        return part

    def _draw_line(self, plane: Picture, xy: npt.ArrayLike, width: float, value: int) -> None:
        points = np.rint(self.px(xy) * 2**_SUBPIXEL).astype(np.int32)
        thick = max(1, round(width * self.apart_px))
        cv2.polylines(plane, [points], False, value, thick, cv2.LINE_AA, _SUBPIXEL)

    def _softened(self, polygons: list[Landmarks], soft: float) -> Floats:
        plane = np.zeros(self.light.shape[:2], np.uint8)
        for polygon in polygons:
            whole = np.rint(polygon * 2**_SUBPIXEL).astype(np.int32)
            cv2.fillPoly(plane, [whole], 255, cv2.LINE_AA, _SUBPIXEL)
        return self._blurred(plane, soft)

    def _blurred(self, plane: Picture, soft: float) -> Floats:
        cover = floats(plane) / np.float32(255)
        return _smooth(cover, soft * self.apart_px)


def _smooth(plane: Floats, sigma_px: float) -> Floats:
    # A wide blur of a small copy looks the same and costs a hundredth.
    step = max(1, int(sigma_px / 4))
    if step == 1:
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), max(sigma_px, 0.3)), np.float32)
    size = plane.shape[1] // step + 1, plane.shape[0] // step + 1
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma_px / step)
    return np.asarray(cv2.resize(small, (plane.shape[1], plane.shape[0])), np.float32)


def floats(values: npt.ArrayLike) -> Floats:
    """Return colours or lengths as the canvas counts, in single precision."""
    return np.asarray(values, np.float32)


_TO_LINEAR: Final = np.array(
    [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in np.arange(256) / 255],
    np.float32,
)


def linear(bgr: Picture) -> Floats:
    """Return sRGB pixels as linear light, 0..1. Source: IEC 61966-2-1."""
    return floats(_TO_LINEAR[bgr])


def encoded(light: Floats) -> Picture:
    """Return linear light as sRGB pixels of 8 bits, clipped. Source: IEC 61966-2-1."""
    inside = np.clip(light, 0, 1)
    curve = np.where(inside <= 0.0031308, inside * 12.92, 1.055 * np.power(inside, 1 / 2.4) - 0.055)
    return np.asarray(np.rint(curve * 255), np.uint8)


def moved(points: npt.ArrayLike, x: float = 0.0, y: float = 0.0) -> Landmarks:
    """Return points (n, 2), all of them moved by so much."""
    placed: Landmarks = np.asarray(points, np.float64) + np.array([x, y])
    return placed


def curve(points: npt.ArrayLike, count: int = 40) -> Landmarks:
    """Return a smooth line through points (n, 2): Catmull-Rom, `count` points between two."""
    given = np.asarray(points, np.float64)
    ends = np.vstack([2 * given[0] - given[1], given, 2 * given[-1] - given[-2]])
    t = np.linspace(0, 1, count, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        parts.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
                   + (3 * b - a - 3 * c + d) * t**3)
        )  # fmt: skip
    return np.vstack([*parts, given[-1:]])

"""What a camera would see: the demo's people by pose, place, distance, light and blink.

Everything is painted from the demo's photographs by fixed numbers, so a view is the same picture
wherever it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from demo.pictures import EYES_PX, STILL_PX, PersonMask
from demo.studio import Person, Picture, Stand, cut_out, developed, place, wall

LIVE_PX: Final = (1280, 720)
STILL_SCALE: Final = STILL_PX[0] / LIVE_PX[0]
MIDDLE: Final = (0.5, 0.466)
UPRIGHT_DEG: Final = -9.0
"""The first man's photograph, turned so that his head is straight."""


@dataclass(frozen=True)
class View:
    """Who stands where, in which light; `shut` of the first person's eyes."""

    people: tuple[tuple[str, Stand], ...] = ()
    light: float = 1.0
    shut: bool = False


def _man(at: tuple[float, float] = MIDDLE, deg: float = 0.0, scale: float = 1.0) -> View:
    """The first man, tilted anticlockwise by so many degrees."""
    return View((("man-25.jpg", Stand(at, UPRIGHT_DEG + deg, scale)),))


VIEWS: Final[Mapping[str, View]] = {
    "nobody": View(),
    "far": _man((0.5, 0.55), scale=0.5),
    "aside": _man((0.27, 0.466)),
    "low": _man((0.5, 0.72)),
    "tilted": _man(deg=12.0),
    "leaning": _man(deg=6.6),
    "straight": _man(),
    "dark": View((("man-25.jpg", Stand(MIDDLE, UPRIGHT_DEG)),), light=0.06),
    "dim": View((("man-25.jpg", Stand(MIDDLE, UPRIGHT_DEG)),), light=0.75),
    "shut": View((("man-25.jpg", Stand(MIDDLE, UPRIGHT_DEG)),), shut=True),
    "two": View(
        (
            ("man-in-suit.jpg", Stand((0.74, 0.466), -6.5)),
            ("man-25.jpg", Stand((0.26, 0.466), UPRIGHT_DEG)),
        )
    ),
    "turned": View((("man-35.jpg", Stand(MIDDLE, 0.0, 0.94)),)),
    "laughing": View((("man-laughing.jpg", Stand(MIDDLE)),)),
    "elder": View((("woman-78.jpg", Stand((0.5, 0.55))),)),
    "beside": _man((0.511, 0.466)),
    "leaving": _man((0.5, 0.49), scale=0.8),
    "left": _man((0.5, 0.52), scale=0.65),
}
STILLS: Final = ("straight", "beside", "shut", "leaning")
"""Views that are looked at as stills too."""


@dataclass
class Studio:
    """Paints views, each once; `landmarks` are asked for where eyes are to be shut."""

    pictures: Path
    person_mask: PersonMask
    landmarks: Callable[[Picture], np.ndarray] | None = None
    _cut: dict[str, Person] = field(default_factory=dict)
    _painted: dict[str, Picture] = field(default_factory=dict)

    def still(self, name: str) -> Picture:
        """Return a view as a still, (828, 1472, 3)."""
        if name not in self._painted:
            self._painted[name] = self._paint(name)
        return self._painted[name]

    def _paint(self, name: str) -> Picture:
        view = VIEWS[name]
        scene = wall(*STILL_PX)
        for file, stand in view.people:
            scene = place(scene, self._person(file), stand)
        picture = developed(scene * view.light)
        if not view.shut:
            return picture
        assert self.landmarks is not None
        return _lids_down(picture, self.landmarks(picture))

    def preview(self, name: str) -> Picture:
        """Return a view as a preview frame, (720, 1280, 3)."""
        return np.asarray(cv2.resize(self.still(name), LIVE_PX, interpolation=cv2.INTER_AREA))

    def _person(self, file: str) -> Person:
        if file not in self._cut:
            bgr = cv2.imread(str(self.pictures / file))
            self._cut[file] = cut_out(bgr, self.person_mask(bgr), EYES_PX[file])
        return self._cut[file]


def _lids_down(bgr: Picture, landmarks_px: np.ndarray) -> Picture:
    """Return the picture with closed eyes: the skin above is drawn over them, lashes at its end."""
    height_px, width_px = bgr.shape[:2]
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.float32)
    out = bgr.astype(np.float32)
    for eye in (landmarks_px[60:68], landmarks_px[68:76]):
        (left, lid), (right, bottom) = eye.min(axis=0), eye.max(axis=0)
        wide, middle = right - left, (left + right) / 2
        top, end = float(eye[:, 1].mean() - 0.28 * wide), bottom + 0.04 * wide
        lid -= 0.03 * wide
        weight = np.clip(1 - ((x - middle) / (0.62 * wide)) ** 4, 0, 1)
        drawn = np.where((y >= top) & (y <= end), top + (y - top) * (lid - top) / (end - top), y)
        rows = np.asarray(y * (1 - weight) + drawn * weight, np.float32)
        out = cv2.remap(out, x, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        lashes = ((abs(y - end) < 0.03 * wide) & (abs(x - middle) < 0.5 * wide)).astype(np.float32)
        lashes = 0.8 * cv2.GaussianBlur(lashes, (0, 0), float(0.02 * wide + 0.5))[:, :, None]
        out = out * (1 - lashes) + np.array((40, 45, 60), np.float32) * lashes
    return np.asarray(np.clip(np.rint(out), 0, 255), np.uint8)

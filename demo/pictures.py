"""The demo's subjects: what the camera sees of each, and the advice that each must lead to.

The scenes are composed once from pinned photographs and kept as PNG files in the camera's folder.
The numbers below belong to those very photographs (`pictures.toml` pins their digests).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from demo.studio import Picture, Stand, cut_out, developed, place, wall
from drivers.camera import Frame
from edge.vision.client import VisionWorker

STILL_PX: Final = (1472, 828)
"""So large that the subject's eyes are more than 120 px apart in the 1280 px wide preview too."""
RECIPE: Final = 1
"""Raise it when the studio itself changes: composed scenes of an older recipe are made anew."""

PersonMask = Callable[[Picture], npt.NDArray[np.uint8]]
"""Picture (height, width, 3) BGR to its person, (height, width), 0 background to 255 person."""

EYES_PX: Final[Mapping[str, tuple[float, float]]] = {
    "man-25.jpg": (420, 443),
    "man-35.jpg": (558, 417),
    "man-laughing.jpg": (547, 393),
    "man-in-suit.jpg": (477, 426),
    "woman-78.jpg": (261, 205),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """One composed picture: who stands where, in what light. Nobody makes an empty wall.

    Attributes:
        light_bgr: share of a good light's blue, green and red; the whole room has it.
    """

    name: str
    people: tuple[tuple[str, Stand], ...] = ()
    light_bgr: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def file(self) -> str:
        """Name of the composed file; it changes with everything that goes into it."""
        digest = hashlib.sha256(repr((RECIPE, STILL_PX, self, EYES_PX)).encode()).hexdigest()
        return f"{self.name}-{digest[:10]}.png"


@dataclass(frozen=True, slots=True)
class Subject:
    """What the camera sees, scene by scene with seconds (None: from then on), and what comes of it.

    Attributes:
        expect: catalogue codes of the advice that the last view leads to; empty if it is captured.
        on_the_way: the same of each view before the last, in their order.
    """

    title: str
    views: tuple[tuple[Scene, float | None], ...]
    expect: tuple[str, ...] = ()
    on_the_way: tuple[str, ...] = ()


_MIDDLE: Final = (0.5, 0.466)
_NOBODY: Final = Scene("nobody")
_UPRIGHT: Final = (("man-25.jpg", Stand(_MIDDLE, -9.0)),)
_STRAIGHT: Final = Scene("straight", _UPRIGHT)

SUBJECTS: Final[Mapping[str, Subject]] = {
    "straightens": Subject(
        "a man of about 25, his head tilted at first, then straight",
        (
            (_NOBODY, 2.0),
            (Scene("tilted", (("man-25.jpg", Stand(_MIDDLE, 3.0)),)), 7.0),
            (_STRAIGHT, 60.0),
        ),
        on_the_way=("portrait.no_face", "portrait.straighten_head"),
    ),
    "nearer": Subject(
        "the same man, too far away at first, then near enough",
        (
            (_NOBODY, 2.0),
            (Scene("far", (("man-25.jpg", Stand(_MIDDLE, -9.0, 0.6)),)), 7.0),
            (_STRAIGHT, 60.0),
        ),
        on_the_way=("portrait.no_face", "portrait.too_far"),
    ),
    "lamp": Subject(
        "the same man in a dark room, until somebody switches the lamp on",
        ((Scene("dark", _UPRIGHT, (0.3, 0.3, 0.3)), 8.0), (_STRAIGHT, 60.0)),
        on_the_way=("portrait.light",),
    ),
    "tint": Subject(
        "the same man in yellow light, until the lamp is changed",
        ((Scene("yellow", _UPRIGHT, (0.7, 1.0, 1.0)), 12.0), (_STRAIGHT, 60.0)),
        on_the_way=("portrait.colour_light",),
    ),
    "bright": Subject(
        "the same man in far too much light",
        ((Scene("bright", _UPRIGHT, (1.3, 1.3, 1.3)), None),),
        ("portrait.light_less",),
    ),
    "suit": Subject(
        "a man in a suit who smiles with closed lips",
        ((Scene("suit", (("man-in-suit.jpg", Stand(_MIDDLE, -6.5)),)), None),),
    ),
    "tilted": Subject(
        "the first man, who keeps his head tilted",
        ((Scene("tilted", (("man-25.jpg", Stand(_MIDDLE, 3.0)),)), None),),
        ("portrait.straighten_head",),
    ),
    "turned": Subject(
        "a man of about 35 who looks a little past the camera",
        ((Scene("turned", (("man-35.jpg", Stand(_MIDDLE, 0.0, 0.94)),)), None),),
        ("portrait.turn_right",),
    ),
    "laughing": Subject(
        "a man who laughs, so that his eyes are narrow too",
        ((Scene("laughing", (("man-laughing.jpg", Stand(_MIDDLE)),)), None),),
        ("portrait.close_mouth", "portrait.open_eyes"),
    ),
    "elder": Subject(
        "a woman of about 78 with glasses and a uniform cap, far from the camera",
        ((Scene("elder", (("woman-78.jpg", Stand((0.5, 0.55))),)), None),),
        ("portrait.too_far",),
    ),
    "two": Subject(
        "two people side by side",
        (
            (
                Scene(
                    "two",
                    (
                        ("man-in-suit.jpg", Stand((0.74, 0.466), -6.5)),
                        ("man-25.jpg", Stand((0.26, 0.466), -9.0)),
                    ),
                ),
                None,
            ),
        ),
        ("portrait.many_faces",),
    ),
    "nobody": Subject("an empty place", ((_NOBODY, None),), ("portrait.no_face",)),
}

MOVING: Final = "moving"
MOVING_VIDEO: Final = "man-moving.mp4"
MOVING_PX: Final = (640, 360)


def mask_by(worker: VisionWorker, timeout_s: float = 10.0) -> PersonMask:
    """Return how to ask a started vision worker for a person's mask; raises as the worker does."""
    numbers = itertools.count()

    def person_mask(bgr: Picture) -> npt.NDArray[np.uint8]:
        frame = Frame(bgr, next(numbers), time.monotonic())
        return worker.person_mask(frame, timeout_s)

    return person_mask


def compose(pictures: Path, folder: Path, person_mask: PersonMask) -> None:
    """Make the camera's folder: every scene that is not there yet, and the video.

    Args:
        pictures: the fetched photographs.
        folder: the camera's; made if it is missing.
        person_mask: costs some 20 ms a photograph, called only for scenes that are missing.

    Raises:
        OSError: a photograph cannot be read or a scene cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scenes = {scene.file: scene for s in SUBJECTS.values() for scene, _ in s.views}
    for file, scene in scenes.items():
        if not (folder / file).exists():
            _write(folder / file, _composed(scene, pictures, person_mask))
    if not (folder / MOVING_VIDEO).exists():
        part = folder / f".{MOVING_VIDEO}.part"
        shutil.copyfile(pictures / MOVING_VIDEO, part)
        part.replace(folder / MOVING_VIDEO)


def camera_options(folder: Path, subject: str = "straightens") -> dict[str, object]:
    """Return the folder camera's options for these subjects; `subject` stands there first.

    `camera.plugged` in the folder is the cable (`compose` does not touch it: see `plug_in`);
    `camera.control` is what `drivers.cameras.folder` says. `people.json` in it, where there is one,
    has further people: by name, their views in time, each a PNG of the size of `STILL_PX`.
    """
    scripts = {name: _script(one) for name, one in SUBJECTS.items()}
    width_px, height_px = MOVING_PX
    scripts[MOVING] = {
        "views": [{"picture": MOVING_VIDEO}],
        "still_width_px": width_px,
        "still_height_px": height_px,
    }
    further = folder / "people.json"
    if further.exists():
        for name, views in json.loads(further.read_text()).items():
            scripts[name] = _script_of(views)
    return {
        "folder": folder,
        "scripts": scripts,
        "play": subject,
        "plugged": folder / "camera.plugged",
        "control": folder / "camera.control",
    }


def plug_in(folder: Path) -> None:
    """Plug the demo camera in; removing `camera.plugged` unplugs it."""
    (folder / "camera.plugged").touch()


def _script(subject: Subject) -> dict[str, object]:
    views: list[dict[str, object]] = [
        {"picture": scene.file} | ({} if seconds is None else {"seconds": seconds})
        for scene, seconds in subject.views
    ]
    return _script_of(views)


def _script_of(views: list[dict[str, object]]) -> dict[str, object]:
    width_px, height_px = STILL_PX
    return {"views": views, "still_width_px": width_px, "still_height_px": height_px}


def _composed(scene: Scene, pictures: Path, person_mask: PersonMask) -> Picture:
    canvas = wall(*STILL_PX)
    for file, stand in scene.people:
        bgr = cv2.imread(str(pictures / file))
        if bgr is None:
            raise OSError(f"{file} is not among the fetched pictures")
        photograph = np.asarray(bgr, np.uint8)
        canvas = place(canvas, cut_out(photograph, person_mask(photograph), EYES_PX[file]), stand)
    return developed(canvas * np.array(scene.light_bgr, np.float32))


def _write(path: Path, picture: Picture) -> None:
    encoded, png = cv2.imencode(".png", picture)
    if not encoded:
        raise OSError(f"{path.name} could not be encoded")
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(png.tobytes())
    part.replace(path)

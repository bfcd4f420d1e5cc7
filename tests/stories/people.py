"""People for the stories' camera whom no photograph shows: a cap, a scarf, lids that are down.

They are painted on the demo's own scenes with the brushes that measure the station's seeing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from accuracy.coverings import COVERINGS
from accuracy.defects import Painter
from accuracy.defects_face import eyes_closed
from accuracy.looker import Looker
from demo.pictures import EYES_PX, STILL_PX, SUBJECTS, Scene
from demo.studio import Stand, cut_out, developed, place, wall

STRAIGHT: Final = SUBJECTS["straightens"].views[-1][0]
PAINTED: Final[Mapping[str, tuple[Scene, Painter, float]]] = {
    "lids": (STRAIGHT, eyes_closed, 1.0),
    "cap": (STRAIGHT, COVERINGS["blue cap"].paint, 1.0),
    "scarf": (STRAIGHT, COVERINGS["grey headscarf"].paint, 1.0),
    "window": (STRAIGHT, COVERINGS["window on glasses"].paint, 0.3),
}
LEANING_DEG: Final = 6.5
"""More than the five degrees that a document allows, and less than the crop can turn upright."""


def lay_in(folder: Path, looker: Looker, pictures: Path) -> None:
    """Add the stories' people to a camera folder with composed scenes."""
    for name, (scene, paint, strength) in PAINTED.items():
        bgr = np.asarray(cv2.imread(str(folder / scene.file)), np.uint8)
        seen = looker.look(bgr)
        assert seen.landmarks_px is not None
        assert seen.person_mask is not None
        _write(folder / f"{name}.png", paint(bgr, seen.landmarks_px, seen.person_mask, strength))
    _write(folder / "leaning.png", _leaning(looker, pictures))
    painted = [*PAINTED, "leaning"]
    people = {name: [{"picture": f"{name}.png"}] for name in painted}
    people["bare"] = [{"picture": STRAIGHT.file}]
    (folder / "people.json").write_text(json.dumps(people))


def _leaning(looker: Looker, pictures: Path) -> np.ndarray:
    """Return the first man with his head as far aside as a stiff neck holds it."""
    photograph = np.asarray(cv2.imread(str(pictures / "man-25.jpg")), np.uint8)
    mask = looker.look(photograph).person_mask
    assert mask is not None
    ((_, upright),) = STRAIGHT.people
    # A leaning head needs more room around it for every document.
    stand = Stand((0.5, 0.478), upright.rotate_deg + LEANING_DEG, 0.95)
    man = cut_out(photograph, mask, EYES_PX["man-25.jpg"])
    return developed(place(wall(*STILL_PX), man, stand))


def _write(path: Path, picture: np.ndarray) -> None:
    done, png = cv2.imencode(".png", picture)
    assert done
    path.write_bytes(png.tobytes())

"""How far our measures agree with OFIQ: its table, recorded vectors, another person's port."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isclose
from typing import Any, Final

import cv2
import numpy as np

from accuracy.made_up import made_up_face
from accuracy.material import Material
from accuracy.second_port import SecondPort
from accuracy.shares import Share
from quality.face import MEASURES
from quality.face.absent import ABSENT
from quality.face.face import Face
from quality.measure import Standing, natives

TABLE: Final = "ofiq/expected_results.csv"
VECTORS: Final = tuple(
    f"ofiq/vectors/case_{n:02}.json"
    for n in (0, 1, 3, 5, 6, 7, 9, 12, 13, 14, 15, 16, 18, 20, 22, 23)
)
MADE_UP_FACES: Final = 40
TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Agreement:
    """One comparison.

    Attributes:
        what: in words.
        equal: how many values agree, of how many.
        furthest: largest difference of two values, relative above 1; None where only equality
            was asked.
        apart: names of what does not agree.
    """

    what: str
    equal: Share
    furthest: float | None
    apart: tuple[str, ...]


def agreements(material: Material) -> tuple[Agreement, ...]:
    """Return every comparison there is. Raises `MaterialMissing`."""
    return table(material), vectors(material), second_port()


def table(material: Material) -> Agreement:
    """Compare each component of the conformance table with ours of the same native value."""
    mappings = {
        one.name: one.component
        for one in MEASURES
        if one.standing is Standing.OFIQ_LIKE and one.component
    }
    mappings |= {one.name: one.component for one in ABSENT}
    apart, count = [], 0
    for row in material.rows(TABLE, delimiter=";"):
        for name, component in mappings.items():
            count += 1
            if component(float(row[name])) != int(float(row[f"{name}.scalar"])):
                apart.append(f"{name} at {row[name]}")
    what = "components of OFIQ 1.0.3's conformance table, by our mapping of its native values"
    return Agreement(what, Share(count - len(apart), count), None, tuple(apart))


def vectors(material: Material) -> Agreement:
    """Compare native values and components of the recorded faces with ours."""
    compared = _Compared()
    by_name = {measure.name: measure for measure in MEASURES}
    for path in VECTORS:
        expected = json.loads(material.read(path))
        face = _recorded(material, expected)
        asked = [by_name[name] for name in expected["expected"]]
        ours = natives(asked, face)
        for measure in asked:
            native, component = expected["expected"][measure.name]
            value = ours[measure.name].value
            score = measure.component(value) if measure.component and value is not None else None
            compared.add(f"{measure.name} of {path}", (value, score), (native, component))
    return compared.as_agreement(
        "native values and components of 16 recorded faces, on their own landmarks and masks"
    )


def second_port(faces: int = MADE_UP_FACES) -> Agreement:
    """Compare with ofiqpy on made-up faces. Raises `ModuleNotFoundError` without it."""
    port, compared = SecondPort(), _Compared()
    by_name = {measure.name: measure for measure in MEASURES}
    for seed in range(faces):
        face = made_up_face(seed)
        theirs = port.measure(face)
        ours = natives([by_name[name] for name in theirs], face)
        for name, scored in theirs.items():
            value, component = ours[name].value, by_name[name].component
            score = component(value) if component and value is not None else None
            wanted = (scored.native, scored.component) if scored else (None, None)
            compared.add(f"{name} of made-up face {seed}", (value, score), wanted)
    return compared.as_agreement(
        f"native values and components of {faces} made-up faces by ofiqpy, another port of OFIQ"
    )


class _Compared:
    """Pairs of (native value, component), as they are compared."""

    def __init__(self) -> None:
        self._count, self._furthest, self._apart = 0, 0.0, list[str]()

    def add(
        self,
        name: str,
        ours: tuple[float | None, int | None],
        theirs: tuple[float | None, float | None],
    ) -> None:
        self._count += 1
        (value, score), (wanted, wanted_score) = ours, theirs
        if value is None or wanted is None:
            if value is not wanted:
                self._apart.append(name)
            return
        self._furthest = max(self._furthest, abs(value - wanted) / max(1.0, abs(wanted)))
        same = isclose(value, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        if not same or score != wanted_score:
            self._apart.append(name)

    def as_agreement(self, what: str) -> Agreement:
        equal = Share(self._count - len(self._apart), self._count)
        return Agreement(what, equal, self._furthest, tuple(self._apart))


def _recorded(material: Material, expected: dict[str, Any]) -> Face:
    def plane(key: str, flags: int = cv2.IMREAD_GRAYSCALE) -> Any:
        return material.picture(f"ofiq/vectors/{expected[key]}", flags)

    return Face(
        plane("image", cv2.IMREAD_COLOR),
        np.array(expected["landmarks98"], dtype=np.float64),
        float(expected["yaw_deg_for_IED"]), 0.0, 0.0,
        tuple(expected["face_areas"]),
        parsing=plane("parsing_400"),
        occlusion=plane("occlusion_616_1_visible"),
    )  # fmt: skip

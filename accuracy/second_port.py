"""ofiqpy, another person's port of OFIQ, on the very face that our measures are given.

Only its formulas run: 21 of the 28 outputs, on landmarks, masks, areas and yaw that are handed
over. It is a development dependency (docs/decisions/0011-second-port-of-the-standard.md).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

from quality.face.face import Face

OUTPUTS: Final = 21
"""How many of the standard's outputs need no network of their own."""

_FORMULAS: Final = {
    "geometry": (
        "inter_eye_distance", "crop_of_face", "single_face_present", "eyes_open", "mouth_closed",
    ),
    "pixel": (
        "background_uniformity", "illumination_uniformity", "luminance_variance",
        "under_exposure", "over_exposure", "dynamic_range", "natural_colour",
    ),
    "models": ("eyes_visible", "mouth_occlusion", "face_occlusion"),
}  # fmt: skip
_CORE_FORMULAS: Final = ("luminance_mean", "head_size", "no_head_coverings")


@dataclass(frozen=True, slots=True)
class Scored:
    """One output as ofiqpy has it: native value and component."""

    native: float
    component: float


class SecondPort:
    """ofiqpy's formulas, imported once.

    Raises:
        ModuleNotFoundError: it is not installed; `make test` brings it.
    """

    def __init__(self) -> None:
        with _without_networks():
            self._align = import_module("ofiqpy.align")
            self._session = import_module("ofiqpy.session").Session
            modules = {name: import_module(f"ofiqpy.measures.{name}") for name in _FORMULAS}
            rest = import_module("ofiqpy.measures.core").Measures(None)
        self._formulas: list[Callable[[Any], Any]] = [
            getattr(modules[module], name) for module, names in _FORMULAS.items() for name in names
        ]
        self._formulas += [getattr(rest, name) for name in _CORE_FORMULAS]

    def measure(self, face: Face) -> dict[str, Scored | None]:
        """Return every output of this face by the standard's name; None where not assessed.

        Alignment, region and luminance are its own too. Formulas that need the parsing or the
        occlusion mask are left out if the face has none.
        """
        aligned, landmarks, affine = self._align.align(face.bgr, face.points)
        session = self._session(
            face.bgr, landmarks=face.points, face_areas=list(face.face_areas_px),
            aligned_face=aligned, aligned_landmarks=landmarks, affine=affine,
            # Their angles bear each other's names, as in OFIQ's code.
            pitch=face.yaw_deg, yaw=0.0, roll=0.0,
            parsing=face.parsing, occlusion_mask=face.occlusion,
            landmarked_region=self._align.landmarked_region(landmarks),
        )  # fmt: skip
        asked = [formula for formula in self._formulas if _has_input(formula, face)]
        found = [formula(session) for formula in asked]
        values = [
            one for group in found for one in (group if isinstance(group, tuple) else [group])
        ]
        return {
            value.name: Scored(value.raw, value.scalar) if value.available else None
            for value in values
        }


_OF_PARSING: Final = frozenset({"background_uniformity", "no_head_coverings"})
_OF_OCCLUSION: Final = frozenset({"eyes_visible", "mouth_occlusion", "face_occlusion"})


def _has_input(formula: Callable[[Any], Any], face: Face) -> bool:
    name = formula.__name__
    if face.parsing is None and name in _OF_PARSING:
        return False
    return face.occlusion is not None or name not in _OF_OCCLUSION


@contextmanager
def _without_networks() -> Iterator[None]:
    """Let a module be imported that asks for onnxruntime and, for what is used, never calls it."""
    name = "onnxruntime"
    if name in sys.modules or find_spec(name) is not None:
        yield
        return
    sys.modules[name] = ModuleType(name)
    try:
        yield
    finally:
        del sys.modules[name]

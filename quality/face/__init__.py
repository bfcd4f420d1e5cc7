"""Face measures, one a file, named as ISO/IEC 29794-5 names them.

A module of this folder that declares `MEASURE` is a measure; the others are what measures share.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Final

from quality.measure import Measure

if TYPE_CHECKING:
    from quality.face.face import Face


def _declared() -> tuple[Measure[Face], ...]:
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    return tuple(module.MEASURE for module in modules if hasattr(module, "MEASURE"))


MEASURES: Final = _declared()
"""Every measure of this folder, in the order of their files' names: what a still is asked for."""

LIVE_MEASURES: Final = tuple(measure for measure in MEASURES if not measure.still_only)
"""What guidance asks of every preview frame."""

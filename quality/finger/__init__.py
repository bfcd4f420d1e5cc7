"""Finger measures, one a file, under our own names: none is the ISO/IEC 29794-4 measure."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from quality.finger.print import Print
    from quality.measure import Measure


def _listed() -> tuple[Measure[Print], ...]:
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    return tuple(module.MEASURE for module in modules if hasattr(module, "MEASURE"))


MEASURES: Final = _listed()

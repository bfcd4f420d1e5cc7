"""From a configured name to an open comparer: the name is the module's name; no registry."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Final, Protocol

import structlog
from pydantic import BaseModel

from edge import comparison
from edge.comparison import Comparer

NO_COMPARERS: Final = frozenset({"load", "dlib_worker"})

log = structlog.get_logger("comparison")


class ComparerSettings(Protocol):
    """Which comparer a station uses, and with what: a section of its settings."""

    @property
    def driver(self) -> str:
        """Name of the module."""

    @property
    def options(self) -> Mapping[str, object]:
        """What the module's `Config` knows."""


def comparer_names() -> list[str]:
    """Return the names of the comparers that this station could use."""
    return sorted({module.name for module in iter_modules(comparison.__path__)} - NO_COMPARERS)


def comparer_config(name: str) -> type[BaseModel]:
    """Return what the options of a comparer must fit. Raises `ValueError` for an unknown one."""
    config: type[BaseModel] = _module(name).Config
    return config


def load_comparer(settings: ComparerSettings | None) -> Comparer | None:
    """Open the comparer that a station is configured for; None: an attendant compares.

    None is also the answer where it is configured but not installed, and the log says so.

    Raises:
        ValueError: no such comparer, or options that it refuses (pydantic's `ValidationError`).
        ModelUnfit: a model file is another than the tested one.
    """
    if settings is None:
        return None
    module = _module(settings.driver)
    config = module.Config.model_validate(dict(settings.options))
    missing: str | None = module.missing(config)
    if missing is not None:
        log.warning("comparer_not_installed", device=settings.driver, reason=missing)
        return None
    comparer: Comparer = module.open_comparer(config)
    return comparer


def _module(name: str) -> ModuleType:
    # Before the import, so that a settings file cannot name any module of the machine.
    if name not in comparer_names():
        raise ValueError(f"no comparer {name!r}; there are: {', '.join(comparer_names())}")
    return import_module(f"edge.comparison.{name}")

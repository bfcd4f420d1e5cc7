"""From a configured name to an open look-up: the name is the module's name, no registry."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Final

from pydantic import BaseModel

from edge import candidates
from edge.candidates.lookup import Lookup, Sign

NO_LOOKUPS: Final = frozenset({"load", "lookup"})


def lookup_names() -> list[str]:
    """Return the names of the look-ups that this station has."""
    return sorted({module.name for module in iter_modules(candidates.__path__)} - NO_LOOKUPS)


def lookup_config(name: str) -> type[BaseModel]:
    """Return what the options of a look-up must fit. Raises `ValueError` for an unknown one."""
    config: type[BaseModel] = _module(name).Config
    return config


def open_lookup(name: str, options: Mapping[str, object], station_id: str, sign: Sign) -> Lookup:
    """Open the look-up that module `edge.candidates.<name>` knows.

    Args:
        name: of the module.
        options: what its `Config` takes.
        station_id: as the centre knows us.
        sign: the station key's `sign_jws`: a photo is given to no stranger.

    Raises:
        ValueError: no such look-up, or options that it refuses (pydantic's `ValidationError`).
        OSError: a file that the options name cannot be read.
    """
    module = _module(name)
    config = module.Config.model_validate(options)
    lookup: Lookup = module.open_lookup(config, station_id, sign)
    return lookup


def _module(name: str) -> ModuleType:
    # Before the import, so that a settings file cannot name any module of the machine.
    if name not in lookup_names():
        raise ValueError(f"no look-up {name!r}; there are: {', '.join(lookup_names())}")
    return import_module(f"edge.candidates.{name}")

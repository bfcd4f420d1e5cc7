"""From a configured name to an open sink: the name is the module's name, there is no registry."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Final

from pydantic import BaseModel

from edge import sinks
from edge.sinks.sink import Home, Sink

NO_SINKS: Final = frozenset({"load", "sink"})
PULL: Final = "pull"
"""Driver and name of the sink that a client empties over `/v1`."""


def sink_names() -> list[str]:
    """Return the names of the sinks that this station has."""
    return sorted({module.name for module in iter_modules(sinks.__path__)} - NO_SINKS)


def sending_sinks() -> list[str]:
    """Return the names of the sinks that something is sent to."""
    return [name for name in sink_names() if name != PULL]


def sink_config(name: str) -> type[BaseModel]:
    """Return what the options of a sink must fit. Raises `ValueError` for an unknown sink."""
    config: type[BaseModel] = _module(name).Config
    return config


def open_sink(name: str, options: Mapping[str, object], home: Home | None = None) -> Sink:
    """Open the sink that module `edge.sinks.<name>` knows; without a home nothing is signed there.

    Raises:
        ValueError: no such sink, or options that it refuses (pydantic's `ValidationError`).
        OSError: a file that the options name cannot be read.
    """
    if name == PULL:
        raise ValueError("nothing is sent to a sink that a client empties")
    module = _module(name)
    sink: Sink = module.open_sink(module.Config.model_validate(options), home)
    return sink


def _module(name: str) -> ModuleType:
    # Before the import, so that a settings file cannot name any module of the machine.
    if name not in sink_names():
        raise ValueError(f"no sink {name!r}; there are: {', '.join(sink_names())}")
    return import_module(f"edge.sinks.{name}")

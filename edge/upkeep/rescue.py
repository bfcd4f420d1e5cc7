"""What of a settings file can be used although the whole is refused: section by section.

A key that is refused in one is left out where it has a usual value. A wrong word about the camera
must not keep packages from the centre, nor move the page to a port that no screen shows.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from edge.door_sections import V1, Kiosk, Technician
from edge.section import Section
from edge.settings_sections import Settings, Sink, Station, Store

_S = TypeVar("_S", bound=Section)
_SINKS: Final = TypeAdapter(tuple[Sink, ...])


@dataclass(frozen=True, slots=True)
class Rescued:
    """Sections that could be read; the usual doors where none could.

    Attributes:
        station: None where not even the station's name could be read.
        delivery: holds the sections `station`, `store` and `sinks`, and no other; None if one of
            them cannot be used.
    """

    station: Station | None = None
    kiosk: Kiosk = field(default_factory=Kiosk)
    v1: V1 = field(default_factory=V1)
    technician: Technician = field(default_factory=Technician)
    delivery: Settings | None = None


def rescue(files: Iterable[Path]) -> Rescued:
    """Return what can be used of these files; of each section the first that holds.

    Args:
        files: the station's file, then settings known good.
    """
    tables = [_table(file) for file in files]
    station, store = _first(Station, "station", tables), _first(Store, "store", tables)
    sinks = _sinks(tables)
    delivery = None
    if station is not None and store is not None and sinks:
        delivery = Settings.model_construct(station=station, store=store, sinks=sinks)
    return Rescued(
        station,
        _first(Kiosk, "kiosk", tables) or Kiosk(),
        _first(V1, "v1", tables) or V1(),
        _first(Technician, "technician", tables) or Technician(),
        delivery,
    )


def _first(model: type[_S], name: str, tables: Iterable[Mapping[str, Any]]) -> _S | None:
    for table in tables:
        section: Any = table.get(name)
        # Once more without the keys that were refused: most of them have a usual value.
        for _ in range(2 if isinstance(section, dict) else 0):
            try:
                return model.model_validate(section)
            except ValidationError as refused:
                wrong = {error["loc"][0] for error in refused.errors() if error["loc"]}
                section = {key: one for key, one in section.items() if key not in wrong}
    return None


def _sinks(tables: Iterable[Mapping[str, Any]]) -> tuple[Sink, ...]:
    for table in tables:
        try:
            if "sinks" in table:
                return _SINKS.validate_python(table["sinks"])
        except ValidationError:
            continue
    return ()


def _table(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}

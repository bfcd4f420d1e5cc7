"""What answers on which serial port: for a technician with a screwdriver in the other hand.

Nothing is changed on a module: neither its speed nor its packets; and no port is opened that
somebody else has.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from drivers.errors import DeviceError, PortHeld
from drivers.find_reader import most_telling
from drivers.fingerprint import FingerprintReader
from drivers.load import open_reader, reader_names

UNKNOWN_MODEL: Final = "?"
_UNKNOWN: Final = {"model": UNKNOWN_MODEL, "resolution_ppi": 500}
"""Enough for any driver to say hello; what it says of sizes then comes from the module alone."""

_CHANGING: Final = ("port", "baud", "packet_bytes")
"""Options by which a driver would change what is in a module's flash."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One way to ask a port: a driver, and what it is told of the model."""

    driver: str
    options: Mapping[str, Any]

    @property
    def knows_model(self) -> bool:
        """Whether a model's file or settings stand behind it."""
        return self.options.get("model") != UNKNOWN_MODEL


@dataclass(frozen=True, slots=True)
class Seen:
    """What was met on one port.

    Attributes:
        driver: that was answered; "" if nothing answered, or nothing was asked.
        model: as its file names it, or as the module says; "" if neither does.
        width_px, height_px: of its images; 0 where only a model's file could say.
        resolution_ppi: None where no model's file was named.
        warning: what to know of a reader that answers.
        trouble: why there is none, in a sentence.
        told_by_station: it is the running station's reader, which told this.
    """

    port: str
    driver: str = ""
    model: str = ""
    baud: int = 0
    packet_bytes: int | None = None
    width_px: int = 0
    height_px: int = 0
    resolution_ppi: int | None = None
    warning: str = ""
    finger_at_opening: bool = False
    trouble: str = ""
    held: bool = False
    told_by_station: bool = False


def probes(driver: str = "", options: Mapping[str, Any] | None = None) -> list[Probe]:
    """Return how each port is asked: by the named driver with these options, then by all others."""
    known = {key: value for key, value in (options or {}).items() if key not in _CHANGING}
    named = [Probe(driver, known)] if driver else []
    others = [Probe(name, _UNKNOWN) for name in _zfm_first(reader_names()) if name != driver]
    return named + others


def survey(ports: Sequence[str], ways: Sequence[Probe]) -> Iterator[Seen]:
    """Look at one port after the other; a silent one takes some seconds for each driver."""
    for port in ports:
        yield look_at(port, ways)


def look_at(port: str, ways: Sequence[Probe]) -> Seen:
    """Ask one port in all ways until something answers."""
    failures: list[DeviceError] = []
    for way in ways:
        try:
            with closing(open_reader(way.driver, {**way.options, "port": port})) as reader:
                return _seen(port, way, reader)
        except PortHeld as held:
            return Seen(port, trouble=_reason(port, held), held=True)
        except DeviceError as failure:
            failures.append(failure)
    return Seen(port, trouble=_reason(port, most_telling(failures)))


def told_by_station(device: Mapping[str, Any]) -> Seen | None:
    """Return the running station's own reader out of what it says; None for what is no reader."""
    line = device.get("line")
    if not isinstance(line, dict):
        return None
    return Seen(
        str(line["port"]),
        str(device["driver"]),
        str(device["model"] or line["product"]),
        int(line["baud"]),
        line["packet_bytes"],
        int(line["width_px"]),
        int(line["height_px"]),
        warning=str(device["detail"]),
        finger_at_opening="finger_at_opening" in device["warnings"],
        told_by_station=True,
    )


def same_port(one: str, other: str) -> bool:
    """Tell whether two addresses lead to one port: a link and its device are one."""
    if "://" in one or "://" in other:
        return one == other
    return Path(os.path.realpath(one)) == Path(os.path.realpath(other))


def _seen(port: str, way: Probe, reader: FingerprintReader) -> Seen:
    facts = reader.facts
    return Seen(
        port,
        way.driver,
        reader.model if way.knows_model else facts.product,
        facts.baud,
        facts.packet_bytes,
        facts.width_px,
        facts.height_px,
        reader.resolution_ppi if way.knows_model else None,
        # Of a model that nobody named, the driver knows no more than the size does.
        reader.warning if way.knows_model or facts.width_px else "",
        facts.finger_at_opening,
    )


def _reason(port: str, failure: DeviceError) -> str:
    return str(failure).removeprefix(f"{port}: ")


def _zfm_first(names: Sequence[str]) -> list[str]:
    """Ask the commonest family first: most ports answer before the others are tried."""
    return sorted(names, key=lambda name: (name != "zfm", name))

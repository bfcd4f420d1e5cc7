"""What a camera says of itself, read from what `v4l2-ctl` prints: recorded answers, as text.

Whoever has a camera that we have not can print its answers (docs/cameras.md) and put the text into
`v4l2_listings/`; the simulated node then answers as that camera does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LISTINGS: Final = Path(__file__).with_name("v4l2_listings")

_FORMAT: Final = re.compile(r"\[\d+\]: '(.{4})'")
_SIZE: Final = re.compile(r"Size: Discrete (\d+)x(\d+)")
_RATE: Final = re.compile(r"Interval: Discrete \S+ \(([\d.]+) fps\)")
_CONTROL: Final = re.compile(r"(\w+) 0x([0-9a-f]{8}) \((\w+)\)\s*: (.*)")
_CHOICE: Final = re.compile(r"(\d+): (.+)")
_KINDS: Final = {"int": 1, "bool": 2, "menu": 3}
INACTIVE: Final = 0x10


@dataclass
class Setting:
    """One control, as the camera holds it."""

    number: int
    name: str
    kind: int
    least: int
    most: int
    step: int
    default: int
    value: int
    flags: int
    choices: dict[int, str] = field(default_factory=dict)


@dataclass
class Listing:
    """All that one camera says of itself."""

    driver: str = ""
    card: str = ""
    bus: str = ""
    capabilities: int = 0
    device_caps: int = 0
    formats: dict[str, dict[tuple[int, int], list[float]]] = field(default_factory=dict)
    settings: dict[int, Setting] = field(default_factory=dict)


def listing(name: str) -> Listing:
    """Return the answers of one camera of `v4l2_listings`."""
    text = (LISTINGS / f"{name}.txt").read_text("utf-8")
    found = Listing()
    _read((line.strip() for line in text.splitlines() if not line.startswith("#")), found)
    return found


def _read(lines: Iterator[str], into: Listing) -> None:
    sizes: dict[tuple[int, int], list[float]] = {}
    rates: list[float] = []
    last: Setting | None = None
    for line in lines:
        if match := _CONTROL.match(line):
            last = _setting(match)
            into.settings[last.number] = last
        elif match := _FORMAT.match(line):
            sizes = into.formats[match[1]] = {}
        elif match := _SIZE.match(line):
            rates = sizes[int(match[1]), int(match[2])] = []
        elif match := _RATE.match(line):
            rates.append(float(match[1]))
        elif last is not None and (match := _CHOICE.match(line)):
            last.choices[int(match[1])] = match[2]
        else:
            _head(line, into)


def _head(line: str, into: Listing) -> None:
    name, _, value = line.partition(":")
    match name.strip():
        case "Driver name":
            into.driver = value.strip()
        case "Card type":
            into.card = value.strip()
        case "Bus info":
            into.bus = value.strip()
        case "Capabilities":
            into.capabilities = int(value, 16)
        case "Device Caps":
            into.device_caps = int(value, 16)


def _setting(match: re.Match[str]) -> Setting:
    said = dict(word.split("=", 1) for word in match[4].split() if "=" in word)
    return Setting(
        int(match[2], 16), match[1], _KINDS[match[3]], int(said.get("min", 0)),
        int(said.get("max", 1)), int(said.get("step", 1)), int(said["default"]),
        int(said["value"]), INACTIVE if "inactive" in said.get("flags", "") else 0,
    )  # fmt: skip

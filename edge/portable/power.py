"""Battery and lid, as the system's own files tell of them.

Source: Linux, Documentation/ABI/testing/sysfs-class-power (type, capacity, status, online); the
button driver's /proc/acpi/button/lid/*/state ("state:      open").
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

CHARGING: Final = frozenset({"Charging", "Full", "Not charging"})
"""A battery that the charger holds short of full says "Not charging"."""


@dataclass(frozen=True, slots=True)
class Power:
    """One look at battery and lid.

    Attributes:
        percent: of the fullest battery, 0 to 100; None where there is none, or none is told of.
        on_mains: it is charging, or held by a charger.
        lid_closed: False also where no lid is told of.
    """

    percent: int | None = None
    on_mains: bool = False
    lid_closed: bool = False

    def low(self, min_percent: int) -> bool:
        """Whether no new sitting may begin: it could end in the dark."""
        return self.percent is not None and self.percent < min_percent and not self.on_mains


def look_at_power(supplies: Path, lids: Path) -> Power:
    """Return how battery and lid are.

    Args:
        supplies: `/sys/class/power_supply`, or what stands for it.
        lids: `/proc/acpi/button/lid`, or what stands for it.
    """
    batteries = [one for one in _folders(supplies) if _is_battery(one)]
    found = [percent for one in batteries if (percent := _percent(one)) is not None]
    held = any(_word(one / "status") in CHARGING for one in batteries)
    mains = any(
        _word(one / "online") == "1" for one in _folders(supplies) if _word(one / "type") == "Mains"
    )
    states = [_word(one / "state") for one in _folders(lids)]
    closed = bool(states) and all(state.endswith("closed") for state in states)
    return Power(max(found, default=None), held or mains, closed)


def _is_battery(supply: Path) -> bool:
    # A mouse and a pen have batteries of their own, whose scope is "Device".
    return _word(supply / "type") == "Battery" and _word(supply / "scope") != "Device"


def _percent(battery: Path) -> int | None:
    word = _word(battery / "capacity")
    return min(100, int(word)) if word.isascii() and word.isdecimal() else None


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _word(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""

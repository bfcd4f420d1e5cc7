"""All tests of itself, in the order in which a technician would mend what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from edge.settings import Settings, SettingsError, load_settings
from edge.upkeep.fault import kept_fault
from edge.upkeep.gate import StationDoor
from edge.upkeep.self_test.custody import (
    check_clock,
    check_disk,
    check_keys,
    check_permissions,
    check_store,
)
from edge.upkeep.self_test.devices import check_calibrations, check_devices, check_vision
from edge.upkeep.self_test.doors import check_line, check_ports
from edge.upkeep.self_test.packs import check_fonts, check_voice
from edge.upkeep.self_test.row import NO_FAULTS, Row
from edge.upkeep.self_test.scene import Scene

Check = Callable[[Scene], Iterator[Row]]


def check_start(scene: Scene) -> Iterator[Row]:
    """Say whether the last start ended as its settings say."""
    fault = kept_fault(scene.state)
    if not scene.state.is_dir():
        yield NO_FAULTS.not_assessed("start", "no_state_folder")
    elif fault is None:
        yield NO_FAULTS.held("start", 0.0)
    else:
        yield NO_FAULTS.held("start", 1.0, reason=fault.code, said=fault.sentence)


CHECKS: Final[tuple[Check, ...]] = (
    check_start, check_ports, check_permissions, check_store, check_keys, check_disk, check_clock,
    check_line, check_devices, check_vision, check_calibrations, check_voice, check_fonts,
)  # fmt: skip
STEPS: Final = (
    "settings", "start", "ports", "permissions", "store", "packages", "audit", "station_key",
    "centre_keys", "certificate", "disk", "clock", "clock_behind", "centre_line", "camera",
    "reader", "vision", "calibration", "voice", "fonts",
)  # fmt: skip
"""Every step there is; some come once for each device, sink, pack or certificate."""


def self_test(path: Path, state: Path) -> Iterator[Row]:
    """Yield the row of each step, as soon as it is known.

    Args:
        path: the station's settings file.
        state: the folder of starts.
    """
    try:
        settings = load_settings(path)
    except SettingsError as refused:
        # Without settings nobody knows where anything lies.
        yield NO_FAULTS.held("settings", 1.0, subject=path.name, said=str(refused))
        return
    yield NO_FAULTS.held("settings", 0.0, subject=path.name)
    scene = _scene(settings, state)
    for check in CHECKS:
        yield from check(scene)


def _scene(settings: Settings, state: Path) -> Scene:
    token = settings.store.folder / "v1.token"
    door = StationDoor(settings.v1.port, token, settings.v1.host)
    health = door.ask("/v1/health") if settings.v1.port else None
    if health is None or "devices" not in health:
        return Scene(settings, state)
    return Scene(settings, state, health, door.ask("/v1/devices"))

"""One start of the service: the whole station, or what of it can be had, and never nothing.

First the settings file as it stands, then the last settings that were healthy, then safe mode. What
refuses is tried past in the same process; what kills the process is remembered by the next one
(`edge/upkeep/starts.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from api.listener import Listener
from api.ports import PortTaken
from api.safe.app import Told
from api.safe.serve import open_safe_listeners
from api.serve import check_listeners, open_listeners
from edge import VERSION
from edge.foundation import lay_foundation
from edge.safe_station import open_safe_station
from edge.settings import load_settings
from edge.station import Station, build
from edge.store.errors import StoreBusy
from edge.upkeep.fault import Fault, fault_of
from edge.upkeep.health_watch import HEALTHY_AFTER_S, HealthWatch, Healthy
from edge.upkeep.notices import Notices
from edge.upkeep.rescue import rescue
from edge.upkeep.slots import own_slots
from edge.upkeep.starts import Level
from edge.upkeep.trial import UpdateWatch, on_trial, on_trial_here
from edge.upkeep.ways import Way, Ways
from edge.watchdog import Proof

AGAIN: Final = 75
"""EX_TEMPFAIL: whoever started us shall start us again."""
LOOK_S: Final = 0.25

Watch = Callable[[Mapping[str, Proof], ExitStack], None]
"""Tells whoever keeps the service that it is ready, and that it lives; ended by the stack."""

log = structlog.get_logger("station")


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole station, its doors, and what follows the update that may be in hand."""

    station: Station
    listeners: tuple[Listener, ...]
    updates: UpdateWatch

    def proofs(self) -> Mapping[str, Proof]:
        """Return what proves that each part lives."""
        return self.station.proofs(*self.listeners)


def open_whole(
    path: Path,
    stack: ExitStack,
    notices: Notices | None = None,
    restart: Callable[[], None] | None = None,
) -> Whole:
    """Open everything that a settings file describes; closed by the stack.

    `restart` ends the service where somebody starts it anew; None: nobody does.

    Raises:
        SettingsError, PortTaken: the file, or a port of it.
        Exception: as `edge.station.build` and `api.serve.open_listeners` do.
    """
    settings = load_settings(path)
    check_listeners(settings, path)
    notices, (slots, slot) = notices or Notices(), own_slots(Path(__file__))
    settings = on_trial(settings, slots.update(), slot, stack)
    updates = UpdateWatch(slots, slot, notices)
    station = build(lay_foundation(settings, stack), stack, notices=notices)
    updates.note(station.store)
    return Whole(station, open_listeners(station, stack, path, restart=restart), updates)


def serve_on(
    file: Path,
    state: Path,
    stop: threading.Event,
    watch: Watch,
    say: Callable[[str], object],
    *,
    restart: Callable[[], None] | None = None,
) -> int:
    """Serve until `stop`, with as much of a station as can be had; return the exit code.

    Args:
        file: the settings file.
        state: folder of starts, fault and settings known good; made here.
        stop: set by a signal.
        watch: tells whoever keeps the service.
        say: told one sentence for each thing that is wrong, for the journal of the machine.
        restart: as of `open_whole`.

    Raises:
        StoreBusy, PortTaken: another service runs here, so this one is not needed.
        OSError: the state folder cannot be made.
    """
    state.mkdir(parents=True, exist_ok=True)
    ways = Ways(file, state, VERSION)
    fault = ways.silence()
    for way in ways.whole():
        try:
            return _serve_whole(way, ways, fault, (stop, watch, restart))
        except StoreBusy:
            ways.ended("stopped")
            raise
        except Exception as error:  # whatever it is: the next way may do without it
            met = fault_of(error)
            log.error("start_refused", code=met.code, level_reached=way.level.name.lower(),
                      exc_info=error)  # fmt: skip
            ways.ended(met.code)
            say(met.sentence)
            fault = fault or met
        if stop.is_set():
            return 0
    return _serve_safe(ways, fault or Fault("unexpected", ""), stop, watch)


def _serve_whole(
    way: Way,
    ways: Ways,
    fault: Fault | None,
    around: tuple[threading.Event, Watch, Callable[[], None] | None],
) -> int:
    stop, watch, restart = around
    known_good = way.level is Level.KNOWN_GOOD
    ways.begin(way.level, fault if known_good else None)
    with ExitStack() as stack:
        notices = Notices(fault if known_good else None)
        whole = open_whole(way.file, stack, notices, restart)
        station = whole.station
        healthy = HealthWatch(_healthy(whole, ways, way))
        healthy.start()
        stack.callback(healthy.close)
        watch(whole.proofs(), stack)
        ways.reached("serving")
        while not stop.wait(LOOK_S):
            if station.failed:
                return AGAIN
            if known_good and ways.changed():
                ways.ended("settings_changed")
                return AGAIN
    ways.ended("stopped")
    return 0


def _healthy(whole: Whole, ways: Ways, way: Way) -> Healthy:
    station = whole.station

    def good() -> None:
        if way.level is Level.WHOLE:
            ways.keep_good()

    return Healthy(
        failed=lambda: station.failed,
        reasons=station.reasons,
        devices_work=lambda: all(device.working for device in station.devices()),
        lived=lambda: ways.reached("healthy"),
        good=good,
        each=lambda: whole.updates.note(station.store),
    )


def _serve_safe(ways: Ways, fault: Fault, stop: threading.Event, watch: Watch) -> int:
    slots, slot = own_slots(Path(__file__))
    # A version on trial never opens the journal itself: it might not be its to change.
    level = Level.BARE if on_trial_here(slots.update(), slot) else ways.safe()
    ways.begin(level, fault)
    with ExitStack() as stack:
        station = open_safe_station(fault, level, rescue(ways.files()), stack)
        told = Told(lambda: ways.rows, ways.good.kept, ways.again_s)
        try:
            listeners = open_safe_listeners(station, told, stack)
        except (PortTaken, OSError):
            ways.ended("port_taken")
            raise
        watch(station.proofs(*listeners), stack)
        ways.reached("serving")
        while not stop.wait(LOOK_S):
            if ways.changed():
                ways.ended("settings_changed")
                return AGAIN
            if station.failed or ways.again_s() <= 0:
                ways.ended("again")
                return AGAIN
    ways.ended("stopped")
    return 0


__all__ = ["AGAIN", "HEALTHY_AFTER_S", "PortTaken", "Watch", "open_whole", "serve_on"]

"""The console's listener: what of the station stands behind it, and TLS where a network is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from api.listener import Listener
from api.security import LOOPBACK
from api.technician.app import TECHNICIAN_STREAMS, create_technician_app
from api.technician.console import Annex
from api.technician.station import DeviceOwner, TechnicianStation
from api.tls import browser_context
from edge import VERSION
from edge.clock_state import clock_state
from edge.logs import last_lines
from edge.staff import Staff
from edge.station import Station
from edge.support import bundle_members, station_members
from edge.technician.acts import TechnicianBook
from edge.utc import rfc3339


@dataclass(frozen=True, slots=True)
class Extension:
    """Pages that somebody adds to the console, with the folders of their lines."""

    annexes: tuple[Annex, ...] = ()
    words: tuple[Path, ...] = ()


def open_technician(
    station: Station,
    staff: Staff,
    told: Callable[[], Mapping[str, Any]],
    settings_file: Path | None = None,
    extension: Extension | None = None,
    *,
    restart: Callable[[], None] | None = None,
) -> Listener:
    """Return the console's listener, not started yet.

    Args:
        station: what stands behind it.
        staff: who knows the PINs.
        told: what `GET /v1/support` answers, for the support bundle.
        settings_file: where the settings were read; None where nobody says.
        extension: pages that somebody adds, as the demo its knobs.
        restart: ends the service where somebody starts it anew; None: nobody does.

    Raises:
        TlsUnusable: certificate or key cannot be used.
    """
    section, closing = station.settings.technician, threading.Event()
    extension = extension or Extension()
    tls = None
    if section.certificate is not None and section.private_key is not None:
        tls = browser_context(section.certificate, section.private_key, "technician")
    host = str(section.host)
    own = (f"[{host}]" if ":" in host else host, *section.hosts)
    app = create_technician_app(
        behind_technician(station, told, settings_file, restart), staff, closing, (*own, *LOOPBACK),
        extra=extension.annexes, words=extension.words,
    )  # fmt: skip
    return Listener(app, host, section.port, streams=TECHNICIAN_STREAMS, closing=closing, tls=tls)


def behind_technician(
    station: Station,
    told: Callable[[], Mapping[str, Any]],
    settings_file: Path | None,
    restart: Callable[[], None] | None = None,
) -> TechnicianStation:
    """Return what the console may ask of the station."""
    settings = station.settings
    return TechnicianStation(
        number=settings.station.id,
        software=VERSION,
        settings=settings,
        settings_file=settings_file,
        staff_file=settings.reuse.staff_file or Path(),
        store=station.store,
        book=TechnicianBook(station.store),
        camera=station.camera,
        reader=station.reader,
        devices=station.devices,
        traces=station.traces,
        outboxes=station.outboxes,
        reasons=station.reasons,
        shown=lambda: station.desk.snapshot,
        log_lines=last_lines,
        support=lambda: bundle_members(settings) | station_members(_whole(station, told())),
        maintenance=station.maintenance,
        restart=restart,
        notices=station.notices,
        wizard=station.wizard,
        calibrations=station.calibrations,
    )


def _whole(station: Station, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the bundle says of a running station: `/v1/support`, queues, counts and moves."""
    owners = (station.camera, station.reader)
    return {
        "running": True,
        **told,
        "outboxes": [asdict(queue.status) for queue in station.outboxes],
        "packages": station.store.counts(),
        "alarms": station.store.alarms,
        "warnings": station.store.warnings,
        "clock": asdict(clock_state()),
        "moves": {owner.status.device_id: _moves(owner) for owner in owners},
    }


def _moves(owner: DeviceOwner) -> list[dict[str, str]]:
    return [
        {"at": rfc3339(move.at), "state": move.state.value, "reason": move.reason}
        for move in owner.transitions()
    ]

"""The station's listeners, each a server of its own: pages, `/v1` on loopback, `/v1` on a network.

One server object for each, so that who floods one finds the others as quick as before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from api.app import (
    KIOSK_STREAMS,
    V1_BODY_BYTES_MAX,
    V1_STREAMS,
    KioskStation,
    Listener,
    V1Station,
    create_kiosk_app,
    create_v1_app,
)
from api.guide.serve import open_guide
from api.kiosk.station import Voice
from api.ports import WantedPort, check_ports
from api.security import LOOPBACK, open_or_make_token
from api.technician.serve import Extension, open_technician
from api.tls import server_context
from api.v1.certificates import CertificateIdentity
from api.v1.request_limit import RequestLimit
from api.v1.support import support_answer
from api.v1.visit_order import read_visit_order
from edge import VERSION
from edge.door_sections import V1Network
from edge.logs import last_lines
from edge.settings import Settings
from edge.station import Station
from edge.trust.heads import head_signer


def check_listeners(settings: Settings, source: object) -> None:
    """Raise `PortTaken` for the first port of a station that cannot be had.

    Args:
        settings: what the station will listen on.
        source: where the ports may be changed: the settings' file.
    """
    kiosk, v1 = settings.kiosk, settings.v1
    wanted = [
        WantedPort(kiosk.host, kiosk.port, f"kiosk.port in {source}"),
        WantedPort(v1.host, v1.port, f"v1.port in {source}"),
    ]
    if v1.network:
        host, port = str(v1.network.host), v1.network.port
        wanted.append(WantedPort(host, port, f"v1.network.port in {source}"))
    if settings.guide.enabled:
        guide = settings.guide
        wanted.append(WantedPort(str(guide.host), guide.port, f"guide.port in {source}"))
    if settings.technician.enabled:
        console = settings.technician
        wanted.append(WantedPort(str(console.host), console.port, f"technician.port in {source}"))
    check_ports(wanted)


def open_listeners(
    station: Station,
    stack: ExitStack,
    settings_file: Path | None = None,
    extension: Extension | None = None,
    restart: Callable[[], None] | None = None,
) -> tuple[Listener, ...]:
    """Serve the kiosk pages, `/v1`, `/v1` on the network and both consoles; in this order.

    The last three only where settings say so.

    Args:
        station: an open station.
        stack: closes what is opened here.
        settings_file: where the settings were read, for the technician's console.
        extension: pages that somebody adds to that console.
        restart: ends the service where somebody starts it anew; None: nobody does.

    Raises:
        OSError: a port was taken since `check_listeners`, or the token's file cannot be read.
        TokenUnusable: what stands in the token's file protects nothing.
        TlsUnusable: the network's certificate, key or CA cannot be used.
    """
    if station.carried is not None:
        station.carried.receive(read_visit_order)
    behind = behind_v1(station)
    listeners = [_kiosk(station), _v1(station, behind)]
    network = station.settings.v1.network
    if network is not None:
        listeners.append(_v1_network(station, network, behind))
    if station.settings.guide.enabled and station.desk.staff is not None:
        listeners.append(open_guide(station, station.desk.staff, stack))
    if station.settings.technician.enabled and station.desk.staff is not None:
        told = partial(_support, behind)
        listeners.append(
            open_technician(
                station, station.desk.staff, told, settings_file, extension, restart=restart
            )
        )
    for listener in listeners:
        listener.start()
        stack.callback(listener.close)
    return tuple(listeners)


def _kiosk(station: Station) -> Listener:
    kiosk, closing = station.settings.kiosk, threading.Event()
    app = create_kiosk_app(behind_kiosk(station), closing)
    return Listener(app, kiosk.host, kiosk.port, streams=KIOSK_STREAMS, closing=closing)


def _v1(station: Station, behind: V1Station) -> Listener:
    settings, closing = station.settings, threading.Event()
    token = open_or_make_token(settings.store.folder / "v1.token")
    return Listener(
        create_v1_app(behind, token),
        settings.v1.host,
        settings.v1.port,
        streams=V1_STREAMS,
        closing=closing,
        body_bytes_max=V1_BODY_BYTES_MAX,
    )


def _v1_network(station: Station, network: V1Network, behind: V1Station) -> Listener:
    host, closing = str(network.host), threading.Event()
    identity = CertificateIdentity(station.settings.v1.clients, lambda: station.centre.denied)
    own = (f"[{host}]" if ":" in host else host, *network.hosts)
    return Listener(
        create_v1_app(behind, identity, (*own, *LOOPBACK)),
        host,
        network.port,
        streams=V1_STREAMS,
        closing=closing,
        body_bytes_max=V1_BODY_BYTES_MAX,
        tls=server_context(network.certificate, network.private_key, network.client_ca),
    )


def behind_kiosk(station: Station) -> KioskStation:
    """Return what the pages may ask of the station."""
    settings = station.settings
    return KioskStation(
        desk=station.desk,
        camera=station.camera,
        number=settings.station.id,
        hotline=settings.station.hotline,
        screen_ppi=settings.kiosk.screen_ppi,
        voice=Voice(settings.voice.volume, settings.voice.dialect, settings.voice.packs),
        content=lambda: station.shelf.content,
        printer=settings.kiosk.printer,
    )


def behind_v1(station: Station) -> V1Station:
    """Return what `/v1` may ask of the station."""
    return V1Station(
        station_id=station.settings.station.id,
        software=VERSION,
        settings_sha256=station.settings_sha256,
        store=station.store,
        verifier=station.verifier,
        devices=station.devices,
        reasons=station.reasons,
        notices=lambda: station.notices.codes,
        sinks=tuple(sink.name for sink in station.settings.sinks),
        outboxes=station.queues,
        registry=station.figures.registry,
        orders=station.orders,
        examiner=lambda: station.judge.examiner_state,
        step=lambda sitting_id: _step(station, sitting_id),
        content=lambda: station.shelf.content.heads,
        traces=station.traces,
        transitions=station.transitions,
        log_lines=last_lines,
        audit_head=head_signer(station.store, station.station_key, station.settings.station.id),
        withdraw=station.desk.withdraw,
        prechecks=station.prechecks,
        request_limit=RequestLimit(),
        carried=lambda: None if station.carried is None else station.carried.told(),
        calibrations=station.calibrations,
    )


def _support(behind: V1Station) -> Mapping[str, Any]:
    return support_answer(behind).model_dump(mode="json")


def _step(station: Station, sitting_id: str) -> str | None:
    shown = station.desk.snapshot
    return shown.state.value if shown.sitting_id == sitting_id else None

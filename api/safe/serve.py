"""Opens the listeners of a station in safe mode, on the ports that its settings name.

All of them on loopback: the technician's page is shown without a PIN, because what keeps the PINs
may be broken itself. On a network nothing is served.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack

from api.app import KIOSK_STREAMS, V1_STREAMS
from api.listener import Listener
from api.ports import WantedPort, check_ports
from api.safe.app import Told, create_calm_app, create_fault_app, create_health_app
from edge.safe_station import SafeStation

LOOPBACK = "127.0.0.1"


def open_safe_listeners(station: SafeStation, told: Told, stack: ExitStack) -> tuple[Listener, ...]:
    """Serve the calm page, health and the technician's page; closed by the stack.

    A port of the last two that somebody has is left out: the calm page must come.

    Raises:
        PortTaken: the kiosk's own port; then nothing can be shown at all.
    """
    kiosk, v1 = station.settings.kiosk, station.settings.v1
    check_ports([WantedPort(kiosk.host, kiosk.port, "kiosk.port")])
    wanted = (
        (create_calm_app(station), kiosk.host, kiosk.port, KIOSK_STREAMS),
        (create_health_app(station), v1.host, v1.port, V1_STREAMS),
        (create_fault_app(station, told), LOOPBACK, station.settings.technician.port, V1_STREAMS),
    )
    listeners: list[Listener] = []
    for app, host, port, streams in wanted:
        listener = Listener(app, host, port, streams=streams, closing=threading.Event())
        try:
            listener.start()
        except OSError:
            if not listeners:
                raise
            continue
        stack.callback(listener.close)
        listeners.append(listener)
    return tuple(listeners)

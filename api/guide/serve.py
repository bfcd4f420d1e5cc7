"""The console's listener: what of the station stands behind it, and TLS where a network is."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from api.guide.app import GUIDE_STREAMS, create_guide_app
from api.guide.station import GuideStation
from api.listener import Listener
from api.security import LOOPBACK
from api.tls import browser_context
from edge.assist.acts import ActBook
from edge.assist.desk import AssistDesk
from edge.assist.remote import RemoteHelp
from edge.staff import Staff
from edge.station import Station


def open_guide(station: Station, staff: Staff, stack: ExitStack) -> Listener:
    """Return the console's listener, not started yet; `stack` ends help that goes on.

    Raises:
        TlsUnusable: certificate or key cannot be used.
    """
    guide, closing = station.settings.guide, threading.Event()
    behind = behind_guide(station)
    if isinstance(behind.remote, RemoteHelp):
        stack.callback(behind.remote.close)
    tls = None
    if guide.certificate is not None and guide.private_key is not None:
        tls = browser_context(guide.certificate, guide.private_key, "guide")
    host = str(guide.host)
    own = (f"[{host}]" if ":" in host else host, *guide.hosts)
    app = create_guide_app(behind, staff, closing, (*own, *LOOPBACK))
    return Listener(app, host, guide.port, streams=GUIDE_STREAMS, closing=closing, tls=tls)


def behind_guide(station: Station) -> GuideStation:
    """Return what the console may ask of the station."""
    book = ActBook(station.store)
    remote = RemoteHelp(station.desk, book) if station.settings.service.remote else None
    return GuideStation(
        number=station.settings.station.id,
        floor=AssistDesk(station.desk, book),
        camera=station.camera,
        tickets=station.tickets,
        waiting=station.orders.waiting,
        running=station.orders.running,
        book=book,
        remote=remote,
    )

"""A station's listeners, over a real journal, for whoever tries to get in."""

from __future__ import annotations

import http.client
import json
import random
import re
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from flask import Flask

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
from api.kiosk.station import Desk, Previews
from api.tls import server_context
from api.v1.caller import Identity
from api.v1.certificates import CertificateIdentity
from edge.door_sections import Scope, V1Client
from edge.orders import Known, Orders
from edge.sitting import Snapshot, State
from edge.store import Store
from proofs.premises import SINK, Premises, make_premises, open_store
from proofs.trespassing.authority import Ca, Leaf, client_context, pin_of

TOKEN: Final = "k" * 43
SITTING_TOKEN: Final = "5" * 32
LIMIT_S: Final = 60.0
SCOPES: Final[tuple[Scope, ...]] = ("station:read", "packages:collect")

Breaking = Callable[[Flask], None]
"""Breaks an application on purpose, for a control."""


class AlarmedDesk:
    """A sitting that stands at its portrait; whoever changes anything is noted."""

    snapshot = Snapshot(token=SITTING_TOKEN, state=State.PORTRAIT, camera="ready", reader="ready")

    def __init__(self) -> None:
        self.touched: list[str] = []

    def wait(self, after_revision: int, timeout_s: float) -> Snapshot:
        """Return the one screen."""
        return self.snapshot

    def portrait_jpeg(self, token: str) -> bytes | None:
        """Return no picture."""
        return None

    earlier_photo_jpeg = live_look_jpeg = portrait_jpeg

    def __getattr__(self, name: str) -> Callable[..., Snapshot]:
        def note(*_: object, **__: object) -> Snapshot:
            self.touched.append(name)
            return self.snapshot

        return note


class DarkCamera:
    """A camera that never has a frame."""

    def wait_preview(self, after: int, timeout_s: float) -> None:
        """Return nothing."""


@dataclass(frozen=True, slots=True)
class Door:
    """One method of one path of one listener."""

    listener: Listener
    app: Flask
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    slug: str


def doors_of(listener: Listener, app: Flask) -> list[Door]:
    """Return every method of every path, ids filled in."""
    found = sorted(
        (method, re.sub("<[^>]+>", lambda _: str(uuid.uuid4()), rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"OPTIONS"}
    )
    return [Door(listener, app, method, path) for method, path in found]


def knock(door: Door, headers: Sequence[tuple[str, str]]) -> Answer:
    """Send one request with exactly these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", door.listener.port, timeout=LIMIT_S)
    try:
        connection.putrequest(door.method, door.path, skip_host=True, skip_accept_encoding=True)
        for name, value in (*headers, ("Content-Length", "0"), ("Connection", "close")):
            connection.putheader(name, value)
        connection.endheaders()
        return heard(connection.getresponse())
    finally:
        connection.close()


def heard(answer: http.client.HTTPResponse) -> Answer:
    """Return status and slug; a stream is left unread."""
    kind = answer.getheader("Content-Type", "")
    body = answer.read() if "json" in kind else b""
    said: dict[str, Any] = json.loads(body) if body else {}
    return Answer(answer.status, str(said.get("type", "")).rpartition(":")[2])


@contextmanager
def kiosk_and_v1(folder: Path, breaking: Breaking) -> Iterator[tuple[AlarmedDesk, list[Door]]]:
    """Serve the pages and `/v1` with its token, broken as the control wants it."""
    desk, closing = AlarmedDesk(), threading.Event()
    with _behind(folder) as (_, _, station):
        pages = create_kiosk_app(
            KioskStation(cast(Desk, desk), cast(Previews, DarkCamera()), "st", "1", 102.46),
            closing,
        )
        interface = create_v1_app(station, TOKEN)
        with ExitStack() as stack:
            doors: list[Door] = []
            for app, streams in ((pages, KIOSK_STREAMS), (interface, V1_STREAMS)):
                breaking(app)
                ends = closing if app is pages else threading.Event()
                listener = Listener(app, "127.0.0.1", 0, streams=streams, closing=ends)
                stack.callback(listener.close)
                listener.start()
                doors += doors_of(listener, app)
            yield desk, doors


@dataclass(frozen=True, slots=True)
class Guarded:
    """`/v1` as on a network, the CAs on both sides, and the client that belongs there."""

    listener: Listener
    clients: Ca
    servers: Ca
    right: Leaf

    def ask(self, leaf: Leaf | None, path: str) -> Answer:
        """Ask once with this certificate. Raises `OSError` where the handshake fails."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.listener.port, timeout=LIMIT_S,
            context=client_context(self.servers, leaf),
        )  # fmt: skip
        try:
            connection.request("GET", path)
            return heard(connection.getresponse())
        finally:
            connection.close()


MakeIdentity = Callable[[Sequence[V1Client], frozenset[str]], Identity]


def by_certificate(clients: Sequence[V1Client], denied: frozenset[str]) -> Identity:
    """Know clients as the product does."""
    return CertificateIdentity(clients, lambda: denied)


Loosening = Callable[[ssl.SSLContext, Ca], None]
"""Loosens what the handshake demands, given the CA that should not count, for a control."""


@contextmanager
def guarded(
    folder: Path,
    identity: MakeIdentity = by_certificate,
    loosen: Loosening = lambda context, ca: None,
) -> Iterator[Guarded]:
    """Serve `/v1` to certificates: "right" is pinned, "far" lives elsewhere, "out" is out."""
    clients, servers = Ca(folder / "clients", "clients"), Ca(folder / "servers", "servers")
    right, server = clients.client("right"), servers.server()
    rows = [
        V1Client(name="right", scopes=SCOPES, pins=(pin_of(right.key),)),
        V1Client.model_validate({"name": "far", "scopes": SCOPES, "ips": ["192.0.2.0/24"]}),
        V1Client(name="out", scopes=SCOPES),
        V1Client(name="idle"),
    ]
    with _behind(folder) as (_, _, station):
        app = create_v1_app(station, identity(rows, frozenset({"out"})))
        context = server_context(server.file, server.file, clients.file)
        loosen(context, servers)
        listener = Listener(
            app, "127.0.0.1", 0, streams=V1_STREAMS, closing=threading.Event(),
            body_bytes_max=V1_BODY_BYTES_MAX,
            tls=context,
        )  # fmt: skip
        listener.start()
        try:
            yield Guarded(listener, clients, servers, right)
        finally:
            listener.close()


@contextmanager
def _behind(folder: Path) -> Iterator[tuple[Premises, Store, V1Station]]:
    premises = make_premises(folder / "keys")
    with open_store(folder) as store, ExitStack() as stack:
        orders = Orders(store, Known(), None)
        stack.callback(orders.close)
        yield premises, store, V1Station(
            premises.station_id, "proof", "0" * 64, store, premises.verifier, list, list, (SINK,),
            orders=orders,
        )  # fmt: skip


def any_of(dice: random.Random, doors: Sequence[Door], *methods: str) -> Door:
    """Return one door, by one of these methods if any is named."""
    return dice.choice([door for door in doors if not methods or door.method in methods])

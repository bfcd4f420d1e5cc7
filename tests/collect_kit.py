"""A station's `/v1` on a real listener with a real store, for clients that come over a socket."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.app import V1_BODY_BYTES_MAX, V1_STREAMS, Listener, V1Station, create_v1_app
from api.v1.caller import Identity
from edge.store import Store
from tests import order_kit
from tests.delivery_kit import SINK, STATION, Kit

TOKEN = "k" * 43
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SINKS = {SINK: "custody", "pull": "custody"}
OUTSIDE = Path(__file__).parent.parent / ".cache" / "anxin" / "outside" / "bin"
"""Programs of other people, in an environment of their own."""


@dataclass(frozen=True)
class Served:
    """One station that a client can reach."""

    kit: Kit
    store: Store
    station: V1Station
    url: str


def whole_app(station: V1Station):
    """The interface with every route that a station can have."""
    return create_v1_app(station, TOKEN)


@contextmanager
def served(
    kit: Kit, folder: Path, identity: Identity | str = TOKEN, tls: ssl.SSLContext | None = None
) -> Iterator[Served]:
    """Serve `/v1` on a free port, with orders: to a token, or to certificates."""
    with (
        Store.open(folder / "store.db", folder / "store.key") as store,
        order_kit.opened(store) as orders,
    ):
        station = V1Station(
            STATION, "0.1.0", "0" * 64, store, kit.verifier, list, list, (SINK, "pull"),
            orders=orders,
        )  # fmt: skip
        listener = Listener(
            create_v1_app(station, identity), "127.0.0.1", 0, streams=V1_STREAMS,
            closing=threading.Event(), body_bytes_max=V1_BODY_BYTES_MAX, tls=tls,
        )  # fmt: skip
        listener.start()
        try:
            yield Served(kit, store, station, listener.url.rstrip("/"))
        finally:
            listener.close()

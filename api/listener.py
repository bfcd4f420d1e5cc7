"""One web listener: cheroot's workers behind a porch, bounded in every direction, quick to stop.

Limits and their measured reasons: cheroot's defaults are unlimited or small; any fixed pool starves
when streams reach its threads, so threads are the stream caps plus `SPARE_THREADS`. Slow clients
wait in `api.porch`; each listener has its own, so that a flood of one starves no other.
"""

from __future__ import annotations

import ipaddress
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

import structlog
from cheroot import wsgi

from api.connection import Connection
from api.departure import Gateway
from api.head import HEADER_BYTES_MAX
from api.porch import SAY_AGAIN_S, Porch
from api.tls import TlsDoor
from api.visitors import Limits

__all__ = ["BODY_BYTES_MAX", "HEADER_BYTES_MAX", "Limits", "Listener"]

BODY_BYTES_MAX: Final = 1024 * 1024
"""The applications refuse at 256 KiB with a problem; beyond this cheroot's own text will do."""
QUEUE_SIZE: Final = 512
"""Connections that wait to be accepted; one that finds no room there tries again a second later."""
SPARE_THREADS: Final = 16
PER_ADDRESS: Final = 16
"""Connections of one address on a network: two streams, four leases and their downloads, twice."""
STOP_TIMEOUT_S: Final = 2

App = Callable[..., Iterable[bytes]]

log = structlog.get_logger("listener")


class _Server(wsgi.Server):
    """cheroot with the porch between its accept thread and its workers."""

    ConnectionClass = Connection
    porch: Porch
    closing: threading.Event
    answered = 0
    """Answers that were begun. Two threads may count one at once: only that it moves matters."""

    def process_conn(self, conn: Connection) -> None:
        """Let a new connection wait for its first request."""
        self.porch.admit(conn)

    def put_conn(self, conn: Connection) -> None:
        """Let a connection wait for its next request."""
        self.porch.admit(conn)

    @property
    def can_add_keepalive_connection(self) -> bool:
        """Whether an answer may leave its connection open."""
        return bool(self.ready) and self.porch.has_idle_room


class Listener:
    """Serves one WSGI application on one address.

    Args:
        app: the application; its streams must watch `closing` and end soon after it is set.
        host: its address; without `tls` a loopback address.
        port: 0 takes any free one, see `port`.
        streams: how many long answers the application allows at once.
        closing: set by `close` before the threads are joined.
        body_bytes_max: beyond it a request is refused before the application sees it.
        tls: of `api.tls.server_context`; None: plain HTTP, on loopback only.
        limits: how long and how many; by default `PER_ADDRESS` connections of one address where
            the network can reach it, and of all together on loopback.
    """

    def __init__(
        self,
        app: App,
        host: str,
        port: int,
        *,
        streams: int,
        closing: threading.Event,
        body_bytes_max: int = BODY_BYTES_MAX,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
    ) -> None:
        loopback = ipaddress.ip_address(host).is_loopback
        if tls is None and not loopback:
            raise ValueError("a listener without transport security serves loopback only")
        self.host = host
        self._closing = closing
        self._scheme = "http" if tls is None else "https"
        self._answered_before = 0
        self._server: Any = _Server(
            (host, port),
            app,
            numthreads=streams + SPARE_THREADS,
            max=streams + SPARE_THREADS,
            server_name="anxin",
            request_queue_size=QUEUE_SIZE,
            shutdown_timeout=STOP_TIMEOUT_S,
        )
        # A stream asks them whether anybody listens still.
        self._server.gateway, self._server.closing = Gateway, closing
        self._server.max_request_header_size = HEADER_BYTES_MAX
        self._server.max_request_body_size = body_bytes_max
        if tls is not None:
            self._server.ssl_adapter = TlsDoor(tls)
        limits = limits or Limits(per_address=None if loopback else PER_ADDRESS)
        self._porch = self._server.porch = Porch(limits, body_bytes_max, self._server.requests.put)
        # How long it sleeps at most: the end of the listener waits for it.
        self._server.expiration_interval = 0.1
        # The name and version of the server are nobody's business.
        self._server.software = "anxin"
        setattr(self._server, "error_log", _FailureLog())  # noqa: B010, it is meant to be replaced so
        self._thread = threading.Thread(
            target=self._server.serve, name=f"listener-{port}", daemon=True
        )

    def start(self) -> None:
        """Bind and serve. Raises `OSError` if the address is taken."""
        self._server.prepare()
        self._porch.start()
        self._thread.start()

    @property
    def port(self) -> int:
        """The bound port; only after `start`."""
        return int(self._server.bind_addr[1])

    @property
    def connections(self) -> int:
        """How many connections are open now, waiting or being answered."""
        return self._porch.connections

    @property
    def idle_connections(self) -> int:
        """How many of them wait for a request of which nothing has come yet."""
        return self._porch.idle

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it; only after `start`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self._scheme}://{host}:{self.port}/"

    def works(self) -> bool:
        """Tell whether a worker is free, or something was answered since this was last asked."""
        before, self._answered_before = self._answered_before, self._server.answered
        return bool(self._server.requests.idle) or before != self._answered_before

    def close(self) -> None:
        """End the streams, the threads and the socket. Closing twice is allowed."""
        self._closing.set()
        self._porch.close()
        if self._thread.ident is None:
            return
        self._server.stop()
        self._thread.join()


class _FailureLog:
    """Says which kind of error ended connections: each kind once in `SAY_AGAIN_S`, with its count.

    Anybody on the network can cause one: a line for each would be a way to fill the disk. Never an
    error's words or traceback: they may quote a request.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said_s: dict[str, float] = {}
        self._count: Counter[str] = Counter()

    def __call__(self, message: str = "", level: int = 20, traceback: bool = False) -> None:
        """Take what cheroot would write down."""
        kind = sys.exc_info()[0]
        error = kind.__qualname__ if kind else ""
        now_s = time.monotonic()
        with self._lock:
            self._count[error] += 1
            if now_s - self._said_s.get(error, -SAY_AGAIN_S) < SAY_AGAIN_S:
                return
            self._said_s[error] = now_s
            count = self._count.pop(error)
        log.warning("listener_failed", level=level, error=error, count=count)

"""One web listener: cheroot in threads, bounded in every direction, quick to stop.

Limits and their measured reasons: cheroot's defaults are unlimited or small; any fixed pool starves
when streams reach its threads, so threads are the stream caps plus `SPARE_THREADS`.
"""

from __future__ import annotations

import ipaddress
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

import structlog
from cheroot import wsgi

HEADER_BYTES_MAX: Final = 16 * 1024
BODY_BYTES_MAX: Final = 1024 * 1024
"""The applications refuse at 256 KiB with a problem; beyond this cheroot's own text will do."""
QUEUE_SIZE: Final = 128
IDLE_CONNECTIONS_MAX: Final = 64
SPARE_THREADS: Final = 16
SOCKET_TIMEOUT_S: Final = 10
STOP_TIMEOUT_S: Final = 2

App = Callable[..., Iterable[bytes]]

log = structlog.get_logger("listener")


class Listener:
    """Serves one WSGI application on one loopback address.

    Args:
        app: the application; its streams must watch `closing` and end soon after it is set.
        host: a loopback address; others are refused until there is transport security.
        port: 0 takes any free one, see `port`.
        streams: how many long answers the application allows at once.
        closing: set by `close` before the threads are joined.
        body_bytes_max: beyond it a request is refused before the application sees it.
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
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError("a listener without transport security serves loopback only")
        self.host = host
        self._closing = closing
        self._server: Any = wsgi.Server(
            (host, port),
            app,
            numthreads=streams + SPARE_THREADS,
            max=streams + SPARE_THREADS,
            server_name="anxin",
            request_queue_size=QUEUE_SIZE,
            timeout=SOCKET_TIMEOUT_S,
            shutdown_timeout=STOP_TIMEOUT_S,
        )
        self._server.max_request_header_size = HEADER_BYTES_MAX
        self._server.max_request_body_size = body_bytes_max
        self._server.keep_alive_conn_limit = IDLE_CONNECTIONS_MAX
        # The name and version of the server are nobody's business.
        self._server.software = "anxin"
        setattr(self._server, "error_log", _log_code)  # noqa: B010, it is meant to be replaced so
        self._thread = threading.Thread(
            target=self._server.serve, name=f"listener-{port}", daemon=True
        )

    def start(self) -> None:
        """Bind and serve. Raises `OSError` if the address is taken."""
        self._server.prepare()
        self._thread.start()

    @property
    def port(self) -> int:
        """The bound port; only after `start`."""
        return int(self._server.bind_addr[1])

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it; only after `start`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    def close(self) -> None:
        """End the streams, the threads and the socket. Closing twice is allowed."""
        self._closing.set()
        if self._thread.ident is None:
            return
        self._server.stop()
        self._thread.join()


def _log_code(message: str = "", level: int = 20, traceback: bool = False) -> None:
    """Log that the server failed, never its words or traceback: they may quote a request."""
    error = sys.exc_info()[0]
    log.warning("listener_failed", level=level, error=error.__qualname__ if error else "")

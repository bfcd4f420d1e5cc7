"""How a stream that has nothing to say learns at once that nobody listens any more."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Mapping
from typing import Any, Final

from cheroot import wsgi

CONNECTION: Final = "anxin.connection"
CLOSING: Final = "anxin.closing"
SILENT_PEER_MS: Final = 30_000
_GONE: Final = select.POLLRDHUP | select.POLLHUP | select.POLLERR | select.POLLNVAL


class Gateway(wsgi.Gateway_10):
    """Tells the application which connection a request came on, and when its listener closes."""

    def get_environ(self) -> Any:
        """Return the request's environ with its socket and its listener's `closing`."""
        environ: Any = super().get_environ()  # type: ignore[no-untyped-call]
        environ[CONNECTION] = self.req.conn.socket
        environ[CLOSING] = self.req.server.closing
        return environ

    def respond(self) -> None:
        """Answer, and close what the application opened, whatever becomes of the connection.

        cheroot sends headers that are due before it closes: where the client is gone, it forgets
        to close, and the place of a stream of which only the HEAD was asked would never come back.
        """
        answer: Any = self.req.server.wsgi_app(self.env, self.start_response)
        try:
            for piece in filter(None, answer):
                self.write(piece)
            self.req.ensure_headers_sent()
        finally:
            if hasattr(answer, "close"):
                answer.close()


class Listening:
    """Whether the client of one request still listens and the listener goes on.

    Of a request that came without a socket, as a test's may: always.
    """

    def __init__(self, environ: Mapping[str, Any]) -> None:
        """Watch the connection; a peer that vanished without a word is given up after 30 s."""
        connection: socket.socket | None = environ.get(CONNECTION)
        self._closing: threading.Event = environ.get(CLOSING) or threading.Event()
        self._poll = None
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_PEER_MS)
            self._poll = select.poll()
            self._poll.register(connection.fileno(), _GONE)

    def __bool__(self) -> bool:
        return not (self._closing.is_set() or (self._poll is not None and self._poll.poll(0)))

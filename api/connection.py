"""cheroot's connection, with a worker that never waits for a client's bytes.

`api.porch` collects a request in whole and only then hands the connection to a worker: what the
worker reads lies in memory (`Received`), and what it writes may only take so long (`Writer`).
It leans on names inside cheroot 11.1; `tests/test_listener.py` holds them to it.
"""

from __future__ import annotations

import io
import socket
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

from cheroot.server import HTTPConnection, HTTPRequest
from flask import json

from api.problems import BY_SLUG, BY_STATUS, LANGUAGES, MEDIA_TYPE, Problem
from api.security import HEADERS

if TYPE_CHECKING:
    from api.porch import Porch

SEND_BYTES: Final = 64 * 1024
SLOW_S: Final = 1.0
"""A client that takes longer than this to make room holds one of the few slow places."""
REASONS: Final = {
    400: "Bad Request", 405: "Method Not Allowed", 408: "Request Timeout",
    413: "Content Too Large", 414: "URI Too Long", 500: "Internal Server Error",
    501: "Not Implemented", 503: "Service Unavailable", 505: "HTTP Version Not Supported",
}  # fmt: skip


class Received(io.BytesIO):
    """The bytes of a request that is here in whole; their end is the end."""

    bytes_read = 0

    def has_data(self) -> bool:
        """Tell whether bytes of a further request came along."""
        return self.tell() < len(self.getbuffer())


class SlowPlaces:
    """How many answers may wait for slow readers at once, and how slow a reader may be.

    Args:
        places: answers that wait for room; the next one is cut off.
        grace_s: what an answer of any size may take.
        bytes_per_s: beyond the grace, an answer must leave so fast on average.
    """

    def __init__(self, places: int, grace_s: float = 10.0, bytes_per_s: int = 16 * 1024) -> None:
        self._places = threading.BoundedSemaphore(places)
        self.closing = False
        self.grace_s = grace_s
        self.bytes_per_s = bytes_per_s

    def enter(self) -> None:
        """Take a place. Raises `TimeoutError` when none is left."""
        if not self._places.acquire(blocking=False):
            raise TimeoutError("too many slow readers")

    def leave(self) -> None:
        """Give it back."""
        self._places.release()

    def close(self) -> None:
        """Wait for nobody any more: the listener ends."""
        self.closing = True


class Writer:
    """Sends answers; only the time that sending takes counts, so that a live stream may be long."""

    def __init__(self, sock: socket.socket, slow: SlowPlaces) -> None:
        self._sock = sock
        self._slow = slow
        self._spent_s = 0.0
        self.bytes_written = 0

    def write(self, content: bytes) -> int:
        """Send all of it. Raises `OSError`, as `TimeoutError` for a reader that is too slow."""
        left, slowly = memoryview(content), False
        began_s = time.monotonic()
        try:
            while left:
                if not slowly and time.monotonic() - began_s >= SLOW_S:
                    self._slow.enter()
                    slowly = True
                left = left[self._send(left[:SEND_BYTES], began_s) :]
        finally:
            self._spent_s += time.monotonic() - began_s
            if slowly:
                self._slow.leave()
        return len(content)

    def _send(self, piece: memoryview, began_s: float) -> int:
        """Send some of it, or nothing within `SLOW_S`."""
        allowed_s = self._slow.grace_s + self.bytes_written / self._slow.bytes_per_s
        spare_s = allowed_s - self._spent_s - (time.monotonic() - began_s)
        if spare_s <= 0 or self._slow.closing:
            raise TimeoutError("timed out")
        self._sock.settimeout(min(SLOW_S, spare_s))
        try:
            sent = self._sock.send(piece)
        except TimeoutError:
            return 0
        self.bytes_written += sent
        return sent


class Request(HTTPRequest):
    """A request whose refusals by the server itself are problems as everywhere."""

    def send_headers(self) -> None:
        """Send them, and end the connection where the application says so.

        What follows a body that nobody reads would be taken for the next request.
        """
        said = (value for name, value in self.outheaders if name.lower() == b"connection")
        if self.chunked_read or any(value.lower() == b"close" for value in said):
            self.close_connection = True
        self.conn.lingers = self.chunked_read
        self.server.answered += 1
        super().send_headers()

    def simple_response(self, status: object, msg: str = "") -> None:
        """Answer with a status; what cheroot would say of it is left out."""
        self.close_connection = True
        self.sent_headers = True
        self.conn.wfile.write(refusal(int(str(status)[:3])))


class Connection(HTTPConnection):
    """One client's connection. At any moment the accept thread, the porch or one worker has it.

    Attributes:
        shaken: the TLS handshake is over.
        lingers: the client may still be sending; the porch reads that away before it closes, or
            the answer would be lost with it (RFC 9112, 9.6).
    """

    RequestHandlerClass = Request
    shaken = False
    lingers = False

    def __init__(self, server: Any, sock: socket.socket, _makefile: object = None) -> None:
        self._closing = threading.Lock()
        self._closed = False
        self.porch: Porch = server.porch

        def make(sock: socket.socket, mode: str, _size: int) -> object:
            return Received() if "r" in mode else Writer(sock, self.porch.slow)

        super().__init__(server, sock, make)

    def close(self) -> None:
        """Close, once; whoever counts connections is told."""
        if self.lingers:
            self._linger()
            return
        with self._closing:
            if self._closed:
                return
            self._closed = True
            super().close()
        self.porch.forget(self)

    def _linger(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.lingers = False
        # Without lingering it is a plain close, from here or from there.
        self.porch.admit(self) if self.lingers else self.close()


def refusal(status: int) -> bytes:
    """Return the whole answer of a server that refuses before the application is asked."""
    problem = _problem(status)
    body = json.dumps(
        {
            "type": problem.type,
            "title": problem.title(LANGUAGES[0]),
            "status": status,
            "instance": f"urn:uuid:{uuid.uuid4()}",
        },
        ensure_ascii=False,
    ).encode()
    fields = {
        "Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), "Connection": "close",
        "Server": "anxin", **HEADERS,
    }  # fmt: skip
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Refused')}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _problem(status: int) -> Problem:
    if status == 414:
        return BY_STATUS[413]
    return (
        BY_STATUS.get(status) or BY_SLUG["internal-error" if status == 500 else "request-refused"]
    )

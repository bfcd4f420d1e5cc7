"""Where connections wait until their request is here in whole: one thread, no worker, a deadline.

cheroot gives each connection to a worker at once, and the worker waits for the client's bytes: as
many silent or dripping clients as there are workers, and nobody else is answered; a TLS handshake
even waits in the accept thread. Here a selector waits for all of them together. Each has a
deadline for its handshake, its request and its idleness; each address has so many connections and
the listener so many in all, the oldest that waits giving way. 200 silent or dripping clients cost
200 places and no worker.

A connection belongs to one thread at a time: accepted, it comes here; with its request in whole it
goes to a worker; kept alive, it comes back.
"""

from __future__ import annotations

import re
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from api.connection import Connection, Received, SlowPlaces, Writer, refusal
from api.head import BadHead, Head, read_head
from api.tls import read_certificate
from api.visitors import Limits, Stage, Visitor

CERTIFICATE: Final = "anxin.certificate"
"""Key of the WSGI environ: the client's `Certificate`, on a listener with TLS."""
TICK_S: Final = 0.25
SAY_AGAIN_S: Final = 60.0
PIECE_BYTES: Final = 64 * 1024
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_EXPECT: Final = re.compile(rb"\r\nexpect:[^\r\n]*", re.IGNORECASE)

log = structlog.get_logger("listener")


class Porch:
    """Waits for all clients of one listener, in a thread of its own.

    Args:
        limits: how long and how many.
        body_bytes_max: an announced body beyond it is refused.
        hand_over: takes a connection whose request is here in whole; must not block.
    """

    def __init__(
        self, limits: Limits, body_bytes_max: int, hand_over: Callable[[Connection], None]
    ) -> None:
        self.slow = SlowPlaces(limits.slow_readers, limits.answer_s, limits.bytes_per_s)
        self._limits = limits
        self._body_bytes_max = body_bytes_max
        self._hand_over = hand_over
        self._lock = threading.Lock()
        self._addresses: dict[Connection, str] = {}
        self._new: deque[Connection] = deque()
        self._closing = False
        self._visitors: dict[Connection, Visitor] = {}
        self._idle = 0
        self._held_bytes = 0
        self._said_s = -SAY_AGAIN_S
        self._selector = selectors.DefaultSelector()
        self._bell, self._clapper = socket.socketpair()
        for end in (self._bell, self._clapper):
            end.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._wait, name="listener-porch", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    @property
    def idle(self) -> int:
        """How many connections are kept open between requests, or have not begun one."""
        return self._idle

    @property
    def has_idle_room(self) -> bool:
        """Whether another connection may be kept open between requests."""
        return self._idle < self._limits.idle

    @property
    def connections(self) -> int:
        """How many connections are open, here and with workers."""
        with self._lock:
            return len(self._addresses)

    def admit(self, conn: Connection) -> None:
        """Let a connection wait for its next request; one too many of its address is closed."""
        with self._lock:
            refused = self._closing or not self._has_room(conn)
            if not refused:
                self._addresses[conn] = _address(conn)
                self._new.append(conn)
        if refused:
            conn.lingers = False
            conn.close()
        else:
            self._ring()

    def forget(self, conn: Connection) -> None:
        """Stop counting a connection that is closed."""
        with self._lock:
            self._addresses.pop(conn, None)

    def close(self) -> None:
        """Close every connection that waits, and end. Twice is allowed."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
        self.slow.close()
        self._ring()
        if self._thread.ident is not None:
            self._thread.join()
        for conn in [*self._visitors, *self._new]:
            conn.lingers = False
            conn.close()
        self._selector.close()
        self._bell.close()
        self._clapper.close()

    def _has_room(self, conn: Connection) -> bool:
        allowed = self._limits.per_address
        if allowed is None or conn in self._addresses:
            return True
        address = _address(conn)
        return sum(each == address for each in self._addresses.values()) < allowed

    def _ring(self) -> None:
        # Full: it rings already.
        with suppress(OSError):
            self._clapper.send(b"\0")

    def _wait(self) -> None:
        looked_s = 0.0
        while not self._closing:
            for key, _ in self._selector.select(TICK_S):
                if key.data is None:
                    self._welcome()
                elif key.data.conn in self._visitors:
                    self._go_on(key.data)
            if time.monotonic() - looked_s >= TICK_S:
                self._send_late_ones_away()
                looked_s = time.monotonic()

    def _welcome(self) -> None:
        with suppress(BlockingIOError):
            self._bell.recv(4096)
        while self._new:
            conn = self._new.popleft()
            self._make_room()
            visitor = self._visitor(conn)
            try:
                conn.socket.setblocking(False)
                self._selector.register(conn.socket, selectors.EVENT_READ, visitor)
            except (OSError, ValueError):
                conn.close()
                continue
            self._visitors[conn] = visitor
            self._idle += visitor.stage is Stage.IDLE
            self._held_bytes += len(visitor.received)
            self._go_on(visitor)

    def _visitor(self, conn: Connection) -> Visitor:
        now_s = time.monotonic()
        if conn.lingers:
            return Visitor(conn, Stage.LEAVING, now_s)
        if isinstance(conn.socket, ssl.SSLSocket) and not conn.shaken:
            return Visitor(conn, Stage.SHAKING, now_s)
        rest = bytearray(conn.rfile.read())
        return Visitor(conn, Stage.READING if rest else Stage.IDLE, now_s, rest)

    def _make_room(self) -> None:
        """Close who has waited longest, where there are too many connections or bytes."""
        if self._held_bytes > self._limits.buffered_bytes:
            going = [one for one in self._visitors.values() if one.received]
        elif self.connections > self._limits.total:
            going = list(self._visitors.values())
        else:
            return
        if going:
            self._drop(min(going, key=lambda one: one.since_s))
        now_s = time.monotonic()
        # A line for each would be another way to fill the disk.
        if now_s - self._said_s >= SAY_AGAIN_S:
            self._said_s = now_s
            log.warning("listener_crowded", count=self.connections)

    def _send_late_ones_away(self) -> None:
        now_s = time.monotonic()
        for visitor in list(self._visitors.values()):
            if now_s < visitor.until_s(self._limits):
                continue
            if visitor.stage is Stage.READING:
                self._refuse(visitor, 408)
            else:
                self._drop(visitor)

    def _go_on(self, visitor: Visitor) -> None:
        """Take what has arrived. Whatever a client sends ends at most its own connection."""
        try:
            if visitor.stage is Stage.SHAKING and not self._shake(visitor):
                return
            if visitor.stage is Stage.LEAVING:
                self._read_away(visitor)
            else:
                self._read(visitor)
        except BadHead as bad:
            self._refuse(visitor, bad.status)
        except (OSError, ValueError):
            self._drop(visitor)
        except Exception as error:  # one connection's fault must not end all the others
            log.error("listener_failed", error=type(error).__qualname__)
            self._drop(visitor)

    def _shake(self, visitor: Visitor) -> bool:
        conn = visitor.conn
        try:
            conn.socket.do_handshake()
        except ssl.SSLWantReadError:
            self._selector.modify(conn.socket, selectors.EVENT_READ, visitor)
            return False
        except ssl.SSLWantWriteError:
            self._selector.modify(conn.socket, selectors.EVENT_WRITE, visitor)
            return False
        self._selector.modify(conn.socket, selectors.EVENT_READ, visitor)
        der = conn.socket.getpeercert(binary_form=True)
        conn.shaken = True
        conn.ssl_env = {
            "wsgi.url_scheme": "https",
            CERTIFICATE: read_certificate(der) if der else None,
        }
        self._set_stage(visitor, Stage.IDLE)
        return True

    def _read(self, visitor: Visitor) -> None:
        # What came along with the request before may be a whole one already.
        while not self._is_whole(visitor):
            try:
                piece = visitor.conn.socket.recv(PIECE_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            if not piece:
                self._drop(visitor)
                return
            if visitor.stage is Stage.IDLE:
                self._set_stage(visitor, Stage.READING)
            visitor.received += piece
            self._held_bytes += len(piece)
            self._make_room()
            if visitor.conn not in self._visitors:
                return
        self._take_leave_of(visitor)
        conn = visitor.conn
        conn.rfile, conn.wfile = Received(visitor.received), Writer(conn.socket, self.slow)
        self._hand_over(conn)

    def _is_whole(self, visitor: Visitor) -> bool:
        """Tell whether the request is here. Raises `BadHead`."""
        if visitor.head is None:
            # RFC 9112, 2.2: an empty line before a request is ignored.
            if visitor.received.startswith(b"\r\n"):
                del visitor.received[:2]
                self._held_bytes -= 2
            visitor.head = head = read_head(visitor.received, self._body_bytes_max)
            if head is not None and head.waits:
                visitor.head = self._invite(visitor, head)
        head = visitor.head
        return head is not None and len(visitor.received) >= head.size + head.body_bytes

    def _invite(self, visitor: Visitor, head: Head) -> Head:
        """Ask for the body, and take the asking for it out of the head: it is answered."""
        if len(visitor.received) < head.size + head.body_bytes:
            visitor.conn.socket.send(CONTINUE)
        shorter = _EXPECT.sub(b"", bytes(visitor.received[: head.size]), count=1)
        visitor.received[: head.size] = shorter
        self._held_bytes -= head.size - len(shorter)
        return Head(len(shorter), head.body_bytes, head.chunked)

    def _refuse(self, visitor: Visitor, status: int) -> None:
        sock = visitor.conn.socket
        try:
            sock.send(refusal(status))
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(visitor)
            return
        self._held_bytes -= len(visitor.received)
        visitor.received.clear()
        self._set_stage(visitor, Stage.LEAVING)

    def _read_away(self, visitor: Visitor) -> None:
        # Beneath TLS: nobody reads it, so nobody need decipher it.
        try:
            while socket.socket.recv(visitor.conn.socket, PIECE_BYTES):
                if time.monotonic() >= visitor.until_s(self._limits):
                    break
        except BlockingIOError:
            return
        self._drop(visitor)

    def _set_stage(self, visitor: Visitor, stage: Stage) -> None:
        self._idle += (stage is Stage.IDLE) - (visitor.stage is Stage.IDLE)
        visitor.stage, visitor.since_s = stage, time.monotonic()

    def _take_leave_of(self, visitor: Visitor) -> None:
        self._idle -= visitor.stage is Stage.IDLE
        self._held_bytes -= len(visitor.received)
        del self._visitors[visitor.conn]
        self._selector.unregister(visitor.conn.socket)

    def _drop(self, visitor: Visitor) -> None:
        if visitor.conn not in self._visitors:
            return
        self._take_leave_of(visitor)
        visitor.conn.lingers = False
        visitor.conn.close()


def _address(conn: Connection) -> str:
    return str(conn.remote_addr or "")

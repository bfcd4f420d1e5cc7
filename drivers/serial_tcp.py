"""A serial line behind a serial server, as raw bytes over TCP (`socket://host:port`).

The server's own line speed cannot be told from here, let alone changed.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout, SpeedRefused
from drivers.serial_drain import drain

CONNECT_LIMIT_S: Final = 2.0
"""A replugged server must be back within 5 s, pause between tries and handshake included."""

WRITE_LIMIT_S: Final = 2.0
CHUNK_BYTES: Final = 4096
DROPPED_CHUNKS_MAX: Final = 256

KEEPALIVE: Final = {
    socket.TCP_KEEPIDLE: 5,
    socket.TCP_KEEPINTVL: 2,
    socket.TCP_KEEPCNT: 3,
}
"""Seconds, seconds, times: a server whose cable was pulled is noticed though nobody asks it."""

UNACKNOWLEDGED_MS: Final = 5000
"""So long may what we sent stay unconfirmed before the connection counts as lost."""


class TcpStream:
    """Bytes to and from one TCP peer, bounded in time. One thread uses it."""

    def __init__(self, address: str, host: str, port: int) -> None:
        """Connect. Raises `DeviceAbsent`: nobody listens there, or nobody answers."""
        self.address = address
        with self.mapped():
            self._socket = socket.create_connection((host, port), timeout=CONNECT_LIMIT_S)
        with self.mapped():
            self._socket.setblocking(False)
            # Each command is one small packet whose answer is awaited.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
            for option, value in KEEPALIVE.items():
                self._socket.setsockopt(socket.IPPROTO_TCP, option, value)

    def receive(self, limit_s: float) -> bytes:
        """Return what has arrived, waiting at most so long; b"" for nothing.

        Raises:
            DeviceAbsent: the connection is lost, or closed by either side.
        """
        with self.mapped():
            if not select.select((self._open_socket(),), (), (), max(0.0, limit_s))[0]:
                return b""
            try:
                received = self._socket.recv(CHUNK_BYTES)
            except BlockingIOError:
                return b""
        if not received:
            raise DeviceAbsent(f"{self.address} hung up")
        return received

    def send(self, content: bytes) -> None:
        """Send bytes. Raises `DeviceAbsent`, or `DeviceTimeout` if the peer takes nothing."""
        deadline = time.monotonic() + WRITE_LIMIT_S
        view = memoryview(content)
        with self.mapped():
            while view:
                left_s = max(0.0, deadline - time.monotonic())
                if not select.select((), (self._open_socket(),), (), left_s)[1]:
                    raise DeviceTimeout(f"{self.address} took no bytes for {WRITE_LIMIT_S} s")
                with suppress(BlockingIOError):
                    view = view[self._socket.send(view) :]

    def close(self) -> None:
        """Hang up. Closing twice is allowed."""
        self._socket.close()

    @contextmanager
    def mapped(self) -> Iterator[None]:
        """Turn what sockets raise into what a caller can act on."""
        try:
            yield
        except OSError as failure:
            if isinstance(failure, DeviceError):
                raise
            raise DeviceAbsent(f"{self.address}: {failure.strerror or failure}") from failure

    def _open_socket(self) -> socket.socket:
        if self._socket.fileno() < 0:
            raise DeviceAbsent(f"{self.address} is closed")
        return self._socket


class SocketPort:
    """One line behind a raw TCP server; the promises of `drivers.serial_port.SerialPort`.

    Attributes:
        path: the address it was opened by.
        baud: what the settings say that the server's line runs at: it only times what is awaited.
    """

    speed_fixed: Final = True

    def __init__(self, path: str, host: str, port: int, baud: int) -> None:
        """Connect. Raises `DeviceAbsent`: nobody listens there, or nobody answers."""
        self.path = path
        self._baud = baud
        self._stream = TcpStream(path, host, port)

    @property
    def baud(self) -> int:
        """The speed that the server's line is said to have."""
        return self._baud

    @baud.setter
    def baud(self, baud: int) -> None:
        if baud != self._baud:
            raise SpeedRefused(
                f"{self.path}: the speed cannot be changed over socket://; set {baud} baud at the "
                "serial server, or use rfc2217:// if it can"
            )

    def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
        """Return what has arrived, as `SerialPort.read` promises. Raises `DeviceAbsent`."""
        if rest_s > 0:
            time.sleep(rest_s)
        return self._stream.receive(limit_s - rest_s)

    def write(self, content: bytes) -> None:
        """Send bytes. Raises `DeviceAbsent`, or `DeviceTimeout` if the server takes nothing."""
        self._stream.send(content)

    def drop_input(self) -> None:
        """Forget what has arrived so far."""
        # Bounded: a server that never stops talking must not hold us here.
        for _ in range(DROPPED_CHUNKS_MAX):
            if not self._stream.receive(0.0):
                break

    def drain(self, silence_s: float, limit_s: float) -> int:
        """Read and drop until the line is silent for so long; return how many bytes came."""
        return drain(self, silence_s, limit_s)

    def close(self) -> None:
        """Hang up. Closing twice is allowed."""
        self._stream.close()

"""A serial server as stations meet them: one TCP connection, one serial line, and its misbehaviour.

A fake at the socket: behind it stands a real line (the peer's pseudo-terminal). Raw, or RFC 2217 as
pyserial's own `PortManager` speaks it.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread

import serial
from serial.rfc2217 import PortManager

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Knobs:
    """What the server does wrong; may be turned while it runs.

    Attributes:
        mute: it accepts, takes bytes and says nothing.
        drip_s: it passes bytes on one by one, with so long a pause; 0 for at once.
        reset_at_bytes: it resets the connection after so many bytes from the line; -1 for never.
        speeds: the line's speeds; () for any.
    """

    mute: bool = False
    drip_s: float = 0.0
    reset_at_bytes: int = -1
    speeds: tuple[int, ...] = ()


class SerialServer:
    """Listens from the start; a context manager that hangs up and ends its thread."""

    def __init__(self, line: Path, *, rfc2217: bool, baud: int = 57600) -> None:
        self.knobs = Knobs()
        self.line_baud = baud
        self.connections = 0
        self._line, self._rfc2217 = line, rfc2217
        # Bound all the time: with its cable pulled, nobody else's connection may get its port.
        self._holder = _bound(0)
        self._port = self._holder.getsockname()[1]
        self._closing, self._down = Event(), Event()
        self._listener = self._listen()
        self._thread = Thread(target=self._run, name="serial-server", daemon=True)
        self._thread.start()

    def __enter__(self) -> SerialServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._listener.close()
        self._holder.close()

    @property
    def address(self) -> str:
        scheme = "rfc2217" if self._rfc2217 else "socket"
        return f"{scheme}://127.0.0.1:{self._port}"

    def pull_cable(self) -> None:
        """Hang up and refuse everybody."""
        self._down.set()
        until_s = time.monotonic() + 30
        while self._listener.fileno() >= 0:
            assert time.monotonic() < until_s
            time.sleep(0.002)

    def plug_cable(self) -> None:
        """Listen again, where it listened before."""
        self._down.clear()

    def _listen(self) -> socket.socket:
        listener = _bound(self._port)
        listener.listen(4)
        return listener

    def _run(self) -> None:
        while not self._closing.is_set():
            if self._down.is_set():
                self._listener.close()
                time.sleep(0.002)
            elif self._listener.fileno() < 0:
                self._listener = self._listen()
            elif select.select([self._listener], [], [], 0.02)[0]:
                client, _ = self._listener.accept()
                self.connections += 1
                with client, suppress(OSError, serial.SerialException):
                    self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.knobs.mute:
            while client.recv(4096) and not self._ended:
                continue
            return
        # A server without its line accepts and hangs up, as ser2net does.
        with serial.Serial(str(self._line), self.line_baud, timeout=0) as line:
            self._bridge(client, line)

    @property
    def _ended(self) -> bool:
        return self._closing.is_set() or self._down.is_set()

    def _bridge(self, client: socket.socket, line: serial.Serial) -> None:
        outgoing = _Outgoing(client)
        manager = PortManager(_Line(line, self.knobs), outgoing) if self._rfc2217 else None
        passed = 0
        while not self._ended:
            ready = select.select([client, line], [], [], 0.02)[0]
            if client in ready:
                received = client.recv(4096)
                if not received:
                    return
                line.write(b"".join(manager.filter(received)) if manager else received)
            if line in ready:
                content = line.read(4096)
                if not content:
                    return
                passed = self._pass_on(content, outgoing, manager, passed)
                if passed < 0:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                    return

    def _pass_on(self, content: bytes, outgoing: _Outgoing, manager, passed: int) -> int:
        """Send the line's bytes on; return how many went so far, -1 for "reset now"."""
        knobs = self.knobs
        step = 1 if knobs.drip_s else len(content)
        for at in range(0, len(content), step):
            piece = content[at : at + step]
            if 0 <= knobs.reset_at_bytes < passed + len(piece):
                knobs.reset_at_bytes = -1
                return -1
            outgoing.write(b"".join(manager.escape(piece)) if manager else piece)
            passed += len(piece)
            if self._ended:
                break
            time.sleep(knobs.drip_s)
        return passed


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


class _Outgoing:
    """What `PortManager` calls its connection."""

    def __init__(self, client: socket.socket) -> None:
        self._client, self._lock = client, Lock()

    def write(self, content: bytes) -> None:
        with self._lock:
            self._client.sendall(content)


class _Line:
    """The line as `PortManager` sees it: a pseudo-terminal has no modem lines to ask for."""

    cts = dsr = cd = True
    ri = False
    rts = dtr = True

    def __init__(self, line: serial.Serial, knobs: Knobs) -> None:
        object.__setattr__(self, "_on", (line, knobs))

    def __getattr__(self, name: str) -> object:
        return getattr(self._on[0], name)

    def __setattr__(self, name: str, value: object) -> None:
        line, knobs = self._on
        if name == "baudrate" and knobs.speeds and value not in knobs.speeds:
            raise ValueError(value)
        if name not in {"rts", "dtr"}:
            setattr(line, name, value)

"""A serial line of this machine, opened by its path: the only file that knows pyserial.

It reads what is there, in one piece, and never waits longer than it is told.
"""

from __future__ import annotations

import errno
import os
import select
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import serial

from drivers.errors import (
    DeviceAbsent,
    DeviceTimeout,
    PermissionRefused,
    PortHeld,
    SpeedRefused,
)
from drivers.serial_drain import drain

WRITE_LIMIT_S: Final = 2.0
CHUNK_BYTES: Final = 4096
"""What Linux keeps for one line; a longer read returns no more."""


class LocalPort:
    """One port of this machine, 8N1, no flow control, held by this process alone.

    The promises are those of `drivers.serial_port.SerialPort`.
    """

    speed_fixed: Final = False

    def __init__(self, path: str, baud: int) -> None:
        """Open the port.

        Raises:
            DeviceAbsent: no such port, no right to open it, or another process holds it.
        """
        self.path = path
        with _mapped(path):
            self._serial = serial.Serial(
                path, baud, timeout=0, write_timeout=WRITE_LIMIT_S, exclusive=True
            )
            self._fd: int = self._serial.fileno()

    @property
    def baud(self) -> int:
        """Speed in bits a second; setting it changes the open port."""
        return int(self._serial.baudrate)

    @baud.setter
    def baud(self, baud: int) -> None:
        with _mapped(self.path):
            try:
                self._serial.baudrate = baud
            except ValueError as refused:
                raise SpeedRefused(f"{self.path}: no line of {baud} baud") from refused

    def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
        """Return what has arrived, as `SerialPort.read` promises. Raises `DeviceAbsent`."""
        # Written out, not `_mapped` and `suppress`: right after a sleep their code costs more time
        # than the read itself.
        try:
            if rest_s > 0:
                time.sleep(rest_s)
                # Nothing there and hung up may look alike here; after `select` they do not.
                if received := self._take():
                    return received
            # pyserial's own read takes three system calls for a chunk.
            if not select.select((self._open_fd(),), (), (), max(0.0, limit_s - rest_s))[0]:
                return b""
            received = self._take()
        except _LOST as failure:
            raise DeviceAbsent(f"{self.path}: {failure}") from failure
        if received is None:
            return b""
        if not received:
            raise DeviceAbsent(f"{self.path} hung up")
        return received

    def write(self, content: bytes) -> None:
        """Send bytes. Raises `DeviceAbsent`, or `DeviceTimeout` if the line takes nothing."""
        with _mapped(self.path):
            self._open_fd()
            self._serial.write(content)

    def drop_input(self) -> None:
        """Forget what has arrived so far."""
        with _mapped(self.path):
            self._open_fd()
            self._serial.reset_input_buffer()

    def drain(self, silence_s: float, limit_s: float) -> int:
        """Read and drop until the line is silent for so long; return how many bytes came."""
        return drain(self, silence_s, limit_s)

    def close(self) -> None:
        """Release the port. Closing twice is allowed."""
        with suppress(serial.SerialException, OSError, termios.error):
            self._serial.close()

    def _take(self) -> bytes | None:
        try:
            return os.read(self._open_fd(), CHUNK_BYTES)
        except BlockingIOError:
            return None

    def _open_fd(self) -> int:
        if not self._serial.is_open:
            raise DeviceAbsent(f"{self.path} is closed")
        return self._fd


_LOCKED: Final = (errno.EAGAIN, errno.EBUSY)

_FORBIDDEN: Final = (errno.EACCES, errno.EPERM)

_HELP: Final = {
    errno.ENOENT: "there is no such port; is it plugged in?",
    errno.EACCES: "this user may not open it; is it in the group dialout?",
}

# A device that is pulled out shows as any of these, by platform and by moment.
_LOST: Final = (serial.SerialException, OSError, termios.error, ValueError)


@contextmanager
def _mapped(path: str) -> Iterator[None]:
    """Turn what pyserial and the kernel raise into the errors that a caller can act on."""
    try:
        yield
    except serial.SerialTimeoutException as failure:
        raise DeviceTimeout(f"{path} took no bytes for {WRITE_LIMIT_S} s") from failure
    except _LOST as failure:
        if isinstance(failure, OSError) and failure.errno in _LOCKED:
            raise PortHeld(f"{path}: another program has locked it") from failure
        if isinstance(failure, OSError) and failure.errno in _FORBIDDEN:
            raise PermissionRefused(f"{path}: {_in_words(failure)}") from failure
        raise DeviceAbsent(f"{path}: {_in_words(failure)}") from failure


def _in_words(failure: Exception) -> str:
    # pyserial's own text names error number and path twice.
    number = failure.errno if isinstance(failure, OSError) else None
    return _HELP.get(number, os.strerror(number)) if number else str(failure)

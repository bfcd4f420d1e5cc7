"""The module's side of a serial line: a pseudo-terminal that is as slow as its speed says.

Only the peer's own thread calls it, except `interrupt`, which makes whatever it does stop.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import time
import tty
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final

BITS_PER_BYTE: Final = 10
WAKES_PER_S: Final = 400
"""How finely a throttled line delivers: like a UART with its FIFO, yet cheap."""

_TCGETS2: Final = 0x802C542A  # asm-generic/ioctls.h; tcgetattr cannot tell rates such as 28800
_TERMIOS2_BYTES: Final = 44


class BaudChange(Enum):
    """When a module takes a new speed; users met all of these (pyfingerprint issue 41)."""

    AT_ONCE = "at once"
    AFTER_DELAY = "after a while"
    AFTER_POWER_OFF = "after power-off"
    NEVER = "never"


class Interrupted(Exception):
    """Someone wants the line's thread for something else. Leave what you do and look."""


class Uart:
    """One end of a line; the other end is opened by path, as a real port is.

    Args:
        link: where the port shall appear; it stays the same when the device is plugged in again.
        baud: the module's own speed.
        throttled: False delivers as fast as the terminal takes it.
    """

    def __init__(self, link: Path, baud: int, *, throttled: bool) -> None:
        self.link = link
        self.baud = baud
        self.throttled = throttled
        self._master = -1
        self._slave = -1
        self._free_at_s = 0.0
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def plugged(self) -> bool:
        """Whether the port exists."""
        return self._master >= 0

    @property
    def client_baud(self) -> int:
        """The speed that the other side has set, as the kernel knows it."""
        answer = fcntl.ioctl(self._master, _TCGETS2, bytes(_TERMIOS2_BYTES))
        return int(struct.unpack_from("=I", answer, 40)[0])

    def plug(self) -> None:
        """Make the port appear."""
        # What was being sent when the plug was pulled takes no more time on the line.
        self._free_at_s = 0.0
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        # Replaced in one step: whoever looks finds the old port, none, or the new one.
        fresh = self.link.with_name(f".{self.link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self.link)

    def unplug(self) -> None:
        """Make the port vanish, under whoever has it open."""
        self.link.unlink(missing_ok=True)
        for descriptor in (self._master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)
        self._master = self._slave = -1

    def close(self) -> None:
        """Unplug for good."""
        self.unplug()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def interrupt(self) -> None:
        """Make the present or next call raise `Interrupted`. From any thread."""
        with suppress(BlockingIOError):
            os.write(self._wake_write, b"!")

    def receive(self) -> bytes:
        """Wait for bytes and return what is there. Raises `Interrupted`."""
        watched = [self._master] if self.plugged else []
        self._select(watched, [], None)
        try:
            return os.read(self._master, 4096)
        except BlockingIOError:
            return b""

    def rest(self, seconds: float) -> None:
        """Let time pass. Raises `Interrupted`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._select([], [], left)

    def send(self, content: bytes, *, heard_bytes: int = 0) -> None:
        """Deliver bytes at the line's speed. Raises `Interrupted`.

        Args:
            content: what to deliver.
            heard_bytes: how many bytes this answers: they took their time on the line too.
        """
        if not self.throttled:
            self._deliver(content)
            return
        byte_s = BITS_PER_BYTE / self.baud
        start = max(time.monotonic() + heard_bytes * byte_s, self._free_at_s)
        self._free_at_s = start + len(content) * byte_s
        sent = 0
        while sent < len(content):
            step = max(1, round(1 / (WAKES_PER_S * byte_s)))
            target = min(sent + step, len(content))
            # On an absolute schedule: sleeping so long for each piece would add up all delays.
            self.rest(start + target * byte_s - time.monotonic())
            due = int((time.monotonic() - start) / byte_s)
            target = max(target, min(due, len(content)))
            self._deliver(content[sent:target])
            sent = target

    def _deliver(self, content: bytes) -> None:
        view = memoryview(content)
        while view:
            self._select([], [self._master], None)
            with suppress(BlockingIOError):
                view = view[os.write(self._master, view) :]

    def _select(self, readers: list[int], writers: list[int], limit_s: float | None) -> None:
        woken = select.select([self._wake_read, *readers], writers, [], limit_s)[0]
        if self._wake_read in woken:
            os.read(self._wake_read, 64)
            raise Interrupted

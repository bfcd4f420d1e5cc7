"""Getting any serial line silent, whatever carries it."""

from __future__ import annotations

import time
from typing import Protocol


class Readable(Protocol):
    """The reading half of `drivers.serial_port.SerialPort`."""

    def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
        """Return what has arrived, waiting at most so long for the first byte."""


def drain(port: Readable, silence_s: float, limit_s: float) -> int:
    """Read and drop until the line is silent for so long; return how many bytes came."""
    dropped, deadline = 0, time.monotonic() + limit_s
    while (left := deadline - time.monotonic()) > 0:
        received = port.read(min(silence_s, left))
        if not received:
            break
        dropped += len(received)
    return dropped

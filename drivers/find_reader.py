"""Finding the port that a reader answers on: `port = "auto"`.

Only lines that look like a reader's are tried (USB serial adapters, a small computer's own serial
pins), never one that somebody else has. What is tried on a line is the driver's own handshake.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from drivers.errors import (
    DeviceAbsent,
    DeviceError,
    DeviceTimeout,
    PermissionRefused,
    PortHeld,
    ProtocolViolation,
)
from drivers.fingerprint import FingerprintReader

BY_ID: Final = Path("/dev/serial/by-id")
"""Links by maker, model and serial number of the adapter: the same in whatever socket it is."""

DEVICES: Final = Path("/dev")
LIKELY: Final = ("ttyUSB*", "ttyACM*", "ttyAMA*", "serial0")
"""In `DEVICES`: USB adapters, modules with USB of their own, a small computer's pins."""

REST_S: Final = 30.0
"""So long a port where nothing answered is left alone while another one can be tried."""


def candidate_ports(by_id: Path = BY_ID, devices: Path = DEVICES) -> list[str]:
    """Return the ports a reader may be on, each device once, by its lasting name where it has one.

    Args:
        by_id: udev's folder of lasting names.
        devices: the folder of the devices themselves.
    """
    links = sorted(by_id.iterdir()) if by_id.is_dir() else []
    named = [*links, *(path for kind in LIKELY for path in sorted(devices.glob(kind)))]
    by_device = {os.path.realpath(path): str(path) for path in reversed(named) if path.exists()}
    return sorted(by_device.values(), key=[str(path) for path in named].index)


class ReaderFinder:
    """Opens a reader wherever it is; remembers where one answered and where none did.

    One thread uses it.
    """

    def __init__(
        self,
        open_on: Callable[[str], FingerprintReader],
        ports: Callable[[], Sequence[str]] = candidate_ports,
    ) -> None:
        self._open_on = open_on
        self._ports = ports
        self._served = ""
        self._seen: Sequence[str] = ()
        self._silent_since_s: dict[str, float] = {}

    def open(self) -> FingerprintReader:
        """Open the first reader that answers.

        Raises:
            DeviceError: of the most telling kind: a reader with a fault of its own, a line with a
                wrong speed or wire, a port that somebody has, or nothing anywhere.
        """
        ports = self._ports()
        self._silent_since_s = {
            port: since_s for port, since_s in self._silent_since_s.items() if port in ports
        }
        failures: list[DeviceError] = []
        for port in self._order(ports):
            try:
                reader = self._open_on(port)
            except DeviceError as failure:
                failures.append(failure)
                if not isinstance(failure, PortHeld):
                    self._silent_since_s[port] = time.monotonic()
                continue
            self._served = port
            self._silent_since_s.pop(port, None)
            return reader
        raise most_telling(failures)

    def _order(self, ports: Sequence[str]) -> list[str]:
        """Return what to try now: what just came, where it was, then what has rested long enough.

        What just came is first: a reader whose adapter stayed behind would else wait for a whole
        look at all speeds of the adapter that it left.
        """
        silent, now = self._silent_since_s, time.monotonic()
        came = [port for port in ports if self._seen and port not in self._seen]
        self._seen = ports
        first = [*came, *(port for port in ports if port == self._served)]
        fresh = [port for port in ports if port not in silent]
        rested = sorted((port for port in ports if port in silent), key=silent.__getitem__)
        due = [port for port in rested if now - silent[port] >= REST_S]
        return list(dict.fromkeys([*first, *fresh, *due])) or rested[:1]


def most_telling(failures: Sequence[DeviceError]) -> DeviceError:
    """Return the failure that says most of what was met, on several ports or by several drivers."""
    return max(failures, key=_telling, default=DeviceAbsent("no serial port to look at"))


def _telling(failure: DeviceError) -> int:
    """Rank what was met on one port: who answers, even wrongly, is nearer than who is not there."""
    if isinstance(failure, PermissionRefused):
        # Its rights are somebody's business only if nothing else is amiss: else the reader that is
        # looked for waits for a technician because of a line that was never its own.
        return -1
    if isinstance(failure, PortHeld):
        return 1
    if isinstance(failure, DeviceAbsent):
        return 0
    return 2 if isinstance(failure, DeviceTimeout | ProtocolViolation) else 3

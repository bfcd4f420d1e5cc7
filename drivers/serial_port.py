"""A serial line as the drivers need it, and how it is addressed; what carries it is hidden here.

- `/dev/serial/by-id/...`: a line of this machine;
- `socket://host:port`: a serial server, raw TCP; its speed is set at the server;
- `rfc2217://host:port`: a serial server that also takes the speed (RFC 2217);
- `auto`: whichever line a reader answers on (`drivers.find_reader`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Protocol
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from drivers.port_claims import demand_free
from drivers.serial_local import CHUNK_BYTES, LocalPort
from drivers.serial_rfc2217 import Rfc2217Port
from drivers.serial_tcp import SocketPort

__all__ = ["AUTO", "CHUNK_BYTES", "PortAddress", "SerialPort", "checked_address", "open_port"]

AUTO: Final = "auto"
TCP_SCHEMES: Final = ("socket", "rfc2217")


def checked_address(address: str) -> str:
    """Return the address of a port if it can be one. Raises `ValueError`: it cannot."""
    if address == AUTO or (address.startswith("/") and "://" not in address):
        return address
    parts = urlsplit(address)
    fits = parts.scheme in TCP_SCHEMES and parts.hostname and not (parts.path or parts.query)
    # urlsplit raises ValueError by itself for a port that is no number, or too large.
    if not fits or not parts.port or parts.username or parts.fragment:
        raise ValueError(
            f"{address!r} is none of: auto, a path such as /dev/serial/by-id/..., "
            "socket://host:port, rfc2217://host:port"
        )
    return address


PortAddress = Annotated[
    str,
    BeforeValidator(lambda given: str(given) if isinstance(given, Path) else given),
    AfterValidator(checked_address),
]
"""What a driver's `port` option may be: see the head of this module."""


class SerialPort(Protocol):
    """One open port, 8N1, no flow control, held by this process alone. One thread uses it.

    Attributes:
        path: the address it was opened by.
        speed_fixed: the speed is set elsewhere: `baud` takes no other one (`SpeedRefused`), and a
            driver must not ask its module to change.
    """

    path: str

    @property
    def speed_fixed(self) -> bool:
        """Whether the speed is set elsewhere."""

    @property
    def baud(self) -> int:
        """Speed in bits a second; setting it changes the open line. Raises `SpeedRefused`."""

    @baud.setter
    def baud(self, baud: int) -> None: ...

    def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
        """Return what has arrived, waiting at most this long for the first byte; b"" for nothing.

        Args:
            limit_s: how long to wait in all.
            rest_s: how much of it to sleep through, so that what arrives costs one wake-up.

        Raises:
            DeviceAbsent: the device went away.
        """

    def write(self, content: bytes) -> None:
        """Send bytes. Raises `DeviceAbsent`, or `DeviceTimeout` if the line takes nothing."""

    def drop_input(self) -> None:
        """Forget what has arrived so far."""

    def drain(self, silence_s: float, limit_s: float) -> int:
        """Read and drop until the line is silent for so long; return how many bytes came."""

    def close(self) -> None:
        """Release the port. Closing twice is allowed."""


def open_port(address: str, baud: int) -> SerialPort:
    """Open the port at this address, at this speed.

    Raises:
        DeviceAbsent: no such port, nobody listens there, or another process holds it (`PortHeld`).
        DeviceError: the serial server does not do what its address says.
        ValueError: no address, or `auto`, which `drivers.find_reader` resolves.
    """
    checked_address(address)
    if address == AUTO:
        raise ValueError("'auto' is no port: drivers.find_reader looks for one")
    if address.startswith("/"):
        demand_free(address)
        return LocalPort(address, baud)
    parts = urlsplit(address)
    host, port = str(parts.hostname), int(parts.port or 0)
    kind = SocketPort if parts.scheme == "socket" else Rfc2217Port
    return kind(address, host, port, baud)

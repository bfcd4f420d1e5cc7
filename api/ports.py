"""Whether the ports that are wanted are free, asked before anything is started.

Nobody is kept out by the asking: whoever takes a port in between is met again when it is bound.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass


class PortTaken(Exception):
    """A port cannot be listened on. The message says what to do."""


@dataclass(frozen=True, slots=True)
class WantedPort:
    """One port that is about to be listened on; 0 is always free.

    Attributes:
        setting: where another number may be given, such as an option or a key of a file.
    """

    host: str
    port: int
    setting: str


def check_ports(wanted: Sequence[WantedPort]) -> None:
    """Raise `PortTaken`, one sentence, for the first port that cannot be had."""
    settings: dict[tuple[str, int], str] = {}
    for one in wanted:
        if not one.port:
            continue
        twin = settings.setdefault((one.host, one.port), one.setting)
        if twin != one.setting:
            raise PortTaken(
                f"{twin} and {one.setting} are both {one.port}:"
                f" give one of them another (0: any free one)."
            )
        _check(one)


def _check(wanted: WantedPort) -> None:
    family = socket.AF_INET6 if ":" in wanted.host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the servers do: a port whose last connections are still fading is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((wanted.host, wanted.port))
        except OSError as error:
            another = f"give another with {wanted.setting} (0: any free one)"
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(
                    f"Port {wanted.port} is in use: stop what uses it, or {another}."
                ) from None
            words = os.strerror(error.errno or 0)
            raise PortTaken(
                f"Port {wanted.port} cannot be listened on ({words}): {another}."
            ) from None

"""Telnet as a serial server speaks it (RFC 854), taken apart and put together. No I/O, no clock.

    FF FB..FE option              WILL, WONT, DO, DONT: who does what
    FF FA option content FF F0    a subnegotiation: what an option is set to
    FF FF                         one byte FF of the line itself
    FF other                      a command of old terminals: dropped

It knows nothing of serial lines; `drivers.serial_rfc2217` says what the options mean.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from drivers.errors import ProtocolViolation

IAC: Final = b"\xff"
_SB: Final = 0xFA
_END: Final = b"\xff\xf0"
SUBNEGOTIATION_MAX_BYTES: Final = 1024
"""RFC 2217's are below 300; a longer one is no telnet."""


class Verb(IntEnum):
    """Who is to do what."""

    WILL = 0xFB
    WONT = 0xFC
    DO = 0xFD
    DONT = 0xFE


@dataclass(frozen=True, slots=True)
class Wish:
    """One side's word about one option."""

    verb: Verb
    option: int

    def to_bytes(self) -> bytes:
        """Return it as it goes over the wire."""
        return IAC + bytes((self.verb, self.option))


@dataclass(frozen=True, slots=True)
class Subnegotiation:
    """What one option is set to."""

    option: int
    content: bytes

    def to_bytes(self) -> bytes:
        """Return it as it goes over the wire."""
        return IAC + bytes((_SB, self.option)) + escaped(self.content) + _END


def escaped(content: bytes) -> bytes:
    """Return the line's bytes as they go over the wire: FF doubled."""
    return content.replace(IAC, IAC + IAC)


class TelnetParser:
    """The line's bytes, wishes and subnegotiations, out of pieces of any size.

    Attributes:
        said: what the other side said about options, oldest first; who reads it takes it out.
    """

    def __init__(self) -> None:
        self.said: deque[Wish | Subnegotiation] = deque()
        self._held = b""

    def feed(self, received: bytes) -> bytes:
        """Return what of these bytes belongs to the line.

        Raises:
            ProtocolViolation: this is no telnet.
        """
        pending = self._held + received
        content, at = bytearray(), 0
        while (mark := pending.find(IAC, at)) >= 0:
            content += pending[at:mark]
            at = self._command_end(pending, mark, content)
            if at == mark:
                break
        else:
            content += pending[at:]
            at = len(pending)
        self._held = pending[at:]
        if len(self._held) > SUBNEGOTIATION_MAX_BYTES:
            raise ProtocolViolation("a telnet subnegotiation does not end")
        return bytes(content)

    def _command_end(self, pending: bytes, mark: int, content: bytearray) -> int:
        """Take one command; return where it ends, or where it begins if it is not whole yet."""
        command = pending[mark + 1 : mark + 3]
        if not command:
            return mark
        if command[0] == IAC[0]:
            content += IAC
            return mark + 2
        if command[0] == _SB:
            return self._subnegotiation_end(pending, mark)
        if command[0] not in tuple(Verb):
            return mark + 2
        if len(command) < 2:
            return mark
        self.said.append(Wish(Verb(command[0]), command[1]))
        return mark + 3

    def _subnegotiation_end(self, pending: bytes, mark: int) -> int:
        at = mark + 2
        while (stop := pending.find(IAC, at)) >= 0 and len(pending) > stop + 1:
            if pending[stop + 1] == _END[1]:
                inside = pending[mark + 2 : stop].replace(IAC + IAC, IAC)
                if inside:
                    self.said.append(Subnegotiation(inside[0], inside[1:]))
                return stop + 2
            at = stop + 2
        return mark

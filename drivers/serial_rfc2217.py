"""A serial line behind a serial server that takes its speed over the network (RFC 2217).

One thread, one socket: what the server says about options is read along with the line's bytes.
pyserial's own client reads byte by byte in a thread of its own and cannot bound a write
(`docs/decisions/0020-reader-addresses.md` has the figures); the grammar of addresses is pyserial's.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Final

from drivers.errors import DeviceError, DeviceTimeout, SpeedRefused
from drivers.serial_drain import drain
from drivers.serial_tcp import DROPPED_CHUNKS_MAX, TcpStream
from drivers.telnet import Subnegotiation, TelnetParser, Verb, Wish, escaped

NEGOTIATION_LIMIT_S: Final = 2.0

BINARY: Final = 0
SUPPRESS_GO_AHEAD: Final = 3
COM_PORT: Final = 44
_OURS: Final = frozenset({BINARY, SUPPRESS_GO_AHEAD, COM_PORT})
_THEIRS: Final = frozenset({BINARY, SUPPRESS_GO_AHEAD})

SET_BAUDRATE: Final = 1
SET_CONTROL: Final = 5
ANSWER: Final = 100
"""The server's answer to a setting carries the setting's number and 100 (RFC 2217, section 3)."""

_EIGHT_N_ONE: Final = {2: b"\x08", 3: b"\x01", 4: b"\x01"}
"""SET-DATASIZE 8, SET-PARITY none, SET-STOPSIZE 1."""

_NO_FLOW_CONTROL: Final = b"\x01"


class Rfc2217Port:
    """One line behind an RFC 2217 server; the promises of `drivers.serial_port.SerialPort`.

    Attributes:
        path: the address it was opened by.
    """

    speed_fixed: Final = False

    def __init__(self, path: str, host: str, port: int, baud: int) -> None:
        """Connect, agree on RFC 2217 and set the line to 8N1 and, if it has it, to this speed.

        Raises:
            DeviceAbsent: nobody listens there. DeviceTimeout: who listens says nothing of RFC 2217.
            DeviceError: who listens refuses RFC 2217, or 8N1.
        """
        self.path = path
        self._baud = baud
        self._telnet = TelnetParser()
        self._content = bytearray()
        self._agreed: set[Wish] = set()
        self._accepted: set[Wish] = set()
        self._refused: set[int] = set()
        self._settings: dict[int, bytes] = {}
        self._stream = TcpStream(path, host, port)
        try:
            self._agree()
            try:
                self._set_line(baud)
            except SpeedRefused:
                self._baud = int.from_bytes(self._settings[SET_BAUDRATE])
        except BaseException:
            self._stream.close()
            raise

    @property
    def baud(self) -> int:
        """Speed in bits a second; setting it changes the line behind the server."""
        return self._baud

    @baud.setter
    def baud(self, baud: int) -> None:
        if baud != self._baud:
            self._set_line(baud)

    def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
        """Return what has arrived, as `SerialPort.read` promises. Raises `DeviceAbsent`."""
        deadline = time.monotonic() + limit_s
        if rest_s > 0:
            time.sleep(rest_s)
        while not self._content:
            # Once even when the time is up: what is there is taken. Only once: a server may talk
            # of options for ever.
            left_s = deadline - time.monotonic()
            if not self._listen(left_s) or left_s <= 0:
                break
        content = bytes(self._content)
        self._content.clear()
        return content

    def write(self, content: bytes) -> None:
        """Send bytes. Raises `DeviceAbsent`, or `DeviceTimeout` if the server takes nothing."""
        self._stream.send(escaped(content))

    def drop_input(self) -> None:
        """Forget what has arrived so far; what the server still holds is not asked about."""
        # A purge would cost a round trip for each command; the driver's parser hunts anyway.
        for _ in range(DROPPED_CHUNKS_MAX):
            if not self._listen(0.0):
                break
        self._content.clear()

    def drain(self, silence_s: float, limit_s: float) -> int:
        """Read and drop until the line is silent for so long; return how many bytes came."""
        return drain(self, silence_s, limit_s)

    def close(self) -> None:
        """Hang up. Closing twice is allowed."""
        self._stream.close()

    def _agree(self) -> None:
        wishes = [Wish(Verb.WILL, option) for option in sorted(_OURS)]
        wishes += [Wish(Verb.DO, option) for option in sorted(_THEIRS)]
        self._agreed = set(wishes)
        self._stream.send(b"".join(wish.to_bytes() for wish in wishes))
        needed = {Wish(Verb.DO, COM_PORT), Wish(Verb.DO, BINARY), Wish(Verb.WILL, BINARY)}
        self._await(lambda: needed <= self._accepted or bool(self._refused), "say RFC 2217")
        if self._refused:
            raise DeviceError(f"{self.path}: the server refuses RFC 2217; try socket://")

    def _set_line(self, baud: int) -> None:
        wanted = {SET_BAUDRATE: struct.pack(">I", baud), **_EIGHT_N_ONE}
        self._settings.clear()
        settings = [*wanted.items(), (SET_CONTROL, _NO_FLOW_CONTROL)]
        self._stream.send(
            b"".join(
                Subnegotiation(COM_PORT, bytes((number,)) + value).to_bytes()
                for number, value in settings
            )
        )
        self._await(lambda: wanted.keys() <= self._settings.keys(), "confirm the line's settings")
        if any(self._settings[number] != value for number, value in _EIGHT_N_ONE.items()):
            raise DeviceError(f"{self.path}: the server's line does not run at 8N1")
        if self._settings[SET_BAUDRATE] != wanted[SET_BAUDRATE]:
            raise SpeedRefused(f"{self.path}: the server's line does not run at {baud} baud")
        self._baud = baud

    def _await(self, reached: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + NEGOTIATION_LIMIT_S
        while not reached():
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not self._listen(left_s):
                raise DeviceTimeout(
                    f"{self.path}: the server did not {what} in {NEGOTIATION_LIMIT_S} s"
                )

    def _listen(self, limit_s: float) -> bool:
        """Take in one piece of whatever comes; False if nothing came."""
        received = self._stream.receive(limit_s)
        if not received:
            return False
        self._content += self._telnet.feed(received)
        while self._telnet.said:
            said = self._telnet.said.popleft()
            if isinstance(said, Wish):
                self._consider(said)
            elif said.option == COM_PORT and said.content:
                number, value = said.content[0] - ANSWER, said.content[1:]
                self._settings[number] = value
        return True

    def _consider(self, wish: Wish) -> None:
        """Answer a wish that changes something; never one that only confirms (RFC 854)."""
        asks_us = wish.verb in {Verb.DO, Verb.DONT}
        known = _OURS if asks_us else _THEIRS
        if wish.verb in {Verb.DONT, Verb.WONT}:
            if wish.option in known - {SUPPRESS_GO_AHEAD}:
                self._refused.add(wish.option)
            return
        self._accepted.add(wish)
        yes, no = (Verb.WILL, Verb.WONT) if asks_us else (Verb.DO, Verb.DONT)
        answer = Wish(yes if wish.option in known else no, wish.option)
        if answer not in self._agreed:
            self._agreed.add(answer)
            self._stream.send(answer.to_bytes())

"""A gt521 module at the other end of a serial port: one command, its answer, short content.

It knows time and repetition on the line, and nothing of images (`drivers.gt521_upload`).
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from typing import Final

from drivers.errors import DeviceError, DeviceTimeout, ProtocolViolation
from drivers.gt521_packets import (
    Answer,
    Command,
    Content,
    Message,
    PacketParser,
    Refusal,
)
from drivers.line_trace import LineTrace, Way
from drivers.serial_port import SerialPort

TRIES: Final = 3
"""A command is sent at most so often."""

QUIET_S: Final = 0.1
"""A module that says nothing for so long has finished what it was sending."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds (`docs/add-a-reader.md` says why)."""

    answer_s: float = 3.0
    handshake_s: float = 0.5
    gap_s: float = 0.5


class Gt521Line:
    """Commands and images over one open port. One thread uses it.

    Attributes:
        trace: the last commands, answers and heads of content. Image bytes never enter it.
        parser: what the line has delivered since the last command.
        heard_bytes: how many bytes came since the last command, sense or not.
        lit: whether the glass is lit, as far as we have asked for it.
    """

    def __init__(self, port: SerialPort, limits: Limits) -> None:
        self.port = port
        self.limits = limits
        self.trace = LineTrace(name_of)
        self.heard_bytes = 0
        self.lit = False
        self.parser = PacketParser()
        # How long the module may still be sending what nobody wants any more; 0 if it is silent.
        self._stale_s = 0.0

    def light(self, lit: bool) -> Message:
        """Switch the light under the glass, 24 bytes in all. Raises as `ask`."""
        self.lit = lit
        return self.ask(Command.CMOS_LED, int(lit))

    def ask(self, command: Command, parameter: int = 0) -> Message:
        """Send a command and return the answer, ACK or NACK.

        A damaged packet in either direction makes it send again, three times in all; so does
        silence, but only from a module that still answers.

        Raises:
            DeviceTimeout: it stayed silent. ProtocolViolation: no intact answer came.
            DeviceAbsent: the port is gone.
        """
        failure: DeviceError = DeviceTimeout("nothing was sent")
        for _ in range(TRIES):
            try:
                answer = self.ask_once(command, parameter)
            except ProtocolViolation as violation:
                failure, self._stale_s = violation, self.limits.gap_s
                continue
            except DeviceTimeout as silence:
                failure = silence
                if not self._lives():
                    raise
                continue
            if not answer.accepted and answer.parameter == Refusal.DAMAGED:
                failure = ProtocolViolation("the module says that our packets arrive damaged")
                continue
            return answer
        raise failure

    def ask_once(
        self, command: Command, parameter: int = 0, *, limit_s: float | None = None
    ) -> Message:
        """Send a command once and return its answer; raises as `ask`."""
        self._settle()
        frame = Message(command, parameter).to_bytes()
        self.trace.note(Way.OUT, _shown(Message(command, parameter)))
        self.port.write(frame)
        limit_s = self.limits.answer_s if limit_s is None else limit_s
        deadline = time.monotonic() + limit_s
        while (packet := self._packet(deadline)) is not None:
            # A line of one wire returns what we say ourselves.
            if isinstance(packet, Message) and packet.code in _ANSWERS:
                return packet
        raise DeviceTimeout(f"no answer to {command.name} within {limit_s} s")

    def fetch(self, command: Command, parameter: int, content_bytes: int) -> bytes | None:
        """Send a command and return the short content that follows its answer; None if refused.

        Args:
            command: what to ask.
            parameter: of the command.
            content_bytes: how long the content is; 0 if the answer's parameter says it.

        Raises:
            DeviceTimeout, ProtocolViolation, DeviceAbsent: as `ask`.
        """
        failure: DeviceError = DeviceTimeout("nothing was sent")
        for _ in range(TRIES):
            answer = self.ask(command, parameter)
            if not answer.accepted:
                return None
            size = content_bytes or answer.parameter
            if not 0 < size <= SHORT_CONTENT_BYTES:
                return None
            self.parser.expect(size)
            try:
                packet = self._packet(time.monotonic() + self.limits.answer_s)
            except ProtocolViolation as violation:
                failure = violation
            else:
                if isinstance(packet, Content):
                    return packet.payload
                failure = DeviceTimeout(f"nothing follows the answer to {command.name}")
            self._stale_s = self.limits.gap_s
        raise failure

    def _lives(self) -> bool:
        """Whether anything answers: a person waits, so a dead module is not asked in full again."""
        self._stale_s = self.limits.gap_s
        try:
            # Says nothing new to the module, whatever it is doing.
            self.ask_once(Command.CMOS_LED, int(self.lit), limit_s=self.limits.handshake_s)
        except DeviceTimeout:
            return False
        except ProtocolViolation:
            pass
        # That may have been a late answer to the command, and this one's is still to come.
        self._stale_s = self.limits.gap_s
        return True

    def _settle(self) -> None:
        """Get the line silent and empty before a command."""
        if self._stale_s:
            self.wait_for_silence(QUIET_S)
        self.port.drop_input()
        self.parser.clear()
        self.heard_bytes = 0

    def _packet(self, deadline: float) -> Message | Content | None:
        """Return the next packet; None when nothing, or nothing but noise, came until then."""
        while (packet := self.parser.next_packet()) is None:
            if not self.hear(deadline):
                return None
        self.note(packet)
        return packet

    def hear(self, deadline: float, rest_s: float = 0.0) -> int:
        """Give the parser what comes until then; return how many bytes that was.

        Args:
            deadline: on the monotonic clock, s; past it what is there already is still taken.
            rest_s: how much of it to sleep through, so that what arrives costs one wake-up.

        Raises:
            DeviceAbsent: the port is gone.
        """
        now = time.monotonic()
        limit_s = deadline - now
        chunk = self.port.read(limit_s, min(rest_s, limit_s))
        # This process may have slept, not they; but not for ever.
        if now > deadline + self.limits.gap_s:
            return 0
        self.parser.feed(chunk)
        self.heard_bytes += len(chunk)
        return len(chunk)

    def expect_stale(self, seconds: float) -> None:
        """Before the next command, let what nobody wants any more pass; so long at most."""
        self._stale_s = max(QUIET_S, seconds)

    def wait_for_silence(self, silence_s: float) -> None:
        """Read and drop until silence, or for the time that the stale stream may take."""
        self.port.drain(silence_s, self._stale_s)
        self._stale_s = 0.0

    def note(self, packet: Message | Content) -> None:
        """Remember that a packet came; of content only the length."""
        if isinstance(packet, Message):
            self.trace.note(Way.IN, _shown(packet))
        else:
            self.trace.note(Way.IN, _LENGTH.pack(len(packet.payload)))


SHORT_CONTENT_BYTES: Final = 512
"""What a module says of itself is shorter; a longer announcement is a damaged one."""

_ANSWERS: Final = frozenset(Answer)
_SHOWN: Final = struct.Struct("<HI")
_LENGTH: Final = struct.Struct("<I")


def _shown(message: Message) -> bytes:
    return _SHOWN.pack(message.code, message.parameter)


def name_of(way: Way, shown: bytes) -> str:
    """Say what an entry of the trace is: a code and its parameter, or the length of content."""
    if len(shown) == _LENGTH.size:
        return f"content of {_LENGTH.unpack(shown)[0]} bytes"
    code, parameter = _SHOWN.unpack(shown)
    if way is Way.OUT:
        return f"{Command(code).name} {parameter}"
    if code == Answer.NACK:
        refusals = set(Refusal)
        return f"NACK {Refusal(parameter).name if parameter in refusals else f'{parameter:04X}'}"
    return f"{'ACK' if code == Answer.ACK else f'{code:04X}'} {parameter}"

"""A gt521 module at the other end of a serial port: one command and its answer, one image.

It knows time and repetition on the line, and nothing of fingers.

An image is one packet, so one bad byte costs all of it; and its sum sees neither bytes that changed
places nor errors that compensate each other. Hence whoever asks for an image must ask again after
any fault, until two uploads agree byte for byte (`drivers.readers.gt521`).
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Event
from typing import Final

from drivers.errors import DeviceError, DeviceTimeout, ProtocolViolation
from drivers.gt521_packets import (
    MESSAGE_BYTES,
    OVERHEAD_BYTES,
    Answer,
    Command,
    Content,
    Message,
    PacketParser,
    Refusal,
    image_line_bytes,
)
from drivers.line_trace import LineTrace, Way
from drivers.serial_port import CHUNK_BYTES, SerialPort

TRIES: Final = 3
"""A command, and an upload, is sent at most so often."""

QUIET_S: Final = 0.1
"""A module that says nothing for so long has finished what it was sending."""

REST_MAX_S: Final = 0.15
"""Also how late a cancel, a pulled plug or the progress on the screen may be."""

REST_BYTES: Final = CHUNK_BYTES // 2
"""So much may arrive in one sleep: as much again still fits if the machine wakes us late."""

EARLY_S: Final = 0.003
"""A line's bytes come in pieces: the last ones are awaited, so that no sleep can be too long."""

FEW_BYTES: Final = 64
"""So few are missing: the line lost them, and the module is not in the middle of its image."""

FLOOD_BYTES: Final = CHUNK_BYTES * 3 // 4
"""More than that in one piece: the line is faster than it says, or we are late. No sleep then."""

Received = Callable[[int], None]
"""Called with the number of image bytes so far."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds (`docs/add-a-reader.md` says why)."""

    answer_s: float = 3.0
    handshake_s: float = 0.5
    gap_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Upload:
    """What one GetImage brought; `fault` is empty if the line was clean from end to end."""

    content: bytes | None
    fault: str = ""


class Gt521Line:
    """Commands and images over one open port. One thread uses it.

    Attributes:
        trace: the last commands, answers and heads of content. Image bytes never enter it.
        heard_bytes: how many bytes came since the last command, sense or not.
        lit: whether the glass is lit, as far as we have asked for it.
    """

    def __init__(self, port: SerialPort, limits: Limits) -> None:
        self.port = port
        self.limits = limits
        self.trace = LineTrace(name_of)
        self.heard_bytes = 0
        self.lit = False
        self._parser = PacketParser()
        self._last_chunk_bytes = 0
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
            self._parser.expect(size)
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

    def upload(self, sizes: Collection[int], received: Received, cancelled: Event) -> Upload:
        """Fetch the module's image once; `content` is None if cancelled or faulty.

        Args:
            sizes: how many bytes an image has; of several, the silence after it decides.
            received: told of the progress.
            cancelled: looked at between any two pieces.

        Raises:
            DeviceTimeout: no answer to GetImage. DeviceAbsent: the port is gone.
        """
        largest_bytes = max(sizes)
        try:
            answer = self.ask_once(Command.GET_IMAGE)
        except ProtocolViolation as violation:
            self._stale_s = self.stream_limit_s(largest_bytes)
            return Upload(None, str(violation))
        if not answer.accepted:
            return Upload(None, f"the module cannot send its image: {answer.parameter:04X}")
        deadline = time.monotonic() + self.stream_limit_s(largest_bytes)
        self._parser.expect(largest_bytes if len(sizes) == 1 else None)
        fault, content = "", None
        while content is None and not fault:
            if cancelled.is_set():
                self._stale_s = max(QUIET_S, deadline - time.monotonic())
                return Upload(None)
            try:
                content = self._piece(sizes, deadline)
            except ProtocolViolation as violation:
                fault = str(violation)
            else:
                so_far = len(content.payload) if content else self._parser.held_bytes
                received(min(so_far, largest_bytes))
        if fault:
            self._stale_s = max(QUIET_S, deadline - time.monotonic())
            stalled = self.heard_bytes < image_line_bytes(min(sizes)) - MESSAGE_BYTES - FEW_BYTES
            self._wait_for_silence(self.limits.answer_s if stalled else QUIET_S)
        elif self._parser.skipped_bytes:
            fault = f"{self._parser.skipped_bytes} bytes belonged to no packet"
        return Upload(content.payload if content else None, fault)

    def stream_limit_s(self, content_bytes: int) -> float:
        """Return how long an image may take: a quarter more than the line needs, and 2 s."""
        return 1.25 * image_line_bytes(content_bytes) * 10 / self.port.baud + 2.0

    def _piece(self, sizes: Collection[int], deadline: float) -> Content | None:
        """Take in one piece of an image; return the image once it is whole.

        Raises:
            ProtocolViolation: it is not, and nothing more comes.
        """
        packet = self._parser.next_packet()
        if isinstance(packet, Message):
            raise ProtocolViolation("an answer inside an image")
        if packet is not None:
            self._note(packet)
            return packet
        limit = min(deadline, time.monotonic() + self.limits.gap_s)
        coming_bytes = max(sizes) + OVERHEAD_BYTES if len(sizes) == 1 else 0
        if self._hear(limit, coming_bytes):
            return None
        if len(sizes) == 1:
            raise ProtocolViolation(
                f"the stream stopped: {self._parser.held_bytes} bytes instead of {coming_bytes}"
            )
        return self._parser.content_at_silence(sizes)

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
            self._wait_for_silence(QUIET_S)
        self.port.drop_input()
        self._parser.clear()
        self.heard_bytes = 0

    def _wait_for_silence(self, silence_s: float) -> None:
        """Read and drop until silence, or for the time that the stale stream may take."""
        self.port.drain(silence_s, self._stale_s)
        self._stale_s = 0.0

    def _packet(self, deadline: float) -> Message | Content | None:
        """Return the next packet; None when nothing, or nothing but noise, came until then."""
        while (packet := self._parser.next_packet()) is None:
            if not self._hear(deadline, 0):
                return None
        self._note(packet)
        return packet

    def _hear(self, deadline: float, coming_bytes: int) -> bool:
        """Feed the parser with what comes until then; False if nothing did.

        Args:
            deadline: on the monotonic clock, s.
            coming_bytes: the size of the packet that is under way; 0 for one that is awaited.
        """
        now = time.monotonic()
        limit_s = deadline - now
        chunk = self.port.read(limit_s, min(self._rest_s(coming_bytes), limit_s))
        # Past the deadline it still takes what is there: this process may have slept, not they.
        if not chunk or now > deadline + self.limits.gap_s:
            return False
        self._parser.feed(chunk)
        self._last_chunk_bytes = len(chunk)
        self.heard_bytes += len(chunk)
        return True

    def _rest_s(self, coming_bytes: int) -> float:
        """Return how long to sleep while more of an image arrives.

        Waking for every few bytes costs ten times as much; sleeping past the last one costs time.
        """
        wanted_bytes = min(REST_BYTES, coming_bytes - self._parser.held_bytes)
        if wanted_bytes <= 0 or self._last_chunk_bytes > FLOOD_BYTES:
            return 0.0
        return max(0.0, min(REST_MAX_S, wanted_bytes * 10 / self.port.baud - EARLY_S))

    def _note(self, packet: Message | Content) -> None:
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

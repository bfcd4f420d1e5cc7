"""A zfm module at the other end of a serial port: one command and its answer, one image.

It knows time and repetition on the line, and nothing of fingers or sizes of sensors.

An image comes as packets without numbers, so one lost and one doubled packet keep every sum and
the total length. Hence the rules of `Uploads`: a fault drops the whole image, never a part of it,
and after any fault an image counts only when two uploads agree byte for byte.
"""

from __future__ import annotations

import logging
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Final

from drivers.errors import DeviceError, DeviceTimeout, ProtocolViolation
from drivers.line_trace import LineTrace, Way
from drivers.serial_port import CHUNK_BYTES, SerialPort
from drivers.zfm_packets import (
    HEAD_BYTES,
    MAX_PAYLOAD_BYTES,
    SUM_BYTES,
    Confirmation,
    Kind,
    Opcode,
    Packet,
    PacketParser,
    command,
    packed_line_bytes,
    stream_line_bytes,
)

log = logging.getLogger(__name__)

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


@dataclass(slots=True)
class Upload:
    """What one UpImage brought; `fault` is empty if the line was clean from end to end."""

    content: bytes | None
    fault: str = ""


class ZfmLine:
    """Commands and streams over one open port. One thread uses it.

    Attributes:
        trace: the last commands, answers and packet heads. Image bytes never enter it.
        heard_bytes: how many bytes came since the last command, sense or not.
    """

    def __init__(self, port: SerialPort, address: int, limits: Limits) -> None:
        self.port = port
        self.limits = limits
        self.trace = LineTrace(name_of)
        self.heard_bytes = 0
        self._address = address
        self._parser = PacketParser(address)
        self._last_chunk_bytes = 0
        # How long the module may still be sending what nobody wants any more; 0 if it is silent.
        self._stale_s = 0.0

    def confirm(self, opcode: Opcode, *parameters: int) -> int:
        """Send a command and return the confirmation byte. Raises as `ask`."""
        return self.ask(opcode, *parameters)[0]

    def ask(self, opcode: Opcode, *parameters: int, limit_s: float | None = None) -> bytes:
        """Send a command and return the acknowledge's payload, confirmation byte first.

        A damaged packet in either direction makes it send again, three times in all; so does
        silence, but only from a module that still answers the handshake.

        Raises:
            DeviceTimeout: it stayed silent. ProtocolViolation: no intact answer came.
            DeviceAbsent: the port is gone.
        """
        failure: DeviceError = DeviceTimeout("nothing was sent")
        for _ in range(TRIES):
            try:
                answer = self.ask_once(opcode, *parameters, limit_s=limit_s)
            except ProtocolViolation as violation:
                failure, self._stale_s = violation, self.limits.gap_s
                continue
            except DeviceTimeout as silence:
                failure = silence
                if not self._lives():
                    raise
                continue
            if answer[0] == Confirmation.VERIFY_FIRST and opcode is not Opcode.VFY_PWD:
                # It was reset behind our back: the handshake lasts as long as its power.
                failure = DeviceError("the module asks for its password")
                self.ask_once(Opcode.VFY_PWD, 0, 0, 0, 0)
            elif answer[0] == Confirmation.BAD_PACKET:
                failure = ProtocolViolation("the module says that our packets arrive damaged")
            else:
                return answer
        raise failure

    def _lives(self) -> bool:
        """Whether anything answers: a person waits, so a dead module is not asked in full again."""
        self._stale_s = self.limits.gap_s
        try:
            self.ask_once(Opcode.VFY_PWD, 0, 0, 0, 0, limit_s=self.limits.handshake_s)
        except DeviceTimeout:
            return False
        except ProtocolViolation:
            pass
        # That may have been a late answer to the command, and the handshake's is still to come.
        self._stale_s = self.limits.gap_s
        return True

    def ask_once(self, opcode: Opcode, *parameters: int, limit_s: float | None = None) -> bytes:
        """Send a command once and return the acknowledge's payload; raises as `ask`."""
        self._settle()
        frame = command(opcode, *parameters, address=self._address).to_bytes()
        self.trace.note(Way.OUT, frame[HEAD_BYTES:-SUM_BYTES])
        self.port.write(frame)
        limit_s = self.limits.answer_s if limit_s is None else limit_s
        deadline = time.monotonic() + limit_s
        while True:
            packet = self._packet(deadline)
            if packet is None:
                raise DeviceTimeout(f"no answer to {opcode.name} within {limit_s} s")
            # Packets of an image that was given up may still be under way: they answer nothing.
            if packet.kind is Kind.ACKNOWLEDGE and packet.payload:
                return packet.payload
            if time.monotonic() > deadline:
                raise DeviceTimeout(f"an old stream hides the answer to {opcode.name}")

    def upload(self, content_bytes: int, received: Received, cancelled: Event) -> Upload:
        """Fetch the image buffer once; `content` is None if cancelled or faulty.

        Raises:
            DeviceTimeout: no answer to UpImage. DeviceAbsent: the port is gone.
        """
        try:
            confirmation = self.ask_once(Opcode.UP_IMAGE)[0]
        except ProtocolViolation as violation:
            self._stale_s = self.stream_limit_s(content_bytes)
            return Upload(None, str(violation))
        if confirmation != Confirmation.OK:
            return Upload(None, f"the module cannot send its image: {confirmation:02X}")
        collected = _Collected(content_bytes)
        deadline = time.monotonic() + self.stream_limit_s(content_bytes)
        while not collected.ended:
            left_s = deadline - time.monotonic()
            if cancelled.is_set():
                self._stale_s = max(QUIET_S, left_s)
                return Upload(None)
            if not self._collect(collected, min(left_s, self.limits.gap_s)):
                self._stopped(collected, left_s)
                break
            received(min(collected.received_bytes, content_bytes))
        if self._parser.skipped_bytes:
            collected.blame(f"{self._parser.skipped_bytes} bytes belonged to no packet")
        return collected.as_upload()

    def stream_limit_s(self, content_bytes: int) -> float:
        """Return how long an image may take: a quarter more than the line needs, and 2 s."""
        # The smallest packets have the most overhead; a module may use them without telling.
        line_s = stream_line_bytes(content_bytes, 32) * 10 / self.port.baud
        return 1.25 * line_s + 2.0

    def _collect(self, collected: _Collected, limit_s: float) -> bool:
        """Add what comes in one piece, good or bad; False if no packet came or time is up."""
        if limit_s <= 0:
            return False
        deadline = time.monotonic() + limit_s
        while not self._unpack_into(collected):
            # As if in the largest packets, with the least overhead: a sleep may only be too short.
            coming_bytes = packed_line_bytes(collected.missing_bytes, MAX_PAYLOAD_BYTES)
            if not self._hear(deadline, coming_bytes):
                return False
        return True

    def _unpack_into(self, collected: _Collected) -> bool:
        """Add every packet that is whole; False if there is none."""
        some = False
        while not collected.ended:
            try:
                packet = self._parser.next_packet()
            except ProtocolViolation as violation:
                collected.blame(str(violation))
            else:
                if packet is None:
                    break
                self._note(packet)
                collected.add(packet)
            some = True
        return some

    def _stopped(self, collected: _Collected, left_s: float) -> None:
        if collected.missing_bytes == 0:
            # Reported of R551 modules (brianrho/FPM issue 11): all bytes, but no END.
            log.warning("zfm_image_without_end bytes=%d", collected.received_bytes)
            collected.ended = True
            return
        collected.blame("the stream stopped")
        # It is in the middle of an image: what it still sends would be taken for the next answer.
        self._stale_s = max(0.0, left_s)
        self._wait_for_end(self.limits.answer_s)

    def _settle(self) -> None:
        """Get the line silent and empty before a command."""
        if self._stale_s:
            self._wait_for_end(QUIET_S)
        self._stale_s = 0.0
        self.port.drop_input()
        self._parser.clear()
        self.heard_bytes = 0

    def _wait_for_end(self, silence_s: float) -> None:
        """Read until END, or silence, or the time that the stale stream may take."""
        deadline = time.monotonic() + self._stale_s
        while (now := time.monotonic()) < deadline:
            try:
                packet = self._packet(min(deadline, now + silence_s), MAX_PAYLOAD_BYTES)
            except ProtocolViolation:
                continue
            if packet is None or packet.kind is Kind.END:
                break
        self._stale_s = 0.0

    def _packet(self, deadline: float, coming_bytes: int = 0) -> Packet | None:
        """Return the next packet; None when nothing, or nothing but noise, came until then."""
        while (packet := self._parser.next_packet()) is None:
            if not self._hear(deadline, coming_bytes):
                return None
        self._note(packet)
        return packet

    def _hear(self, deadline: float, coming_bytes: int) -> bool:
        """Feed the parser with what comes until then; False if nothing did.

        Args:
            deadline: on the monotonic clock, s.
            coming_bytes: how much is known to be under way; 0 for an answer, which is awaited.
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
        return min(REST_MAX_S, wanted_bytes * 10 / self.port.baud - EARLY_S)

    def _note(self, packet: Packet) -> None:
        shown = packet.payload if packet.kind is Kind.ACKNOWLEDGE else b""
        self.trace.note(Way.IN, _HEAD.pack(packet.kind, len(packet.payload)) + shown)


_HEAD: Final = struct.Struct(">BH")


def name_of(way: Way, shown: bytes) -> str:
    """Say what an entry of the trace is: a command's payload, or a packet's head and answer."""
    if way is Way.OUT:
        return Opcode(shown[0]).name
    kind, payload_bytes = _HEAD.unpack_from(shown)
    return f"{Kind(kind).name} of {payload_bytes} bytes"


class _Collected:
    """An image on its way in, and what was wrong with it."""

    def __init__(self, expected_bytes: int) -> None:
        self.expected_bytes = expected_bytes
        self.received_bytes = 0
        self.ended = False
        self._payloads: list[bytes] = []
        self._fault = ""
        self._usable = True

    @property
    def missing_bytes(self) -> int:
        return self.expected_bytes - self.received_bytes

    def blame(self, why: str) -> None:
        """Remember the first thing that went wrong."""
        self._fault = self._fault or why

    def add(self, packet: Packet) -> None:
        if packet.kind not in (Kind.DATA, Kind.END):
            self.blame(f"a packet of kind {packet.kind.name} inside the image")
            return
        payload = packet.payload
        # Skin is never twice the same for 128 bytes, but untouched glass is (0 of 11,440
        # neighbours in FVC2002 DB2_B): else a packet was doubled, and another may be missing.
        if self._payloads and payload == self._payloads[-1] and len(set(payload)) > 1:
            self.blame("two neighbouring packets are equal")
        self._payloads.append(payload)
        self.received_bytes += len(payload)
        self.ended = packet.kind is Kind.END

    def as_upload(self) -> Upload:
        if self.received_bytes != self.expected_bytes or not self.ended:
            self.blame(f"{self.received_bytes} bytes instead of {self.expected_bytes}")
            return Upload(None, self._fault)
        return Upload(b"".join(self._payloads), self._fault)

"""Fetching the image buffer of a zfm module once, and saying what was wrong with it.

It looks at the line seldom: it sleeps while most of an image arrives, and cuts it into packets when
the last one must have come. Whether an image is believed is decided in `drivers.zfm_upload`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Final

from drivers.errors import DeviceError, DeviceTimeout, ProtocolViolation
from drivers.serial_port import CHUNK_BYTES
from drivers.zfm_line import QUIET_S, ZfmLine, demand_health
from drivers.zfm_packets import (
    MAX_PAYLOAD_BYTES,
    OVERHEAD_BYTES,
    PACKET_SIZES_BYTES,
    Confirmation,
    Kind,
    Opcode,
    Packet,
    packed_line_bytes,
    stream_line_bytes,
)
from drivers.zfm_size import LARGEST_BYTES

log = logging.getLogger(__name__)

REST_MAX_S: Final = 0.2
"""Also how late a cancel, a pulled plug or the progress on the screen may be."""

REST_BYTES: Final = CHUNK_BYTES * 9 // 16
"""So much may arrive in one sleep, 0.2 s at 115200 baud: if the machine wakes us late, what comes
in another 0.15 s still fits."""

EARLY_S: Final = 0.003
"""A line's bytes come in pieces: the last ones are awaited, so that no sleep can be too long."""

FLOOD_BYTES: Final = CHUNK_BYTES * 3 // 4
"""More than that in one piece: we are late. No sleep then."""

OUTRUN: Final = 2
"""So many times what the line's speed allows, and the speed says nothing: a module on USB, a pipe.
No sleep at all then."""

Received = Callable[[int], None]
"""Called with the number of image bytes so far."""


class BufferEmpty(DeviceError):
    """The module has no image to send, though it took one. Let it take another, once."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What one UpImage brought.

    Attributes:
        content: the image; None if it was cancelled, or no good: a packet is damaged, missing, or
            there twice.
        fault: "" if the line was clean from end to end.
        other: what came cleanly, from end to end, and is not as long as was expected.
    """

    content: bytes | None
    fault: str = ""
    other: bytes | None = None


def upload(
    line: ZfmLine, expected_bytes: int | None, received: Received, cancelled: Event
) -> Upload:
    """Fetch the image buffer once.

    Raises:
        DeviceTimeout: no answer to UpImage. DeviceAbsent: the port is gone.
        BufferEmpty, DeviceError: the module says so.
    """
    limit_s = stream_limit_s(expected_bytes or LARGEST_BYTES, line.port.baud)
    try:
        confirmation = line.ask_once(Opcode.UP_IMAGE)[0]
    except ProtocolViolation as violation:
        line.expect_stale(limit_s)
        return Upload(None, str(violation))
    except DeviceTimeout as silence:
        if not line.lives():
            raise
        return Upload(None, str(silence))
    if confirmation != Confirmation.OK:
        return _refused(confirmation)
    return _Stream(line, expected_bytes, limit_s).read(received, cancelled)


def _refused(confirmation: int) -> Upload:
    demand_health(confirmation)
    if confirmation in _NO_BUFFER:
        raise BufferEmpty(f"the module cannot send its image: {confirmation:02X}")
    return Upload(None, f"the module cannot send its image: {confirmation:02X}")


_NO_BUFFER: Final = {
    Confirmation.CANNOT_TAKE,
    Confirmation.CANNOT_SEND,
    Confirmation.NO_VALID_IMAGE,
    # It was reset behind our back, and forgot the image with the handshake.
    Confirmation.VERIFY_FIRST,
}


def stream_limit_s(content_bytes: int, baud: int) -> float:
    """Return how long an image may take: a quarter more than the line needs, and 2 s."""
    # The smallest packets have the most overhead; a module may use them without telling.
    line_s = stream_line_bytes(content_bytes, PACKET_SIZES_BYTES[0]) * 10 / baud
    return 1.25 * line_s + 2.0


class _Stream:
    """An image on its way in, and what was wrong with it.

    What comes is kept as it is and cut into packets when the last one must have come: to look at
    every packet as it arrives costs more of the processor's time than all the rest.
    """

    def __init__(self, line: ZfmLine, expected_bytes: int | None, limit_s: float) -> None:
        self._line = line
        self._expected_bytes = expected_bytes
        self._deadline = time.monotonic() + limit_s
        self._most_bytes = 2 * max(expected_bytes or 0, LARGEST_BYTES)
        self._byte_s = 10 / line.port.baud
        self._began_s = time.monotonic()
        self._heard_bytes = 0
        self._payloads: list[bytes] = []
        self._content_bytes = 0
        self._packet_bytes = 0
        # What the parser must hold before a look into it is worth the time: at first one packet,
        # which tells the size, and so the overhead, of all that follow.
        self._wanted_bytes = MAX_PAYLOAD_BYTES + OVERHEAD_BYTES
        self._ended = False
        self._doubled = False
        self._fault = ""
        self._told_bytes = 0

    def read(self, received: Received, cancelled: Event) -> Upload:
        """Read until the end, good or bad."""
        hear, parser, gap_s = self._line.hear, self._line.parser, self._line.limits.gap_s
        now = time.monotonic()
        silent_since, came_bytes = now, 0
        while not cancelled.is_set():
            patience_s = min(self._ends_at(silent_since) - now, REST_MAX_S + QUIET_S)
            came_bytes = hear(max(0.0, patience_s), self._rest_s(parser.held_bytes, came_bytes))
            now = time.monotonic()
            self._heard_bytes += came_bytes
            if not came_bytes or parser.held_bytes >= self._wanted_bytes:
                self._cut()
            if came_bytes:
                silent_since = now
                received(self._so_far())
            if self._ended:
                return self._as_upload()
            # Late with something in hand: this process may have slept, not they; but not for long.
            if self._endless or now >= self._ends_at(silent_since) + (gap_s if came_bytes else 0.0):
                self._stopped(now - silent_since)
                return self._as_upload()
        self._line.expect_stale(max(QUIET_S, self._deadline - now))
        return Upload(None)

    def _ends_at(self, silent_since: float) -> float:
        """Return when to stop listening: a whole image may have its silence in full, and once."""
        gap_s = self._line.limits.gap_s
        latest = self._deadline + (gap_s if self._missing_bytes == 0 else 0.0)
        return min(latest, silent_since + gap_s)

    @property
    def _endless(self) -> bool:
        """Whether more came than any module's image has: memory is not for whoever floods a line.

        Empty packets count too. An image of another size must still come whole, to be named.
        """
        return self._content_bytes + len(self._payloads) > self._most_bytes

    @property
    def _missing_bytes(self) -> int | None:
        """Bytes of the image that were not cut out yet; None if nobody knows."""
        if self._expected_bytes is None:
            return None
        return self._expected_bytes - self._content_bytes

    def _rest_s(self, held_bytes: int, came_bytes: int) -> float:
        """Return how long to sleep while more of an image arrives.

        Waking for every few bytes costs ten times as much; sleeping past the last one costs time.
        """
        coming_bytes = self._wanted_bytes - held_bytes
        if coming_bytes <= 0 or came_bytes > FLOOD_BYTES or self._outruns:
            return 0.0
        return min(REST_MAX_S, min(REST_BYTES, coming_bytes) * self._byte_s - EARLY_S)

    @property
    def _outruns(self) -> bool:
        """Whether more came than a line of this speed carries; what was buffered before counts."""
        carried_bytes = (time.monotonic() - self._began_s) / self._byte_s
        return self._heard_bytes > OUTRUN * carried_bytes + CHUNK_BYTES

    def _so_far(self) -> int:
        """Return about how many bytes of the image are here; never more than there are in all."""
        packet_bytes = self._packet_bytes or MAX_PAYLOAD_BYTES
        held_bytes = self._line.parser.held_bytes
        so_far = self._content_bytes + held_bytes * packet_bytes // (packet_bytes + OVERHEAD_BYTES)
        if self._expected_bytes is not None:
            so_far = min(so_far, self._expected_bytes)
        # What was heard may turn out to be no packet; a bar that goes back would only worry.
        self._told_bytes = max(self._told_bytes, so_far)
        return self._told_bytes

    def _cut(self) -> None:
        """Take every packet that is whole out of what came."""
        parser = self._line.parser
        last: Packet | None = None
        times = 0
        while not self._ended and not self._endless:
            try:
                packet = parser.next_packet()
            except ProtocolViolation as violation:
                self._blame(str(violation))
                continue
            if packet is None:
                break
            self._add(packet)
            if last and (packet.kind, len(packet.payload)) == (last.kind, len(last.payload)):
                times += 1
                continue
            if last:
                self._line.note_packets(last, times)
            last, times = packet, 1
        if last:
            self._line.note_packets(last, times)
        if self._missing_bytes and self._packet_bytes:
            self._wanted_bytes = packed_line_bytes(self._missing_bytes, self._packet_bytes)
        else:
            self._wanted_bytes = 0

    def _add(self, packet: Packet) -> None:
        if packet.kind not in (Kind.DATA, Kind.END):
            self._blame(f"a packet of kind {packet.kind.name} inside the image")
            return
        payload = packet.payload
        # Skin is never twice the same for 128 bytes, but untouched glass is (0 of 11,440
        # neighbours in FVC2002 DB2_B): else a packet was doubled, and another may be missing.
        if self._payloads and payload == self._payloads[-1] and len(set(payload)) > 1:
            self._blame("two neighbouring packets are equal")
            self._doubled = self._doubled or not _bare(payload)
        self._payloads.append(payload)
        self._content_bytes += len(payload)
        self._packet_bytes = max(self._packet_bytes, len(payload))
        self._ended = packet.kind is Kind.END

    def _stopped(self, silent_s: float) -> None:
        """Judge a stream that ended without END."""
        if self._missing_bytes == 0 and silent_s >= self._line.limits.gap_s:
            # Reported of R551 modules (brianrho/FPM issue 11): all bytes, but no END.
            log.warning("zfm_image_without_end", extra={"bytes": self._content_bytes})
            self._ended = True
            return
        self._blame("the stream stopped")
        # It is in the middle of an image: what it still sends would be taken for the next answer.
        self._line.expect_stale(self._deadline - time.monotonic())
        self._line.wait_for_end(self._line.limits.answer_s)

    def _blame(self, why: str) -> None:
        """Remember the first thing that went wrong."""
        self._fault = self._fault or why

    def _as_upload(self) -> Upload:
        skipped_bytes = self._line.parser.skipped_bytes
        if skipped_bytes:
            self._blame(f"{skipped_bytes} bytes belonged to no packet")
        if not self._ended:
            return Upload(None, self._fault)
        content = b"".join(self._payloads)
        if self._missing_bytes:
            other = None if self._fault else content
            self._blame(f"{len(content)} bytes instead of {self._expected_bytes}")
            return Upload(None, self._fault, other)
        # A module may double packets alike each time: two such uploads agree, and are wrong.
        return Upload(None if self._doubled else content, self._fault)


def _bare(payload: bytes) -> bool:
    """Whether nothing but bare glass can look so: two neighbouring greys of sixteen at most.

    Rows of bare glass may be equal, each time again, beside a small or a light press. Of images
    with 8 bits a pixel only one single grey is bare glass here.
    """
    greys = {byte >> 4 for byte in payload} | {byte & 0x0F for byte in payload}
    return max(greys) - min(greys) <= 1

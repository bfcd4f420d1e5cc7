"""EF01 packets: what a zfm module and its host say to each other, as bytes. No I/O, no clock.

    | EF 01 | address 4 | kind 1 | length 2 | payload length-2 | sum 2 |      all big endian

`length` counts the payload and the sum; `sum` adds kind, length and payload modulo 65536, so it
covers neither header nor address. There is no packet number: what a sum cannot see, whoever
collects an image must (`drivers.zfm_line`). Driver and peer share this file; golden bytes from
elsewhere hold it in place (`tests/wire/test_zfm_packets.py`).

Source: Adafruit-Fingerprint-Sensor-Library and brianrho/FPM, which agree with the family's manuals.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from drivers.errors import ProtocolViolation

HEADER: Final = b"\xef\x01"
ANY_ADDRESS: Final = 0xFFFFFFFF
HEAD_BYTES: Final = 9
SUM_BYTES: Final = 2
OVERHEAD_BYTES: Final = HEAD_BYTES + SUM_BYTES
MAX_PAYLOAD_BYTES: Final = 256
PACKET_SIZES_BYTES: Final = (32, 64, 128, 256)
"""Payload sizes of data packets; the place in this tuple is the code of register 6."""

BAUD_STEP: Final = 9600
"""Register 4 holds the speed as a multiple of this."""


class Kind(IntEnum):
    """What a packet is."""

    COMMAND = 0x01
    DATA = 0x02
    ACKNOWLEDGE = 0x07
    END = 0x08
    """The last packet of a stream; it carries payload too."""


class Opcode(IntEnum):
    """The commands that this station sends; whatever writes or matches templates is left out.

    From 28 on they mean other things on other branches of the family: they are sent only to a
    model whose file names them.
    """

    GET_IMAGE = 0x01
    IMG_2_TZ = 0x02
    UP_IMAGE = 0x0A
    SET_SYS_PARA = 0x0E
    READ_SYS_PARA = 0x0F
    VFY_PWD = 0x13
    GET_IMAGE_EX = 0x28
    AURA_LED = 0x35
    READ_PROD_INFO = 0x3C
    LED_ON = 0x50
    LED_OFF = 0x51


class Confirmation(IntEnum):
    """The first payload byte of an acknowledge, as far as the station meets it."""

    OK = 0x00
    BAD_PACKET = 0x01
    NO_FINGER = 0x02
    IMAGE_FAILED = 0x03
    IMAGE_MESSY = 0x06
    FEW_POINTS = 0x07
    CANNOT_TAKE = 0x0E
    CANNOT_SEND = 0x0F
    WRONG_PASSWORD = 0x13
    NO_VALID_IMAGE = 0x15
    BAD_REGISTER = 0x1A
    VERIFY_FIRST = 0x21
    SENSOR_FAULT = 0x29
    REFUSED = 0x35
    """Of R558: "illegal data" (Adafruit-Fingerprint-Sensor-Library issue 130)."""
    DAMAGED = 0xFE
    """What makers' host libraries call a bad packet; some modules are said to send it."""
    TIMED_OUT = 0xFF


class Register(IntEnum):
    """What SetSysPara can set."""

    BAUD = 4
    PACKET_SIZE = 6


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, without its sum."""

    kind: Kind
    payload: bytes
    address: int = ANY_ADDRESS

    def __post_init__(self) -> None:
        if len(self.payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"{len(self.payload)} bytes do not fit into one packet")

    def to_bytes(self) -> bytes:
        """Return the packet as it goes over the line."""
        length = len(self.payload) + SUM_BYTES
        summed = struct.pack(">BH", self.kind, length) + self.payload
        return b"".join(
            (HEADER, struct.pack(">I", self.address), summed, (sum(summed) & 0xFFFF).to_bytes(2))
        )


class PacketParser:
    """Packets out of bytes that come in pieces of any size.

    `skipped_bytes` counts what lay between packets: noise, or a packet whose header was hit.
    """

    def __init__(self, address: int = ANY_ADDRESS) -> None:
        self.skipped_bytes = 0
        self._address = address
        self._start = HEADER + struct.pack(">I", address)
        self._buffer = bytearray()

    def feed(self, received: bytes) -> None:
        """Take in what the line delivered."""
        self._buffer += received

    @property
    def held_bytes(self) -> int:
        """How many bytes wait for the rest of their packet."""
        return len(self._buffer)

    def clear(self) -> None:
        """Forget everything that was fed, as after flushing the line."""
        self._buffer.clear()
        self.skipped_bytes = 0

    def next_packet(self) -> Packet | None:
        """Return the next whole packet, or None until more bytes are fed.

        Raises:
            ProtocolViolation: a packet has an unknown kind, an impossible length or a wrong sum.
                It is dropped; what follows it, or hides inside it, can be asked for at once.
        """
        buffer = self._buffer
        if not buffer.startswith(self._start):
            self._skip(self._garbage_bytes())
        if len(buffer) < HEAD_BYTES:
            return None
        kind, length = _HEAD.unpack_from(buffer, 6)
        # Some modules' drivers believe a length of 65535 and wait for bytes that never come.
        if kind not in _KINDS or not SUM_BYTES <= length <= MAX_PAYLOAD_BYTES + SUM_BYTES:
            # Its bytes are not named: they may be those of an image.
            raise self._refuse("a head that no packet has")
        end = HEAD_BYTES + length
        if len(buffer) < end:
            return None
        frame = bytes(buffer[:end])
        if not sum_fits(frame):
            raise self._refuse("a packet with a wrong sum")
        del buffer[:end]
        return Packet(_KINDS[kind], frame[HEAD_BYTES:-SUM_BYTES], self._address)

    def _garbage_bytes(self) -> int:
        """Return how many bytes lie before the next header, or before what may become one."""
        found = self._buffer.find(self._start)
        if found >= 0:
            return found
        for length in range(min(len(self._start) - 1, len(self._buffer)), 0, -1):
            if self._buffer.endswith(self._start[:length]):
                return len(self._buffer) - length
        return len(self._buffer)

    def _skip(self, count: int) -> None:
        if count:
            del self._buffer[:count]
            self.skipped_bytes += count

    def _refuse(self, why: str) -> ProtocolViolation:
        # Only the header goes: a good packet may start inside what this one claims to be.
        self._skip(len(HEADER))
        return ProtocolViolation(why)


def sum_fits(frame: bytes) -> bool:
    """Whether the last two bytes of a whole packet are the sum of its kind, length and payload."""
    return sum(frame[6:-SUM_BYTES]) & 0xFFFF == frame[-2] << 8 | frame[-1]


_HEAD: Final = struct.Struct(">BH")
_KINDS: Final = {kind.value: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class SystemParameters:
    """What ReadSysPara answers: 16 bytes after the confirmation."""

    status: int
    system_id: int
    library_size: int
    security: int
    address: int
    packet_bytes: int
    baud: int

    @classmethod
    def from_bytes(cls, answer: bytes) -> Self:
        """Read the 16 bytes. Raises `ProtocolViolation` for anything else."""
        if len(answer) != _PARAMETERS.size:
            raise ProtocolViolation(f"system parameters of {len(answer)} bytes")
        status, system_id, library, security, address, code, step = _PARAMETERS.unpack(answer)
        if code >= len(PACKET_SIZES_BYTES) or step == 0:
            raise ProtocolViolation(f"packet code {code} and baud code {step} mean nothing")
        packet_bytes = PACKET_SIZES_BYTES[code]
        return cls(status, system_id, library, security, address, packet_bytes, step * BAUD_STEP)

    def to_bytes(self) -> bytes:
        """Return the 16 bytes."""
        code = PACKET_SIZES_BYTES.index(self.packet_bytes)
        return _PARAMETERS.pack(
            self.status, self.system_id, self.library_size, self.security, self.address,
            code, self.baud // BAUD_STEP,
        )  # fmt: skip


_PARAMETERS: Final = struct.Struct(">HHHHIHH")


def command(opcode: int, *parameters: int, address: int = ANY_ADDRESS) -> Packet:
    """Return the command packet with these one-byte parameters."""
    return Packet(Kind.COMMAND, bytes((opcode, *parameters)), address)


def stream(content: bytes, packet_bytes: int, address: int = ANY_ADDRESS) -> Iterator[Packet]:
    """Cut content into data packets, the last one of kind END."""
    last = max(0, (len(content) - 1) // packet_bytes * packet_bytes)
    for offset in range(0, last + 1, packet_bytes):
        kind = Kind.END if offset == last else Kind.DATA
        yield Packet(kind, content[offset : offset + packet_bytes], address)


def stream_line_bytes(content_bytes: int, packet_bytes: int) -> int:
    """Return how many bytes an upload costs on the line, command and acknowledge included."""
    return packed_line_bytes(content_bytes, packet_bytes) + 2 * 12


def packed_line_bytes(content_bytes: int, packet_bytes: int) -> int:
    """Return how many bytes content takes on the line as data packets."""
    return content_bytes + OVERHEAD_BYTES * -(-content_bytes // packet_bytes)


def unpack_4bit(packed: bytes) -> bytes:
    """Return one byte a pixel, 0..255, out of two pixels a byte: the high nibble is the left one.

    Source: pyfingerprint's `downloadImage`; Adafruit-Fingerprint-Sensor-Library issue 36.
    """
    pixels = bytearray(2 * len(packed))
    pixels[0::2] = packed.translate(_LEFT)
    pixels[1::2] = packed.translate(_RIGHT)
    return bytes(pixels)


def pack_4bit(pixels: bytes) -> bytes:
    """Return two pixels a byte out of one; the lower four bits of each pixel are lost."""
    pairs = zip(pixels[0::2], pixels[1::2], strict=True)
    return bytes(left & 0xF0 | right >> 4 for left, right in pairs)


_LEFT: Final = bytes((byte >> 4) * 17 for byte in range(256))
_RIGHT: Final = bytes((byte & 0x0F) * 17 for byte in range(256))

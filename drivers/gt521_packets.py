"""gt521 packets: what an ADH-Tech module and its host say to each other. No I/O, no clock.

    command  | 55 AA | device 2 | parameter 4 | code 2             | sum 2 |    12 bytes
    answer   | 55 AA | device 2 | parameter 4 | 30 00 ACK or 31 00 | sum 2 |    12 bytes
    content  | 5A A5 | device 2 | n bytes                          | sum 2 |    6 + n bytes

All little endian; `sum` adds all bytes before it modulo 65536. Content follows an answer and has no
length field: whoever asked knows how many bytes come, or learns it from the silence after them.
A sum sees neither two bytes that changed places nor errors that compensate each other: who collects
an image must (`drivers.gt521_line`). Driver and peer share this file; bytes from elsewhere hold it
in place (`tests/wire/test_gt521_packets.py`).

Source: PyPI PyGT521F32 0.1.6, sparkfun/Fingerprint_Scanner-TTL, brianrho/GT5X, QuickCorp/pyGT511C3.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from drivers.errors import ProtocolViolation

MESSAGE_START: Final = b"\x55\xaa"
CONTENT_START: Final = b"\x5a\xa5"
DEVICE: Final = 1
"""Every module answers to this one; none can be given another."""

MESSAGE_BYTES: Final = 12
HEAD_BYTES: Final = 4
SUM_BYTES: Final = 2
OVERHEAD_BYTES: Final = HEAD_BYTES + SUM_BYTES
MAX_CONTENT_BYTES: Final = 131_072
"""Longer than any image of the family; the largest that anybody reports has 76,800 bytes."""

SPEEDS_BAUD: Final = (9600, 19200, 38400, 57600, 115200)


class Command(IntEnum):
    """The commands that this station sends; those of the module's library are left out."""

    OPEN = 0x01
    CHANGE_BAUD = 0x04
    MODULE_INFO = 0x06
    CMOS_LED = 0x12
    IS_PRESS_FINGER = 0x26
    CAPTURE = 0x60
    GET_IMAGE = 0x62


class Answer(IntEnum):
    """The code of an answer."""

    ACK = 0x30
    NACK = 0x31
    """The parameter says why: `Refusal`."""


class Refusal(IntEnum):
    """Why a module refuses, as far as its library is not concerned."""

    TIMED_OUT = 0x1001
    BAD_SPEED = 0x1002
    DAMAGED = 0x1006
    """Our packet did not arrive intact."""
    BAD_FINGER = 0x100C
    NOT_SUPPORTED = 0x100E
    DEVICE_FAULT = 0x100F
    CANCELLED = 0x1010
    BAD_PARAMETER = 0x1011
    NOT_PRESSED = 0x1012


@dataclass(frozen=True, slots=True)
class Message:
    """One command or answer, without its sum."""

    code: int
    parameter: int = 0

    @property
    def accepted(self) -> bool:
        """Whether it is an answer that says yes."""
        return self.code == Answer.ACK

    def to_bytes(self) -> bytes:
        """Return the packet as it goes over the line."""
        return _summed(_MESSAGE.pack(MESSAGE_START, DEVICE, self.parameter, self.code))


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes that follow an answer: an image, or what the module says of itself."""

    payload: bytes

    def __post_init__(self) -> None:
        if not 0 < len(self.payload) <= MAX_CONTENT_BYTES:
            raise ValueError(f"no packet carries {len(self.payload)} bytes")

    def to_bytes(self) -> bytes:
        """Return the packet as it goes over the line."""
        return _summed(_HEAD.pack(CONTENT_START, DEVICE) + self.payload)


class PacketParser:
    """Packets out of bytes that come in pieces of any size.

    `skipped_bytes` counts what lay between packets: noise, or a packet whose header was hit.
    """

    def __init__(self) -> None:
        self.skipped_bytes = 0
        self._buffer = bytearray()
        self._content_bytes: int | None = None

    def feed(self, received: bytes) -> None:
        """Take in what the line delivered."""
        self._buffer += received

    def expect(self, content_bytes: int | None) -> None:
        """Say that content follows, and how long it is; None for "until the line is silent".

        Holds for one packet of content, or until `clear`. Only while it is expected does its
        header mean anything.
        """
        if content_bytes is not None and not 0 < content_bytes <= MAX_CONTENT_BYTES:
            raise ValueError(f"no packet carries {content_bytes} bytes")
        self._content_bytes = UNTIL_SILENCE if content_bytes is None else content_bytes

    @property
    def held_bytes(self) -> int:
        """How many bytes wait for the rest of their packet."""
        return len(self._buffer)

    def clear(self) -> None:
        """Forget everything that was fed and expected, as after flushing the line."""
        self._buffer.clear()
        self._content_bytes = None
        self.skipped_bytes = 0

    def next_packet(self) -> Message | Content | None:
        """Return the next whole packet, or None until more bytes are fed.

        Raises:
            ProtocolViolation: a packet has a wrong sum, or content does not end. It is dropped;
                what follows it, or hides inside it, can be asked for at once.
        """
        buffer = self._buffer
        self._skip(self._garbage_bytes())
        if len(buffer) < HEAD_BYTES:
            return None
        if buffer.startswith(_MESSAGE_HEAD):
            if len(buffer) < MESSAGE_BYTES:
                return None
            frame = self._cut(MESSAGE_BYTES)
            _, _, parameter, code = _MESSAGE.unpack(frame)
            return Message(code, parameter)
        expected_bytes = self._content_bytes or 0
        if expected_bytes == UNTIL_SILENCE:
            if len(buffer) > MAX_CONTENT_BYTES + OVERHEAD_BYTES:
                raise self._refuse("content that does not end")
            return None
        if len(buffer) < expected_bytes + OVERHEAD_BYTES:
            return None
        return self._content(expected_bytes)

    def content_at_silence(self, sizes: Collection[int]) -> Content:
        """Return content of one of these sizes that the silence after it has ended.

        Raises:
            ProtocolViolation: what was fed is not exactly one such packet with a right sum.
        """
        size = len(self._buffer) - OVERHEAD_BYTES
        if not self._buffer.startswith(_CONTENT_HEAD):
            raise ProtocolViolation("no content came")
        if size not in sizes:
            raise self._refuse(f"{size} bytes are no size that is known")
        return self._content(size)

    def _content(self, size: int) -> Content:
        content = Content(bytes(self._cut(size + OVERHEAD_BYTES)[HEAD_BYTES:]))
        self._content_bytes = None
        return content

    def _cut(self, size: int) -> bytearray:
        """Take a packet of this size off the buffer and return it without its sum."""
        frame = self._buffer[: size - SUM_BYTES]
        if sum(frame) & 0xFFFF != int.from_bytes(self._buffer[size - SUM_BYTES : size], "little"):
            raise self._refuse("a packet's sum is wrong")
        del self._buffer[:size]
        return frame

    def _garbage_bytes(self) -> int:
        """Return how many bytes lie before the next header, or before what may become one."""
        buffer = self._buffer
        heads = (_MESSAGE_HEAD,) if self._content_bytes is None else (_MESSAGE_HEAD, _CONTENT_HEAD)
        if buffer.startswith(heads):
            return 0
        found = [at for head in heads if (at := buffer.find(head)) >= 0]
        if found:
            return min(found)
        for length in range(min(HEAD_BYTES - 1, len(buffer)), 0, -1):
            if any(buffer.endswith(head[:length]) for head in heads):
                return len(buffer) - length
        return len(buffer)

    def _skip(self, count: int) -> None:
        if count:
            del self._buffer[:count]
            self.skipped_bytes += count

    def _refuse(self, why: str) -> ProtocolViolation:
        # Only the header goes: a good packet may start inside what this one claims to be.
        self._skip(len(MESSAGE_START))
        return ProtocolViolation(why)


UNTIL_SILENCE: Final = -1

_MESSAGE: Final = struct.Struct("<2sHIH")
_HEAD: Final = struct.Struct("<2sH")
_MESSAGE_HEAD: Final = _HEAD.pack(MESSAGE_START, DEVICE)
_CONTENT_HEAD: Final = _HEAD.pack(CONTENT_START, DEVICE)


def _summed(frame: bytes) -> bytes:
    return frame + (sum(frame) & 0xFFFF).to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Description:
    """What Open(1) answers: 24 bytes."""

    firmware: int
    """The date of the firmware, as binary-coded decimal: 20160920 hexadecimal."""
    iso_area_bytes: int
    serial: bytes
    """The module's own number, 16 bytes."""

    @classmethod
    def from_bytes(cls, answer: bytes) -> Self:
        """Read the 24 bytes. Raises `ProtocolViolation` for anything else."""
        if len(answer) != DESCRIPTION_BYTES:
            raise ProtocolViolation(f"a description of {len(answer)} bytes")
        return cls(*_DESCRIPTION.unpack(answer))

    def to_bytes(self) -> bytes:
        """Return the 24 bytes."""
        return _DESCRIPTION.pack(self.firmware, self.iso_area_bytes, self.serial)


_DESCRIPTION: Final = struct.Struct("<II16s")
DESCRIPTION_BYTES: Final = _DESCRIPTION.size


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """What ModuleInfo answers (GT-521F family): 38 bytes, named as PyGT521F32 names them."""

    sensor: bytes
    engine: bytes
    raw_width_px: int
    raw_height_px: int
    width_px: int
    height_px: int
    records_max: int
    records: int
    template_bytes: int

    @classmethod
    def from_bytes(cls, answer: bytes) -> Self:
        """Read the first 38 bytes; a later firmware may say more.

        Raises:
            ProtocolViolation: fewer bytes, or an image that no packet carries.
        """
        if len(answer) < MODULE_INFO_BYTES:
            raise ProtocolViolation(f"a module's account of {len(answer)} bytes")
        told = cls(*_MODULE_INFO.unpack_from(answer))
        if not 0 < told.width_px * told.height_px <= MAX_CONTENT_BYTES:
            raise ProtocolViolation(f"an image of {told.width_px} x {told.height_px} px")
        return told

    def to_bytes(self) -> bytes:
        """Return the 38 bytes."""
        return _MODULE_INFO.pack(
            self.sensor, self.engine, self.raw_width_px, self.raw_height_px, self.width_px,
            self.height_px, self.records_max, self.records, self.template_bytes,
        )  # fmt: skip


_MODULE_INFO: Final = struct.Struct("<12s12s7H")
MODULE_INFO_BYTES: Final = _MODULE_INFO.size


def image_line_bytes(image_bytes: int) -> int:
    """Return how many bytes an upload costs on the line, command and answer included."""
    return image_bytes + OVERHEAD_BYTES + 2 * MESSAGE_BYTES

"""PTP's data sets and PTP/IP's packets, as a camera writes them: ISO 15740 and CIPA DC-005. No I/O.

A packet is its length (4 bytes, little-endian, itself counted), its type (4 bytes) and its payload.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

INIT_COMMAND, INIT_COMMAND_ACK, INIT_EVENT, INIT_EVENT_ACK, INIT_FAIL = 1, 2, 3, 4, 5
REQUEST, RESPONSE, EVENT, START_DATA, DATA, CANCEL, END_DATA = 6, 7, 8, 9, 10, 11, 12
PING, PONG = 13, 14

OK, GENERAL_ERROR, NOT_SUPPORTED, BAD_OBJECT, BAD_VALUE = 0x2001, 0x2002, 0x2005, 0x2009, 0x201C
BUSY, BAD_PROPERTY = 0x2019, 0x200A

_PIECE: Final = 60_000


def packet(kind: int, payload: bytes) -> bytes:
    """Return one packet."""
    return struct.pack("<II", len(payload) + 8, kind) + payload


def response(code: int, transaction: int, *parameters: int) -> bytes:
    """Return the packet that ends a transaction."""
    return packet(RESPONSE, struct.pack(f"<HI{len(parameters)}I", code, transaction, *parameters))


def event(code: int, parameter: int) -> bytes:
    """Return the packet that tells what happened."""
    return packet(EVENT, struct.pack("<HII", code, 0, parameter))


def data(content: bytes, transaction: int) -> bytes:
    """Return the packets of a data phase."""
    packets = packet(START_DATA, struct.pack("<IQ", transaction, len(content)))
    for offset in range(0, max(1, len(content)), _PIECE):
        piece = content[offset : offset + _PIECE]
        kind = END_DATA if offset + len(piece) >= len(content) else DATA
        packets += packet(kind, struct.pack("<I", transaction) + piece)
    return packets


def text(words: str) -> bytes:
    """Return a PTP string: its length in signs with the closing zero, then UTF-16."""
    if not words:
        return b"\0"
    return bytes([len(words) + 1]) + words.encode("utf-16-le") + b"\0\0"


def numbers(values: Sequence[int]) -> bytes:
    """Return an array of 16-bit numbers."""
    return struct.pack(f"<I{len(values)}H", len(values), *values)


def handles(values: Sequence[int]) -> bytes:
    """Return an array of 32-bit numbers."""
    return struct.pack(f"<I{len(values)}I", len(values), *values)


def device_description(
    maker: str, model: str, vendor: int, operations: Sequence[int], properties: Sequence[int]
) -> bytes:
    """Return the DeviceInfo data set."""
    return (
        struct.pack("<HIH", 100, vendor, 100) + text("") + struct.pack("<H", 0)
        + numbers(operations) + numbers([0x4002, 0x400D]) + numbers(properties)
        + numbers([0x3801]) + numbers([0x3801, 0x3001])
        + text(maker) + text(model) + text("1.0") + text("ANXIN-PEER-1")
    )  # fmt: skip


def object_description(name: str, storage: int, length: int, size: tuple[int, int]) -> bytes:
    """Return the ObjectInfo data set of a JPEG in the root of the card."""
    head = struct.pack("<IHHIHIII", storage, 0x3801, 0, length, 0, 0, 0, 0)
    return (
        head + struct.pack("<IIIIHII", *size, 24, 0, 0, 0, 0)
        + text(name) + text("20260101T000000") + text("20260101T000000") + text("")
    )  # fmt: skip


def storage_description() -> bytes:
    """Return the StorageInfo data set."""
    return struct.pack("<HHHQQI", 4, 2, 0, 1 << 30, 1 << 29, 1000) + text("card") + text("")


def property_description(code: int, form: str, values: Sequence[int], value: int) -> bytes:
    """Return the DevicePropDesc data set of a setting that takes a list of values.

    Args:
        code: of the property.
        form: of one value, as `struct` names it: "H" for 16 bits, "I" for 32.
        values: what it takes.
        value: as it stands.
    """
    kind = {"B": 2, "H": 4, "I": 6}[form]
    return struct.pack(f"<HHB{form}{form}", code, kind, 1, values[0], value) + struct.pack(
        f"<BH{len(values)}{form}", 2, len(values), *values
    )

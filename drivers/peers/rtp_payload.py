"""RTP packets out of pictures: JPEG as RFC 2435 lays it out, H.264 as RFC 6184 does. No I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PAYLOAD_BYTES: Final = 1400
JPEG_TYPE: Final = 26
H264_TYPE: Final = 96
CLOCK_HZ: Final = 90_000


@dataclass
class Sender:
    """One RTP stream's counters."""

    kind: int
    source: int = 0x1234ABCD
    sequence: int = 0

    def packet(self, payload: bytes, stamp: int, *, last: bool) -> bytes:
        """Return the next packet; `last` marks the end of a frame."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        head = struct.pack(
            ">BBHII", 0x80, self.kind | (0x80 if last else 0), self.sequence,
            stamp & 0xFFFFFFFF, self.source,
        )  # fmt: skip
        return head + payload


def jpeg_payloads(jpeg: bytes) -> list[bytes]:
    """Cut one baseline JPEG of 4:2:0 into payloads; its tables go into the first of them."""
    tables, width_px, height_px, scan = _parts(jpeg)
    payloads = []
    for offset in range(0, len(scan), PAYLOAD_BYTES):
        head = struct.pack(">B3sBBBB", 0, offset.to_bytes(3), 1, 255, width_px // 8, height_px // 8)
        if offset == 0:
            head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        payloads.append(head + scan[offset : offset + PAYLOAD_BYTES])
    return payloads


def h264_payloads(access_unit: bytes) -> list[bytes]:
    """Cut one access unit in Annex B form into payloads, each NAL unit whole or in FU-A pieces."""
    return [payload for unit in nal_units(access_unit) for payload in _fragments(unit)]


def nal_units(annex_b: bytes) -> list[bytes]:
    """Return the NAL units between start codes of three or four bytes."""
    pieces = annex_b.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [piece for piece in pieces if piece]


def _fragments(unit: bytes) -> Iterator[bytes]:
    if len(unit) <= PAYLOAD_BYTES:
        yield unit
        return
    body = unit[1:]
    for offset in range(0, len(body), PAYLOAD_BYTES - 2):
        piece = body[offset : offset + PAYLOAD_BYTES - 2]
        first, last = offset == 0, offset + len(piece) == len(body)
        sign = (0x80 if first else 0) | (0x40 if last else 0) | (unit[0] & 0x1F)
        yield bytes([(unit[0] & 0xE0) | 28, sign]) + piece


def _parts(jpeg: bytes) -> tuple[bytes, int, int, bytes]:
    """Return quantisation tables, width, height and scan of a whole JPEG."""
    at, tables, width_px, height_px = 2, b"", 0, 0
    while True:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4])
        payload = jpeg[at + 4 : at + 2 + length]
        if marker == 0xDB:
            tables += b"".join(payload[k + 1 : k + 65] for k in range(0, len(payload), 65))
        elif marker == 0xC0:
            height_px, width_px = struct.unpack(">HH", payload[1:5])
        at += 2 + length
        if marker == 0xDA:
            return tables, width_px, height_px, jpeg[at:-2]

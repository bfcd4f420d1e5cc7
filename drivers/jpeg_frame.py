"""Whether bytes that a camera sent are one whole JPEG, and of which size. Nothing is decoded here.

A torn frame keeps its header and loses its end, or goes on as the next frame: a decoder draws the
first half and grey below it. Here the marker segments and the scan are walked as ITU-T T.81 annex B
lays them out; what does not add up is `ProtocolViolation`. What is damaged inside the scan and is
still laid out rightly cannot be seen without decoding: the kernel's error sign covers that on USB.

Cameras leave out the Huffman tables (they are the ones of T.81 annex K, as AVI has it): `whole`
puts them in, so that every browser and file reader shows the picture. No pixel is coded anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from drivers.errors import ProtocolViolation

LONGEST_BYTES: Final = 64 << 20
PIXELS_MAX: Final = 100_000_000

_SOI: Final = b"\xff\xd8"
_DHT, _SOS, _EOI, _DRI = 0xC4, 0xDA, 0xD9, 0xDD
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive Huffman: what cameras send and OpenCV decodes."""
_NO_FRAMES: Final = frozenset({0xC4, 0xC8, 0xCC})
_END_OF_SCAN: Final = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
"""In a scan a 0xFF is followed by 0x00 or by a restart; anything else ends it."""
_RESTART: Final = re.compile(rb"\xff([\xd0-\xd7])")


@dataclass(frozen=True, slots=True)
class JpegHead:
    """What a whole JPEG says of itself.

    Attributes:
        width_px, height_px: of the picture.
        length_bytes: from its first byte to its end sign; more may follow, as padding.
        scan_at: where its first scan header begins.
        has_tables: it brings its Huffman tables.
    """

    width_px: int
    height_px: int
    length_bytes: int
    scan_at: int
    has_tables: bool


def read_head(sent: bytes) -> JpegHead:
    """Walk one JPEG from its first to its last marker.

    Raises:
        ProtocolViolation: torn, no JPEG, or one of a kind that no camera sends.
    """
    if len(sent) > LONGEST_BYTES:
        raise ProtocolViolation("the picture is longer than any camera's")
    if not sent.startswith(_SOI):
        raise ProtocolViolation("a picture that begins in its middle")
    size: tuple[int, int] | None = None
    scan_at, has_tables, restarts = 0, False, False
    at = len(_SOI)
    while True:
        marker, at = _marker(sent, at)
        if marker == _EOI:
            break
        payload = _payload(sent, at)
        if marker in _FRAMES:
            size = _size(payload, size)
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_FRAMES:
            raise ProtocolViolation("a JPEG of a kind that no camera sends")
        has_tables |= marker == _DHT
        restarts |= marker == _DRI and any(payload)
        at += 2 + len(payload)
        if marker == _SOS:
            if size is None:
                raise ProtocolViolation("a scan of no picture")
            scan_at = scan_at or at - 4 - len(payload)
            at = _skip_scan(sent, at, restarts=restarts)
    if size is None or not scan_at:
        raise ProtocolViolation("a picture without a scan")
    return JpegHead(*size, at, scan_at, has_tables)


def whole(sent: bytes, head: JpegHead) -> bytes:
    """Return the JPEG without padding and with its Huffman tables; its scans are as they came."""
    if head.has_tables:
        return sent[: head.length_bytes]
    return sent[: head.scan_at] + STANDARD_TABLES + sent[head.scan_at : head.length_bytes]


def _marker(sent: bytes, at: int) -> tuple[int, int]:
    """Return the marker here and where its segment goes on; fill bytes may stand before it."""
    if sent[at : at + 1] != b"\xff":
        raise ProtocolViolation("torn: no marker where one must stand")
    while sent[at : at + 1] == b"\xff":
        at += 1
    if at >= len(sent):
        raise ProtocolViolation("torn: the picture has no end")
    marker = sent[at]
    if marker < 0xC0 or 0xD0 <= marker <= 0xD8:
        raise ProtocolViolation("torn: a marker that cannot stand there")
    return marker, at + 1


def _payload(sent: bytes, at: int) -> bytes:
    length = int.from_bytes(sent[at : at + 2])
    if length < 2 or at + length > len(sent):
        raise ProtocolViolation("torn: a segment is cut")
    return sent[at + 2 : at + length]


def _size(payload: bytes, before: tuple[int, int] | None) -> tuple[int, int]:
    if before is not None or len(payload) < 6 or len(payload) != 6 + 3 * payload[5]:
        raise ProtocolViolation("a picture's header that does not add up")
    depth, height_px, width_px = payload[0], *_pair(payload[1:5])
    if depth != 8 or payload[5] not in (1, 3):
        raise ProtocolViolation("not 8 bits a channel, or not one or three channels")
    if not width_px or not height_px or width_px * height_px > PIXELS_MAX:
        raise ProtocolViolation("a picture of a size that cannot be")
    return width_px, height_px


def _pair(four: bytes) -> tuple[int, int]:
    return int.from_bytes(four[:2]), int.from_bytes(four[2:])


def _skip_scan(sent: bytes, at: int, *, restarts: bool) -> int:
    """Return where the scan that begins here ends. Raises `ProtocolViolation`."""
    end = _END_OF_SCAN.search(sent, at)
    if end is None:
        raise ProtocolViolation("torn: the picture has no end")
    if end.start() == at:
        raise ProtocolViolation("torn: an empty scan")
    signs = [sign[0] & 7 for sign in _RESTART.findall(sent, at, end.start())]
    # They count from 0 to 7 and again: a lost USB packet takes one with it.
    if signs and (not restarts or any(sign != n % 8 for n, sign in enumerate(signs))):
        raise ProtocolViolation("torn: a piece of the scan is missing")
    return end.start()


def _table(place: int, counts: str, values: str) -> bytes:
    return bytes([place]) + bytes.fromhex(counts) + bytes.fromhex(values)


def _standard_tables() -> bytes:
    """Return the DHT segment of T.81 annex K.3: what motion JPEG means by leaving it out."""
    tables = (
        _table(0x00, "00010501010101010100000000000000", "000102030405060708090a0b"),
        _table(
            0x10,
            "0002010303020403050504040000017d",
            "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a16"
            "1718191a25262728292a3435363738393a434445464748494a535455565758595a63646566676869"
            "6a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6"
            "b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8"
            "f9fa",
        ),
        _table(0x01, "00030101010101010101010000000000", "000102030405060708090a0b"),
        _table(
            0x11,
            "00020102040403040705040400010277",
            "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434"
            "e125f11718191a262728292a35363738393a434445464748494a535455565758595a636465666768"
            "696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4"
            "b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8"
            "f9fa",
        ),
    )
    body = b"".join(tables)
    return b"\xff\xc4" + (len(body) + 2).to_bytes(2) + body


STANDARD_TABLES: Final = _standard_tables()

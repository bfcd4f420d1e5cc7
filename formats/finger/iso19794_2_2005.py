r"""Finger minutiae record of ISO/IEC 19794-2:2005, one view.

Layout: NIST's sample record `fmr.iso2005`, byte by byte. Big endian.

    header, 24       "FMR\0" " 20\0", length u32, equipment u16, width u16, height u16,
                     x, y in pixels per cm u16, views u8, reserved u8
    view, 4          position u8, view number << 4 or impression, quality u8, minutiae u8
    minutia, 6       kind << 14 or x u16, y u16, angle u8 in 1.40625 degrees, quality u8
    after the view   length of extended data u16: 0
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from formats.errors import RecordUnreadable
from formats.finger.image_record import Cursor
from formats.finger.minutia import Minutia, MinutiaKind

FORMAT_ID: Final = b"FMR\0"
VERSION: Final = b" 20\0"
HEADER_BYTES: Final = 24
VIEW_BYTES: Final = 4
MINUTIA_BYTES: Final = 6
EXTENDED_BYTES: Final = 2
ANGLE_UNIT_DEG: Final = 1.40625
MINUTIAE_MAX: Final = 255
CM_PER_INCH: Final = 2.54
_COORDINATE_MAX: Final = (1 << 14) - 1
_HEAD: Final = "IHHHHHBB"


@dataclass(frozen=True, slots=True)
class MinutiaeRecord:
    """The minutiae of one view of one finger.

    Attributes:
        position: ISO code, `formats.finger.position`.
        quality: of the print, 0..100, 100 the best.
        resolution_ppcm: pixels per centimetre, the same across and down; 197 for 500 ppi.
        minutiae: at most 255; their angles in steps of 1.40625 degrees once written.
    """

    position: int
    width_px: int
    height_px: int
    resolution_ppcm: int
    quality: int
    minutiae: tuple[Minutia, ...]
    impression: int = 0


def minutiae_record(
    position: int,
    size_px: tuple[int, int],
    resolution_ppi: int,
    quality: int,
    minutiae: Sequence[Minutia],
) -> MinutiaeRecord:
    """Return the record of a print; of more than 255 minutiae the most reliable are kept."""
    best = sorted(minutiae, key=lambda minutia: -minutia.quality)[:MINUTIAE_MAX]
    kept = {id(minutia) for minutia in best}
    return MinutiaeRecord(
        position,
        *size_px,
        round(resolution_ppi / CM_PER_INCH),
        quality,
        tuple(minutia for minutia in minutiae if id(minutia) in kept),
    )


def write(record: MinutiaeRecord) -> bytes:
    """Return the record's bytes, 30 + 6 for each minutia.

    Raises:
        ValueError: a value that the layout cannot hold, or a minutia outside the image.
    """
    _check(record)
    count = len(record.minutiae)
    length = HEADER_BYTES + VIEW_BYTES + MINUTIA_BYTES * count + EXTENDED_BYTES
    ppcm = record.resolution_ppcm
    head = struct.pack(">" + _HEAD, length, 0, record.width_px, record.height_px, ppcm, ppcm, 1, 0)
    view = struct.pack(">BBBB", record.position, record.impression, record.quality, count)
    points = b"".join(_point(minutia) for minutia in record.minutiae)
    return FORMAT_ID + VERSION + head + view + points + bytes(EXTENDED_BYTES)


def read(content: bytes) -> MinutiaeRecord:
    """Return what a record of one view says; extended data is stepped over.

    Raises:
        RecordUnreadable: no such record, or one whose lengths do not fit: NIST's own sample has a
            last block that claims more bytes than there are, and is refused.
    """
    cursor = Cursor(content)
    cursor.expect(FORMAT_ID, "the format")
    cursor.expect(VERSION, "the edition")
    length, _, width, height, across, down, views, _ = cursor.fields(_HEAD)
    if length != len(content):
        raise RecordUnreadable(f"byte 8: {length} bytes announced, {len(content)} here")
    if views != 1 or across != down:
        raise RecordUnreadable(f"byte 18: {views} views, {across} and {down} pixels per cm")
    position, numbered, quality, count = cursor.fields("BBBB")
    minutiae = tuple(_minutia(cursor) for _ in range(count))
    cursor.take(cursor.fields("H")[0])
    cursor.end()
    record = MinutiaeRecord(position, width, height, across, quality, minutiae, numbered & 0xF)
    try:
        _check(record)
    except ValueError as refusal:
        raise RecordUnreadable(str(refusal)) from refusal
    return record


def _check(record: MinutiaeRecord) -> None:
    for name, value, least, most in (
        ("position", record.position, 0, 10),
        ("width_px", record.width_px, 1, _COORDINATE_MAX + 1),
        ("height_px", record.height_px, 1, _COORDINATE_MAX + 1),
        ("resolution_ppcm", record.resolution_ppcm, 1, 0xFFFF),
        ("quality", record.quality, 0, 100),
        ("impression", record.impression, 0, 0xF),
        ("minutiae", len(record.minutiae), 0, MINUTIAE_MAX),
    ):
        if not least <= value <= most:
            raise ValueError(f"{name} is {value}, outside {least}..{most}")
    for minutia in record.minutiae:
        inside = 0 <= minutia.x_px < record.width_px and 0 <= minutia.y_px < record.height_px
        if not inside or not 0 <= minutia.quality <= 100:
            raise ValueError(f"a minutia at ({minutia.x_px}, {minutia.y_px}) does not fit")


def _point(minutia: Minutia) -> bytes:
    angle = round(minutia.angle_deg / ANGLE_UNIT_DEG) % 256
    kind = minutia.kind.value << 14
    return struct.pack(">HHBB", kind | minutia.x_px, minutia.y_px, angle, minutia.quality)


def _minutia(cursor: Cursor) -> Minutia:
    at = cursor.at
    first, y, angle, quality = cursor.fields("HHBB")
    if first >> 14 not in {kind.value for kind in MinutiaKind}:
        raise RecordUnreadable(f"byte {at}: a minutia of kind {first >> 14}")
    kind = MinutiaKind(first >> 14)
    return Minutia(first & _COORDINATE_MAX, y, angle * ANGLE_UNIT_DEG, kind, quality)

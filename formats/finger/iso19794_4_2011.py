r"""Finger image record of ISO/IEC 19794-4:2011: general header of 16 bytes, one representation.

Layout: PyPI `iso19794` 0.1.0 and MOSIP `bio-utils`, which agree byte for byte. Big endian.

    general header   "FIR\0" "020\0", length u32, representations u16, certification flag u8,
                     positions u8
    representation   length u32; year u16, month, day, hour, minute, second u8, milliseconds u16;
                     technology u8, vendor u16, type u16; quality blocks u8, each score u8,
                     vendor u16, algorithm u16; position u8, number u8, units u8, scan x, y u16,
                     image x, y u16, depth u8, compression u8, impression u8, width u16,
                     height u16, data length u32, data
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Final

from formats.errors import RecordUnreadable
from formats.finger.image_record import (
    FORMAT_ID,
    PPI,
    CaptureDevice,
    Compression,
    Cursor,
    FingerImageRecord,
    QualityBlock,
    coded,
    decoded,
    read_as_record,
)

VERSION: Final = b"020\0"
HEADER_BYTES: Final = 16
DEPTH_BITS: Final = 8
CODES: Final = {Compression.RAW: 0, Compression.WSQ: 2, Compression.PNG: 6}

_MOMENT: Final = "HBBBBBH"
_DEVICE: Final = "BHHB"
_QUALITY: Final = "BHH"
_VIEW: Final = "BBBHHHHBBBHHI"


def write(record: FingerImageRecord) -> bytes:
    """Return the record's bytes.

    Raises:
        ValueError: no moment of capture, which this edition demands, or a value that the layout
            cannot hold.
    """
    at, device, ppi = record.captured_at, record.device, record.resolution_ppi
    if at is None:
        raise ValueError("this edition wants the moment of capture")
    moment = (at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 1000)
    body = struct.pack(">" + _MOMENT, *moment)
    body += struct.pack(
        ">" + _DEVICE, device.technology, device.vendor_id, device.type_id, len(record.quality)
    )
    for block in record.quality:
        body += struct.pack(">" + _QUALITY, block.score, block.vendor_id, block.algorithm_id)
    body += struct.pack(
        ">" + _VIEW, record.position, 0, PPI, ppi, ppi, ppi, ppi, DEPTH_BITS,
        coded(record.compression, CODES), record.impression, record.width_px, record.height_px,
        len(record.content),
    )  # fmt: skip
    representation_bytes = 4 + len(body) + len(record.content)
    head = struct.pack(">IHBB", HEADER_BYTES + representation_bytes, 1, 0, 1)
    lengths = struct.pack(">I", representation_bytes)
    return FORMAT_ID + VERSION + head + lengths + body + record.content


def read(content: bytes) -> FingerImageRecord:
    """Return what a record of one representation says. Raises `RecordUnreadable`."""
    cursor = Cursor(content)
    cursor.expect(FORMAT_ID, "the format")
    cursor.expect(VERSION, "the edition")
    length, representations, certified, _ = cursor.fields("IHBB")
    if length != len(content):
        raise RecordUnreadable(f"byte 8: {length} bytes announced, {len(content)} here")
    if representations != 1 or certified:
        raise RecordUnreadable(
            f"byte 12: {representations} representations, certification flag {certified}; "
            "only records of one without certifications are read here"
        )
    representation_bytes = cursor.fields("I")[0]
    if representation_bytes != len(content) - HEADER_BYTES:
        raise RecordUnreadable(f"byte 16: a representation of {representation_bytes} bytes")
    at = _moment(cursor)
    technology, vendor, kind, blocks = cursor.fields(_DEVICE)
    quality = tuple(QualityBlock(*cursor.fields(_QUALITY)) for _ in range(blocks))
    here = cursor.at
    position, _, units, scan_x, scan_y, ppi, image_y, depth, packed, impression, *size = (
        cursor.fields(_VIEW)
    )
    if units != PPI or depth != DEPTH_BITS or len({scan_x, scan_y, ppi, image_y}) != 1:
        raise RecordUnreadable(f"byte {here}: only 8-bit images with one resolution in ppi")
    width, height, image_bytes = size
    image = cursor.take(image_bytes)
    cursor.end()
    return read_as_record(
        position=position,
        width_px=width,
        height_px=height,
        resolution_ppi=ppi,
        content=image,
        compression=decoded(packed, CODES, here + 12),
        impression=impression,
        captured_at=at,
        device=CaptureDevice(vendor, kind, technology),
        quality=quality,
    )


def _moment(cursor: Cursor) -> datetime:
    here = cursor.at
    *day_and_time, milliseconds = cursor.fields(_MOMENT)
    year, month, day, hour, minute, second = day_and_time
    try:
        return datetime(year, month, day, hour, minute, second, milliseconds * 1000, tzinfo=UTC)
    except ValueError as refusal:
        raise RecordUnreadable(f"byte {here}: no date: {refusal}") from refusal

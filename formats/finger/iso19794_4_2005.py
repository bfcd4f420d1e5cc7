r"""Finger image record of ISO/IEC 19794-4:2005: a header of 32 bytes, a view of 14 and the image.

Layout: NIST `biomdi`, `fir.h` and `fir.c` (public domain). Big endian.

    general header  "FIR\0" "010\0", record length u48, capture device u16, acquisition level u16,
                    images u8, scale units u8, scan x, y u16, image x, y u16, depth u8,
                    compression u8, reserved u16
    view            length u32 (this header and the image), position u8, view count u8,
                    view number u8, quality u8, impression u8, width u16, height u16, reserved u8
"""

from __future__ import annotations

import struct
from typing import Final

from formats.errors import RecordUnreadable
from formats.finger.image_record import (
    FORMAT_ID,
    PPI,
    CaptureDevice,
    Compression,
    Cursor,
    FingerImageRecord,
    coded,
    decoded,
    read_as_record,
)

VERSION: Final = b"010\0"
HEADER_BYTES: Final = 32
VIEW_BYTES: Final = 14
DEPTH_BITS: Final = 8
QUALITY_UNDEFINED: Final = 254
"""The field had no agreed scale in 2005; ours always says so (the value is not verified)."""
CODES: Final = {Compression.RAW: 0, Compression.WSQ: 2, Compression.PNG: 5}
"""Of 5 the standard's own text was not read."""

_HEAD: Final = "HHBBHHHHBBH"
_VIEW: Final = "IBBBBBHHB"


def write(record: FingerImageRecord) -> bytes:
    """Return the record's bytes. Raises `ValueError` for what the layout cannot hold."""
    view_bytes = VIEW_BYTES + len(record.content)
    ppi = record.resolution_ppi
    device = record.device
    head = struct.pack(
        ">" + _HEAD, device.type_id, device.acquisition_level, 1, PPI, ppi, ppi, ppi, ppi,
        DEPTH_BITS, coded(record.compression, CODES), 0,
    )  # fmt: skip
    view = struct.pack(
        ">" + _VIEW, view_bytes, record.position, 1, 1, QUALITY_UNDEFINED, record.impression,
        record.width_px, record.height_px, 0,
    )  # fmt: skip
    length = (HEADER_BYTES + view_bytes).to_bytes(6, "big")
    return FORMAT_ID + VERSION + length + head + view + record.content


def read(content: bytes) -> FingerImageRecord:
    """Return what a record of one view says. Raises `RecordUnreadable`."""
    cursor = Cursor(content)
    cursor.expect(FORMAT_ID, "the format")
    cursor.expect(VERSION, "the edition")
    length = int.from_bytes(cursor.take(6), "big")
    if length != len(content):
        raise RecordUnreadable(f"byte 8: {length} bytes announced, {len(content)} here")
    type_id, level, images, units, scan_x, scan_y, image_x, image_y, depth, packed, _ = (
        cursor.fields(_HEAD)
    )
    if images != 1:
        raise RecordUnreadable(f"byte 18: {images} images; only records of one are read here")
    if units != PPI or depth != DEPTH_BITS or len({scan_x, scan_y, image_x, image_y}) != 1:
        raise RecordUnreadable("byte 19: only 8-bit images with one resolution in ppi are read")
    at = cursor.at
    view_bytes, position, _, _, _, impression, width, height, _ = cursor.fields(_VIEW)
    if view_bytes < VIEW_BYTES:
        raise RecordUnreadable(f"byte {at}: a view of {view_bytes} bytes")
    image = cursor.take(view_bytes - VIEW_BYTES)
    cursor.end()
    return read_as_record(
        position=position,
        width_px=width,
        height_px=height,
        resolution_ppi=image_x,
        content=image,
        compression=decoded(packed, CODES, 29),
        impression=impression,
        device=CaptureDevice(type_id=type_id, acquisition_level=level),
    )

"""What the bytes of a JPEG tell without its pixels: its size, its tables, whether its end is there.

Only the marker segments before the first scan are read: some microseconds, whatever the size.

    FF D8 | FF xx, length, content ... | FF DA, header, entropy-coded scan ... | FF D9

Source: ITU-T T.81 (1992), B.1 and table B.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MARK: Final = 0xFF
_BEGIN: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
_SCAN: Final = 0xDA
_HUFFMAN_TABLES: Final = 0xC4
_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {_HUFFMAN_TABLES, 0xC8, 0xCC}
"""Start of frame of every kind: C4, C8 and CC lie among them and are something else."""
_SIZE_BYTES: Final = 8
_PADDING: Final = b"\x00"


@dataclass(frozen=True, slots=True)
class JpegShape:
    """What a JPEG says of itself.

    Attributes:
        width_px, height_px: by its start of frame.
        ended: its end-of-image marker is there, with nothing but padding behind it.
        tables: it brings its Huffman tables along; many cameras leave them out, and browsers then
            show nothing.
    """

    width_px: int
    height_px: int
    ended: bool
    tables: bool


def shape_of(jpeg: bytes) -> JpegShape | None:
    """Return what a JPEG says of itself; None if it says nothing that could be a picture."""
    if not jpeg.startswith(_BEGIN):
        return None
    at, size, tables = len(_BEGIN), None, False
    while at + 4 <= len(jpeg) and jpeg[at] == _MARK:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker == _SCAN:
            return None if size is None else JpegShape(*size, _ended(jpeg), tables)
        if marker in _SIZES and length >= _SIZE_BYTES:
            size = (_pixels(jpeg, at + 7), _pixels(jpeg, at + 5))
        tables = tables or marker == _HUFFMAN_TABLES
        at += 2 + length
    return None


def _pixels(jpeg: bytes, at: int) -> int:
    return int.from_bytes(jpeg[at : at + 2], "big")


def _ended(jpeg: bytes) -> bool:
    # Cameras fill up their last transfer with zeros.
    return (jpeg if jpeg[-1:] != _PADDING else jpeg.rstrip(_PADDING)).endswith(_END)

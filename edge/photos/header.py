"""What a JPEG file says of itself, read without decoding a pixel: ITU-T T.81, annex B.

    FF D8 | FF marker, length, payload | ... | FF DA, header, entropy-coded bytes | ... | FF D9

Pure Python on bytes, so it may run anywhere: a lie costs nothing here. What the header promises is
checked before native code sees the file; segments are skipped by their length, so that a thumbnail
inside one is never taken for the picture.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final

from edge.photos.fault import (
    PHOTO_BYTES_MAX,
    PHOTO_PIXELS_MAX,
    PHOTO_SIDE_PX_MIN,
    PhotoFault,
    PhotoUnreadable,
)

SCANS_MAX: Final = 32
"""[ours] libjpeg's own progressive files have 10; each more is a whole pass over the picture."""
SEGMENTS_MAX: Final = 512
"""[ours] A cut profile of 2 MiB makes 33 segments."""

_SOI: Final = b"\xff\xd8"
_EOI, _SOS = 0xD9, 0xDA
_ALONE: Final = frozenset((0x01, *range(0xD0, 0xD8)))
_TABLES_IN_SOF_RANGE: Final = frozenset((0xC4, 0xC8, 0xCC))
_CODINGS: Final = frozenset((0xC0, 0xC1, 0xC2))
"""Baseline, extended sequential and progressive, all with Huffman codes."""
# Inside entropy-coded bytes FF is followed by 00, by a restart, or the scan is over.
_SCAN_END: Final = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_EXIF: Final = b"Exif\0\0"
_ICC: Final = b"ICC_PROFILE\0"
_OTHERS: Final = (
    (b"\x89PNG\r\n\x1a\n", b"acTL"),
    (b"GIF8", b"NETSCAPE2.0"),
    (b"RIFF", b"ANIM"),
    (b"II*\0", None),
    (b"MM\0*", None),
    (b"II+\0", None),
    (b"MM\0+", None),
    (b"BM", None),
    (b"%PDF", None),
    (b"\0\0\0\x0cjP  ", None),
    (b"\xffO\xffQ", None),
    (b"\0\0\0\x0cJXL ", None),
    (b"\xff\x0a", None),
    (b"8BPS", None),
)
"""How other types begin, and the bytes near their beginning that mean a film."""
_FILM_WITHIN_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class PhotoHeader:
    """A photo that may be decoded.

    Attributes:
        width_px: as stored, before any EXIF rotation.
        height_px: as stored.
        exif: the EXIF block without its mark, empty without one.
        icc: the colour profile, empty without one.
    """

    width_px: int
    height_px: int
    exif: bytes
    icc: bytes


@dataclass(frozen=True, slots=True)
class _Frame:
    coding: int
    precision_bits: int
    height_px: int
    width_px: int
    components: int


def photo_header(content: bytes) -> PhotoHeader:
    """Return the header of a photo that keeps the station's limits. Raises `PhotoUnreadable`."""
    if len(content) > PHOTO_BYTES_MAX:
        raise PhotoUnreadable(PhotoFault.TOO_LARGE)
    if not content.startswith(_SOI):
        raise PhotoUnreadable(_other_type(content))
    return _Walk(content).header()


def check_frame(content: bytes) -> None:
    """Refuse what the frame's header alone shows to be no photo for us; the rest is not walked.

    Raises:
        PhotoUnreadable: as `photo_header`, as far as the frame's header.
    """
    if len(content) > PHOTO_BYTES_MAX:
        raise PhotoUnreadable(PhotoFault.TOO_LARGE)
    if not content.startswith(_SOI):
        raise PhotoUnreadable(_other_type(content))
    _Walk(content).frame()


class _Walk:
    """One pass over a file's segments."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = len(_SOI)
        self._frame: _Frame | None = None
        self._scans = 0
        self._exif = b""
        self._icc: list[bytes] = []

    def header(self) -> PhotoHeader:
        for _ in range(SEGMENTS_MAX):
            marker = self._marker()
            if marker == _EOI:
                return self._finished()
            if marker not in _ALONE:
                self._segment(marker)
        raise PhotoUnreadable(PhotoFault.UNUSUAL_CODING)

    def frame(self) -> None:
        for _ in range(SEGMENTS_MAX):
            marker = self._marker()
            if marker == _EOI:
                raise PhotoUnreadable(PhotoFault.DAMAGED)
            if marker not in _ALONE:
                self._segment(marker)
            if self._frame is not None:
                return
        raise PhotoUnreadable(PhotoFault.UNUSUAL_CODING)

    def _marker(self) -> int:
        if self._bytes(1) != b"\xff":
            raise PhotoUnreadable(PhotoFault.DAMAGED)
        marker = self._bytes(1)
        while marker == b"\xff":
            marker = self._bytes(1)
        return marker[0]

    def _segment(self, marker: int) -> None:
        (length,) = struct.unpack(">H", self._bytes(2))
        if length < 2:
            raise PhotoUnreadable(PhotoFault.DAMAGED)
        payload = self._bytes(length - 2)
        if 0xC0 <= marker <= 0xCF and marker not in _TABLES_IN_SOF_RANGE:
            self._begin_frame(marker, payload)
        elif marker == _SOS:
            self._skip_scan()
        elif marker == 0xE1 and payload.startswith(_EXIF) and not self._exif:
            self._exif = payload[len(_EXIF) :]
        elif marker == 0xE2 and payload.startswith(_ICC):
            # Two bytes number the pieces; every writer puts them in order.
            self._icc.append(payload[len(_ICC) + 2 :])

    def _begin_frame(self, coding: int, payload: bytes) -> None:
        if self._frame is not None or len(payload) < 6:
            raise PhotoUnreadable(PhotoFault.DAMAGED)
        self._frame = _Frame(coding, *struct.unpack(">BHHB", payload[:6]))
        # At once, before the rest is walked: the file may be anything behind.
        _check(self._frame)

    def _skip_scan(self) -> None:
        self._scans += 1
        if self._frame is None:
            raise PhotoUnreadable(PhotoFault.DAMAGED)
        if self._scans > SCANS_MAX:
            raise PhotoUnreadable(PhotoFault.UNUSUAL_CODING)
        end = _SCAN_END.search(self._content, self._at)
        if end is None:
            raise PhotoUnreadable(PhotoFault.TRUNCATED)
        self._at = end.start()

    def _finished(self) -> PhotoHeader:
        if self._frame is None or not self._scans:
            raise PhotoUnreadable(PhotoFault.DAMAGED)
        # Some writers fill the last block of a disk or a card.
        if self._content[self._at :].strip(b"\0\xff"):
            raise PhotoUnreadable(PhotoFault.TRAILING_BYTES)
        return PhotoHeader(
            self._frame.width_px, self._frame.height_px, self._exif, b"".join(self._icc)
        )

    def _bytes(self, count: int) -> bytes:
        taken = self._content[self._at : self._at + count]
        if len(taken) < count:
            raise PhotoUnreadable(PhotoFault.TRUNCATED)
        self._at += count
        return taken


def _check(frame: _Frame) -> None:
    pixels = frame.width_px * frame.height_px
    # A height of 0 would be told after the first scan: nobody writes that, and it hides the size.
    if frame.coding not in _CODINGS or frame.precision_bits != 8 or not pixels:
        raise PhotoUnreadable(PhotoFault.UNUSUAL_CODING)
    if pixels > PHOTO_PIXELS_MAX:
        raise PhotoUnreadable(PhotoFault.TOO_MANY_PIXELS)
    if min(frame.width_px, frame.height_px) < PHOTO_SIDE_PX_MIN:
        raise PhotoUnreadable(PhotoFault.TOO_SMALL)
    if frame.components != 3:
        raise PhotoUnreadable(PhotoFault.NOT_RGB)


def _other_type(content: bytes) -> PhotoFault:
    for begins, film in _OTHERS:
        if content.startswith(begins):
            moves = film is not None and film in content[:_FILM_WITHIN_BYTES]
            return PhotoFault.ANIMATED if moves else PhotoFault.WRONG_TYPE
    # ISO base media: HEIC, AVIF and films alike.
    if content[4:8] == b"ftyp":
        return PhotoFault.WRONG_TYPE
    return PhotoFault.NOT_JPEG

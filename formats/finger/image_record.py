"""One finger image and what a record says of it, the same for every edition of ISO/IEC 19794-4."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final

from formats.errors import RecordUnreadable
from formats.finger.picture import FingerPicture

FORMAT_ID: Final = b"FIR\0"
PPI: Final = 1
"""Scale units: pixels per inch."""
SIDE_MAX: Final = 0xFFFF


class Compression(Enum):
    """How the image's bytes are packed. The codes differ between the editions."""

    RAW = "raw"
    WSQ = "wsq"
    PNG = "png"


@dataclass(frozen=True, slots=True)
class QualityBlock:
    """A score and who gave it: CBEFF identifiers of vendor and algorithm."""

    score: int
    vendor_id: int
    algorithm_id: int


NFIQ2_VENDOR: Final = 0x0101
NFIQ2_ALGORITHM: Final = 0x0039
"""NFIQ 2, revision 3: the name that version 2.3 gives its score (NIST, NFIQ 2 source)."""


@dataclass(frozen=True, slots=True)
class CaptureDevice:
    """What took the image. 0 is "not said" everywhere: none of our readers has registered numbers.

    Attributes:
        acquisition_level: ISO/IEC 19794-4:2005, table 1; 31 is 500 ppi with 200 grey levels, which
            a 4-bit reader does not give. No reader of ours claims one.
    """

    vendor_id: int = 0
    type_id: int = 0
    technology: int = 0
    acquisition_level: int = 0


@dataclass(frozen=True, slots=True)
class FingerImageRecord:
    """A record of one view of one finger.

    Attributes:
        position: ISO code, `formats.finger.position`.
        resolution_ppi: of scan and image alike.
        content: the image's bytes, packed as `compression` says; raw: width times height.
        impression: 0 live, plain.
        captured_at: UTC to the millisecond; the edition of 2005 has no place for it.
        quality: at most one block in the edition of 2005, whose field is not used here.
    """

    position: int
    width_px: int
    height_px: int
    resolution_ppi: int
    content: bytes
    compression: Compression = Compression.RAW
    impression: int = 0
    captured_at: datetime | None = None
    device: CaptureDevice = CaptureDevice()
    quality: tuple[QualityBlock, ...] = ()

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("position", self.position, 0, 15),
            ("width_px", self.width_px, 1, SIDE_MAX),
            ("height_px", self.height_px, 1, SIDE_MAX),
            ("resolution_ppi", self.resolution_ppi, 1, SIDE_MAX),
            ("impression", self.impression, 0, 0xFF),
            ("quality blocks", len(self.quality), 0, 0xFF),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name} is {value}, outside {least}..{most}")
        expected = self.width_px * self.height_px
        if self.compression is Compression.RAW and len(self.content) != expected:
            raise ValueError(f"{len(self.content)} bytes for {expected} pixels")
        if self.captured_at is not None and self.captured_at.tzinfo is not UTC:
            raise ValueError("captured_at is not in UTC")


def record_of(
    picture: FingerPicture,
    position: int,
    *,
    captured_at: datetime | None = None,
    device: CaptureDevice | None = None,
    quality: tuple[QualityBlock, ...] = (),
) -> FingerImageRecord:
    """Return the raw record of a picture."""
    return FingerImageRecord(
        position,
        picture.width_px,
        picture.height_px,
        picture.resolution_ppi,
        picture.pixels,
        captured_at=captured_at,
        device=device or CaptureDevice(),
        quality=quality,
    )


class Cursor:
    """Reads fields one after the other, never past the end. Raises `RecordUnreadable`."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return len(self._content) - self.at

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        if count > self.left:
            raise RecordUnreadable(f"byte {self.at}: {count} bytes wanted, {self.left} left")
        piece = self._content[self.at : self.at + count]
        self.at += count
        return piece

    def fields(self, layout: str) -> tuple[int, ...]:
        """Return the next big-endian fields, as `struct` writes them."""
        return struct.unpack(">" + layout, self.take(struct.calcsize(">" + layout)))

    def expect(self, wanted: bytes, what: str) -> None:
        """Step over bytes that must stand here."""
        at, found = self.at, self.take(len(wanted))
        if found != wanted:
            raise RecordUnreadable(f"byte {at}: {what} is {found.hex(' ')}, not {wanted.hex(' ')}")

    def end(self) -> None:
        """Be at the end, or refuse what follows."""
        if self.left:
            raise RecordUnreadable(f"byte {self.at}: {self.left} bytes too many")


def coded(compression: Compression, codes: dict[Compression, int]) -> int:
    """Return an edition's code of a compression. Raises `ValueError` where it has none."""
    try:
        return codes[compression]
    except KeyError:
        raise ValueError(f"this edition has no code for {compression.value}") from None


def decoded(code: int, codes: dict[Compression, int], at: int) -> Compression:
    """Return what an edition's code means. Raises `RecordUnreadable` for one that we do not use."""
    for compression, known in codes.items():
        if known == code:
            return compression
    raise RecordUnreadable(f"byte {at}: compression {code} is not read here")


def read_as_record(**fields: object) -> FingerImageRecord:
    """Return the record with these fields; what it refuses is unreadable."""
    try:
        # The two readers name the fields; the record itself checks their values.
        return FingerImageRecord(**fields)  # type: ignore[arg-type]
    except ValueError as refusal:
        raise RecordUnreadable(str(refusal)) from refusal

r"""The file of a visit list: records sealed to one device. No I/O.

    file    := "ANXVIS1\n" record{1..256}      the first is the signed list, the others are photos
    record  := u32 length of header | header | sealed
    sealed  := enc | ciphertext | tag          RFC 9180 single shot, base mode

As in a package the header enters the key schedule through `info`: a record that was moved to
another list, place or key does not open. A header says ids, a number and sizes, nothing else.
`docs/portable.md` is the specification.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from edge.portable.device_key import DeviceKeys

FOLDER: Final = "visits"
"""Beside the journal: where the lists of a device lie."""
ENDING: Final = ".visits"
MAGIC: Final = b"ANXVIS1\n"
FILE_BYTES_MAX: Final = 32 << 20
RECORDS_MAX: Final = 256
HEADER_BYTES_MAX: Final = 1024
OVERHEAD_BYTES: Final = 48
INFO: Final = b"anxin-visits/1\x00"
SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
SUITE_IDS: Final = (0x0020, 1, 2)


class NotAList(Exception):
    """No file of this form: another file, or cut or changed on its way. Fetch it again."""


class NotForUs(Exception):
    """Sealed to a key that this device does not have."""


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """One record as it lies in the file.

    Attributes:
        n: its place; 0 is the list.
        header: the very bytes, which the seal covers.
    """

    list_id: str
    station_id: str
    sequence: int
    n: int
    kid: str
    header: bytes
    sealed: bytes

    def opened(self, keys: DeviceKeys) -> bytes:
        """Return what was sealed. Raises `NotForUs`, and `NotAList` where the seal is broken."""
        key = keys.get(self.kid)
        if key is None:
            raise NotForUs
        try:
            return SUITE.decrypt(self.sealed, key, INFO + self.header)
        except (InvalidTag, ValueError):
            raise NotAList("the seal is broken") from None


def records_of(content: bytes) -> tuple[SealedRecord, ...]:
    """Cut a file into its records, which name one list and stand in their order.

    Raises:
        NotAList: anything else.
    """
    if not content.startswith(MAGIC) or len(content) > FILE_BYTES_MAX:
        raise NotAList("no visit list begins so, or none is so large")
    found: list[SealedRecord] = []
    at = len(MAGIC)
    while at < len(content):
        record, at = _record(content, at)
        found.append(record)
        if len(found) > RECORDS_MAX:
            raise NotAList("too many records")
    if not found or [record.n for record in found] != list(range(len(found))):
        raise NotAList("a record is missing")
    first = found[0]
    names = (first.list_id, first.station_id, first.sequence)
    if any((one.list_id, one.station_id, one.sequence) != names for one in found):
        raise NotAList("records of two lists")
    return tuple(found)


def _record(content: bytes, at: int) -> tuple[SealedRecord, int]:
    if len(content) - at < 4:
        raise NotAList("cut short")
    (length,) = struct.unpack_from(">I", content, at)
    header = content[at + 4 : at + 4 + length]
    if length > HEADER_BYTES_MAX or len(header) != length:
        raise NotAList("cut short")
    said = _object(header)
    begins = at + 4 + length
    size = said.get("size")
    if not _number(size, OVERHEAD_BYTES, len(content) - begins):
        raise NotAList("cut short")
    return _named(said, header, content[begins : begins + int(str(size))]), begins + int(str(size))


def _named(said: dict[str, Any], header: bytes, sealed: bytes) -> SealedRecord:
    if said.get("v") != 1 or tuple(said.get(k) for k in ("kem", "kdf", "aead")) != SUITE_IDS:
        raise NotAList("of another version")
    names = [said.get(name) for name in ("list_id", "station_id", "kid")]
    if not all(isinstance(name, str) and name for name in names):
        raise NotAList("a header without its names")
    if not _number(said.get("n"), 0, RECORDS_MAX) or not _number(said.get("sequence"), 1, 1 << 53):
        raise NotAList("a header without its numbers")
    list_id, station_id, kid = map(str, names)
    return SealedRecord(list_id, station_id, said["sequence"], said["n"], kid, header, sealed)


def _number(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAList("a header that cannot be read") from None
    if not isinstance(value, dict):
        raise NotAList("a header that cannot be read")
    return value

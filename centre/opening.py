"""Checking and opening a package, step by step as `docs/package.md` says. No I/O.

A statement or an envelope that does not hold is `Rejected`: we never took custody. A package that
truly comes from the station but does not open as it must is `Refused`: we say so, signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from centre.keys import CentreKeyring

MAGIC: Final = b"ANXPKG1\n"
RECORDS_MAX: Final = 64
HEADER_BYTES_MAX: Final = 1024
SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
SUITE_IDS: Final = (0x0020, 1, 2)
# One folder at most, no leading dot: a name can never leave the package's folder.
NAME: Final = re.compile(r"([a-z0-9_]+/)?[a-z0-9_]+(\.[a-z0-9_]+)*")
ALGORITHMS: Final = {"Ed25519": "Ed25519", "P-256": "ES256"}
"""A key's curve decides the algorithm, never what a token says of itself."""
StationKeys = Mapping[str, OKPKey | ECKey]


class Rejected(Exception):
    """Not evidently from this station, or not what its statement says. Nothing is kept."""

    def __init__(self, status: int, slug: str) -> None:
        super().__init__(slug)
        self.status = status
        self.slug = slug


class Refused(Exception):
    """The station's own package does not open as the specification says. The code tells where."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies in the file."""

    header: Mapping[str, Any]
    header_bytes: bytes
    sealed: bytes
    whole: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A package that holds in every respect: its manifest, and the parts under their names."""

    manifest: Mapping[str, Any]
    parts: Mapping[str, bytes]


def digest_of(content: bytes) -> str:
    """Return `sha-256=:BASE64:`."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def signed_by_station(
    token: str, typ: str, stations: Mapping[str, StationKeys]
) -> Mapping[str, Any]:
    """Return what a registered station signed under this `typ`.

    Raises:
        Rejected: nobody registered, or no valid signature of it.
    """
    claimed = _unverified(token)
    keys = stations.get(str(claimed.get("station_id")))
    if keys is None:
        raise Rejected(403, "client-unknown")
    return _verified(token, typ, keys)


def check_statement(
    token: str, package_id: str, content: bytes, stations: Mapping[str, StationKeys]
) -> Mapping[str, Any]:
    """Return the seal statement if a registered station signed it for exactly this file.

    Raises:
        Rejected: it does not hold.
    """
    statement = signed_by_station(token, "anxin-seal+jws", stations)
    if statement.get("v") != 1 or statement.get("package_id") != package_id:
        raise Rejected(422, "invalid-request")
    if statement.get("digest") != digest_of(content) or statement.get("size") != len(content):
        raise Rejected(422, "digest-mismatch")
    return statement


def open_package(
    content: bytes, statement: Mapping[str, Any], keyring: CentreKeyring, keys: StationKeys
) -> Opened:
    """Open every record and compare everything with the manifest.

    Raises:
        Refused: any deviation.
    """
    records = split(content)
    for place, record in enumerate(records):
        check_header(record, statement, last=place == len(records) - 1)
    numbers = [record.header["n"] for record in records]
    if numbers != sorted(set(numbers)):
        raise Refused("record_order")
    manifest = _verified(
        _text(_open(records[-1], keyring)),
        "anxin-manifest+jws",
        keys,
        Refused("manifest_signature"),
    )
    if manifest.get("v") != 1:
        raise Refused("manifest_ids")
    for member in ("package_id", "station_id", "previous"):
        if manifest.get(member) != statement.get(member):
            raise Refused("manifest_ids")
    rows = manifest.get("parts")
    if not isinstance(rows, list) or len(rows) != len(records) - 1:
        raise Refused("part_missing")
    parts = {}
    for row, record in zip(rows, records[:-1], strict=True):
        parts[part_name(row)] = open_part(row, record, keyring)
    if len(parts) != len(rows):
        raise Refused("part_name")
    return Opened(manifest, parts)


def split(content: bytes) -> list[Record]:
    """Cut the file into its records. Raises `Refused`."""
    if not content.startswith(MAGIC):
        raise Refused("not_a_package")
    at = len(MAGIC)
    records: list[Record] = []
    while at < len(content):
        if len(records) == RECORDS_MAX or len(content) - at < 4:
            raise Refused("record_cut")
        (length,) = struct.unpack_from(">I", content, at)
        header_bytes = content[at + 4 : at + 4 + length]
        if length > HEADER_BYTES_MAX or len(header_bytes) != length:
            raise Refused("record_cut")
        header = _json(header_bytes, Refused("record_header"))
        size = header.get("size")
        start = at + 4 + length
        if not isinstance(size, int) or not 48 <= size <= len(content) - start:
            raise Refused("record_cut")
        end = start + size
        records.append(Record(header, header_bytes, content[start:end], content[at:end]))
        at = end
    if not records:
        raise Refused("record_cut")
    return records


def check_header(record: Record, statement: Mapping[str, Any], *, last: bool) -> None:
    """Compare a header with the seal statement and with the record's place. Raises `Refused`."""
    header = record.header
    if header.get("v") != 1 or not isinstance(header.get("n"), int):
        raise Refused("record_header")
    if tuple(header.get(name) for name in ("kem", "kdf", "aead")) != SUITE_IDS:
        raise Refused("suite")
    if any(header.get(name) != statement.get(name) for name in ("package_id", "station_id", "kid")):
        raise Refused("record_ids")
    if header.get("kind") != ("manifest" if last else "part") or not 0 <= header["n"] < RECORDS_MAX:
        raise Refused("record_order")


def part_name(row: Any) -> str:
    """Return a part's name if it is one that can be kept as a file. Raises `Refused`."""
    name = row.get("name") if isinstance(row, dict) else None
    if not isinstance(name, str) or len(name) > 100 or not NAME.fullmatch(name):
        raise Refused("part_name")
    return name


def open_part(row: Mapping[str, Any], record: Record, keyring: CentreKeyring) -> bytes:
    """Open one part and compare it with its row in the manifest. Raises `Refused`."""
    if row.get("n") != record.header["n"]:
        raise Refused("part_missing")
    if row.get("record_sha256") != hashlib.sha256(record.whole).hexdigest():
        raise Refused("record_digest")
    plain = _open(record, keyring)
    if row.get("size") != len(plain) or row.get("sha256") != hashlib.sha256(plain).hexdigest():
        raise Refused("part_digest")
    return plain


def _open(record: Record, keyring: CentreKeyring) -> bytes:
    key = keyring.opener(str(record.header.get("kid")))
    if key is None:
        raise Refused("kid_unknown")
    try:
        return SUITE.decrypt(record.sealed, key, b"anxin-package/1\x00" + record.header_bytes)
    except (InvalidTag, ValueError):
        raise Refused("seal_broken") from None


def _unverified(token: str) -> Mapping[str, Any]:
    try:
        payload = jws.extract_compact(token.encode()).payload
    except (JoseError, ValueError, UnicodeError):
        raise Rejected(422, "signature-invalid") from None
    return _json(payload, Rejected(422, "signature-invalid"))


def _verified(
    token: str, typ: str, keys: StationKeys, failure: Exception | None = None
) -> Mapping[str, Any]:
    failure = failure or Rejected(422, "signature-invalid")
    try:
        head = jws.extract_compact(token.encode()).headers()
        key = keys.get(str(head.get("kid")))
        # No extension is understood, so a critical one is refused: RFC 7515, 4.1.11.
        if key is None or head.get("typ") != typ or "crit" in head:
            raise failure
        algorithm = ALGORITHMS[str(key.curve_name)]
        signed = jws.deserialize_compact(token, key, algorithms=[algorithm])
    except (JoseError, ValueError, UnicodeError):
        raise failure from None
    return _json(signed.payload, failure)


def _text(plain: bytes) -> str:
    try:
        return plain.decode("ascii")
    except UnicodeDecodeError:
        raise Refused("manifest_signature") from None


def _json(text: bytes, failure: Exception) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise failure from None
    if not isinstance(value, dict):
        raise failure
    return value

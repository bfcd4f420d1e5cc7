r"""The package: sealed records, a signed manifest and a signed seal statement. No I/O.

    file    := "ANXPKG1\n" record{1..64}       the last record, and only it, is the manifest
    record  := u32 length of header | header | sealed
    sealed  := enc | ciphertext | tag          RFC 9180 single shot, base mode

`docs/package.md` is the specification. The header enters the HPKE key schedule through `info`:
a record that was moved to another package, place or key does not open.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from edge.trust.keys import SealingKey, StationKey

__all__ = [
    "MAGIC",
    "MEDIA_TYPE",
    "Closing",
    "KeptPart",
    "Part",
    "Sealer",
    "SealingKey",
    "StationKey",
    "digest_of",
    "manifest_payload",
    "package_file",
    "seal_part",
    "statement_payload",
]

MAGIC: Final = b"ANXPKG1\n"
MEDIA_TYPE: Final = "application/vnd.anxin.package"
RECORDS_MAX: Final = 64
HEADER_BYTES_MAX: Final = 1024
INFO: Final = b"anxin-package/1\x00"
MANIFEST_TYP: Final = "anxin-manifest+jws"
STATEMENT_TYP: Final = "anxin-seal+jws"
# RFC 9180: X25519 puts 32 bytes in front, GCM 16 bytes behind.
OVERHEAD_BYTES: Final = 48
SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
SUITE_IDS: Final = {"kem": 0x0020, "kdf": 1, "aead": 2}


@dataclass(frozen=True, slots=True)
class KeptPart:
    """What the store keeps in clear of a sealed part: enough to resume and to close.

    Attributes:
        n: its place in the package, 0..62.
        name: "portrait/cn_resident_id.jpg", "finger/right_thumb.png", "sitting.json", ...
        size, sha256: of the plain bytes; sha256 as 64 hex digits.
        record_sha256: of the whole record, as 64 hex digits.
        facts: further members of the manifest's row: captured_at, readings, calibration_id, ...
    """

    n: int
    name: str
    media_type: str
    size: int
    sha256: str
    record_sha256: str
    facts: Mapping[str, Any]

    def manifest_row(self) -> dict[str, Any]:
        """Return what the manifest says of this part."""
        return {
            "n": self.n,
            "name": self.name,
            "media_type": self.media_type,
            "size": self.size,
            "sha256": self.sha256,
            "record_sha256": self.record_sha256,
            **self.facts,
        }


@dataclass(frozen=True, slots=True)
class Part:
    """One sealed sample or record on its way into the store; its plain bytes are gone.

    Attributes:
        record: header and sealed bytes, as they will leave. The others as in `KeptPart`.
    """

    n: int
    name: str
    media_type: str
    size: int
    sha256: str
    record: bytes
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Closing:
    """What the store knows when it closes a package, and what the seal statement states.

    Attributes:
        sequence: gap-free per store, from 1.
        previous: digest of the package closed before; None for the first.
        digest: of the whole file, "sha-256=:BASE64:" (RFC 9530).
        sealed_at: RFC 3339, UTC, milliseconds.
        kid: of the sealing key.
        audit_n, audit_head: last row of the audit chain, this closing included; head in hex.
    """

    package_id: str
    station_id: str
    sequence: int
    previous: str | None
    digest: str
    size: int
    sealed_at: str
    kid: str
    audit_n: int
    audit_head: str


def seal_part(  # noqa: PLR0917 - the header's fields in their order
    station_id: str, package_id: str, n: int, kind: str, key: SealingKey, plaintext: bytes
) -> bytes:
    """Return one record: `kind` is "part" or "manifest", `n` its place in the package.

    Raises:
        ValueError: an impossible place, or ids too long for a header of 1 KiB.

    Source: RFC 9180, section 6.1; the AAD is empty, because the library has no such argument.
    """
    if not 0 <= n < RECORDS_MAX or kind not in {"part", "manifest"}:
        raise ValueError(f"no record {n} of kind {kind!r}")
    header = _json(
        {
            "v": 1,
            "package_id": package_id,
            "station_id": station_id,
            "n": n,
            "kind": kind,
            "kid": key.kid,
            **SUITE_IDS,
            "size": len(plaintext) + OVERHEAD_BYTES,
        }
    )
    if len(header) > HEADER_BYTES_MAX:
        raise ValueError("ids too long for a record header")
    sealed = SUITE.encrypt(plaintext, key.public_key, INFO + header)
    return struct.pack(">I", len(header)) + header + sealed


def manifest_payload(fields: Mapping[str, Any], parts: Iterable[KeptPart]) -> bytes:
    """Return the manifest's JSON: `fields` (ids, result, times, devices, ...) and all parts.

    Raises:
        ValueError: a member that the station must name is missing.
    """
    missing = {"package_id", "sitting_id", "station_id", "result", "previous"} - fields.keys()
    if missing:
        raise ValueError(f"the manifest lacks {', '.join(sorted(missing))}")
    rows = [part.manifest_row() for part in sorted(parts, key=lambda part: part.n)]
    return _json({"v": 1, **fields, "parts": rows})


def statement_payload(closing: Closing) -> bytes:
    """Return the seal statement's JSON: evidence that needs no decryption key."""
    return _json(
        {
            "v": 1,
            "package_id": closing.package_id,
            "station_id": closing.station_id,
            "sequence": closing.sequence,
            "previous": closing.previous,
            "digest": closing.digest,
            "size": closing.size,
            "sealed_at": closing.sealed_at,
            "kid": closing.kid,
            "audit": {"n": closing.audit_n, "head": closing.audit_head},
        }
    )


def package_file(records: Iterable[bytes]) -> bytes:
    """Return the file that leaves the station; the records come in order of `n`."""
    return MAGIC + b"".join(records)


def digest_of(content: bytes) -> str:
    """Return the digest in the form of RFC 9530: `sha-256=:BASE64:`."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


@dataclass(frozen=True, slots=True)
class Sealer:
    """One station's hand: seals to one key of the centre and signs with the station's own."""

    station_id: str
    station_key: StationKey
    sealing_key: SealingKey

    def part(  # noqa: PLR0917 - the fields of a part in their order
        self,
        package_id: str,
        n: int,
        name: str,
        media_type: str,
        plaintext: bytes,
        facts: Mapping[str, Any] | None = None,
    ) -> Part:
        """Seal one accepted sample or record; the result holds nothing plain of it."""
        record = seal_part(self.station_id, package_id, n, "part", self.sealing_key, plaintext)
        digest = hashlib.sha256(plaintext).hexdigest()
        return Part(n, name, media_type, len(plaintext), digest, record, facts or {})

    def manifest(
        self, package_id: str, n: int, fields: Mapping[str, Any], parts: Iterable[KeptPart]
    ) -> bytes:
        """Sign the manifest over all parts and seal it as record `n`, the last."""
        whole = {"package_id": package_id, "station_id": self.station_id, **fields}
        signed = self.station_key.sign_jws(manifest_payload(whole, parts), MANIFEST_TYP)
        return seal_part(
            self.station_id, package_id, n, "manifest", self.sealing_key, signed.encode()
        )

    def statement(self, closing: Closing) -> str:
        """Sign the seal statement; called inside the closing transaction."""
        return self.station_key.sign_jws(statement_payload(closing), STATEMENT_TYP)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

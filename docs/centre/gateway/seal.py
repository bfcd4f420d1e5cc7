"""Seal statements and receipts, as `docs/package.md` says. No I/O but the registered keys."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key, OKPKey, import_key

SEAL_TYP: Final = "anxin-seal+jws"
RECEIPT_TYP: Final = "anxin-receipt+jws"
STATION_ALGORITHMS: Final = ["Ed25519", "ES256"]
"""A key in a file, a key in a TPM."""
SEAL_CHARACTERS_MAX: Final = 1200
"""With the audit head at most 1,800: object storage takes 2 KB of metadata in all."""
PACKAGE_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STATION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Rejected(Exception):
    """This will not be taken. `status` and `slug` say why; nothing was kept."""

    def __init__(self, status: int, slug: str) -> None:
        super().__init__(slug)
        self.status = status
        self.slug = slug


class CardBroken(Exception):
    """A station's card cannot be read: ours to mend, no reason to refuse its packages."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of a package without opening it; it lies beside the object's bytes.

    Attributes:
        digest: of the whole file, `sha-256=:BASE64:`.
        size: in bytes.
        received_at: RFC 3339, UTC, of the request that stored it.
        seal: the seal statement, as it came.
        audit_head: the signed head of the station's audit chain that came along, for the worker
            whose database knows the one before; empty where none came.
    """

    package_id: str
    station_id: str
    digest: str
    size: int
    received_at: str
    seal: str
    audit_head: str


class Stations:
    """The registered stations: one file each, read anew for every request."""

    def __init__(self, folder: Path) -> None:
        """Use a folder of `<station_id>.json`, carried here by hand, never over the network."""
        self._folder = folder

    def keys(self, station_id: Any) -> Mapping[str, Key]:
        """Return a station's public keys under their thumbprints.

        Raises:
            Rejected: no such station.
            CardBroken: its card cannot be read.
        """
        file = self._folder / f"{station_id}.json"
        if not STATION_ID.fullmatch(str(station_id)) or not file.is_file():
            raise Rejected(403, "client-unknown")
        try:
            rows = json.loads(file.read_bytes())["keys"]
            keys = [import_key(row) for row in rows if row["kty"] in {"OKP", "EC"}]
        except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise CardBroken(file.name) from error
        return {key.thumbprint(): key for key in keys}


def check_seal(token: str, package_id: str, content: bytes, stations: Stations) -> tuple[str, str]:
    """Return station id and digest if a registered station sealed exactly this file.

    Raises:
        Rejected: 403 nobody of that name is registered, 422 the statement does not hold.
    """
    try:
        claimed = jws.extract_compact(token.encode("ascii"))
        said = json.loads(claimed.payload)
        key = stations.keys(said["station_id"])[claimed.headers()["kid"]]
        jws.deserialize_compact(token, key, algorithms=STATION_ALGORITHMS)
        # No extension is understood, so a critical one is refused: RFC 7515, 4.1.11.
        right_kind = claimed.headers()["typ"] == SEAL_TYP and "crit" not in claimed.headers()
    except (JoseError, ValueError, KeyError, TypeError, RecursionError):
        raise Rejected(422, "signature-invalid") from None
    if not right_kind or len(token) > SEAL_CHARACTERS_MAX:
        raise Rejected(422, "signature-invalid")
    digest = digest_of(content)
    if (said.get("v"), said.get("package_id")) != (1, package_id):
        raise Rejected(422, "invalid-request")
    if (said.get("digest"), said.get("size")) != (digest, len(content)):
        raise Rejected(422, "digest-mismatch")
    return said["station_id"], digest


def sealed_size(checked: str) -> int:
    """Return the size that a statement names which `check_seal` let pass."""
    return int(json.loads(jws.extract_compact(checked.encode()).payload)["size"])


def digest_of(content: bytes) -> str:
    """Return `sha-256=:BASE64:` (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """Signs receipts. `by` is what they name as their origin, the same at every gateway."""

    key: OKPKey
    by: str

    @classmethod
    def load(cls, path: Path, by: str) -> ReceiptKey:
        """Read an Ed25519 private key, PEM. Raises `ValueError`."""
        key = OKPKey.import_key(path.read_bytes())
        if key.curve_name != "Ed25519" or not key.is_private:
            raise ValueError(f"{path} holds no Ed25519 private key")
        return cls(key, by)

    def receipt(self, stored: Stored) -> str:
        """Return the compact JWS on which the station deletes its copy.

        Nothing in it but what lies with the object, and Ed25519 draws no random number:
        every gateway gives the same receipt for the same package, however often.
        """
        said = {
            "v": 1,
            "receipt_id": str(uuid.uuid5(uuid.NAMESPACE_OID, stored.package_id + stored.digest)),
            "package_id": stored.package_id,
            "station_id": stored.station_id,
            "digest": stored.digest,
            "size": stored.size,
            "outcome": "stored",
            "code": None,
            "received_at": stored.received_at,
            "by": self.by,
        }
        header = {"alg": "Ed25519", "typ": RECEIPT_TYP, "kid": self.key.thumbprint()}
        payload = json.dumps(said, separators=(",", ":")).encode()
        return jws.serialize_compact(header, payload, self.key, algorithms=["Ed25519"])

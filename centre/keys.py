"""The centre's own keys, made at its first start, and the public halves that stations pin.

Written from `docs/package.md` alone: nothing here is shared with the station.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc import jws
from joserfc.jwk import OKPKey

RECEIPT_TYP: Final = "anxin-receipt+jws"
PRIVATE: Final = "keys"
PUBLIC: Final = "public.json"


@dataclass(frozen=True, slots=True)
class CentreKeyring:
    """Private keys of the centre: one that opens packages, one that signs receipts."""

    sealing: OKPKey
    receipt: OKPKey

    def opener(self, kid: str) -> X25519PrivateKey | None:
        """Return the private key that a record was sealed to, None if it is not ours."""
        key = self.sealing.private_key
        ours = kid == self.sealing.thumbprint() and isinstance(key, X25519PrivateKey)
        return key if ours and isinstance(key, X25519PrivateKey) else None

    def sign_receipt(self, receipt: dict[str, Any]) -> str:
        """Return the compact JWS that a station trusts before it deletes anything."""
        header = {"alg": "Ed25519", "typ": RECEIPT_TYP, "kid": self.receipt.thumbprint()}
        payload = json.dumps(receipt, separators=(",", ":")).encode()
        return jws.serialize_compact(header, payload, self.receipt, algorithms=["Ed25519"])


def open_or_make_keys(folder: Path) -> CentreKeyring:
    """Read the keys below `folder`/keys, or make them and publish `folder`/public.json."""
    keyring = CentreKeyring(
        _key(folder / PRIVATE / "sealing.pem", "X25519"),
        _key(folder / PRIVATE / "receipt.pem", "Ed25519"),
    )
    public = folder / PUBLIC
    if not public.exists():
        made_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        listed = [
            {"use": use, "not_before": made_at, "kid": key.thumbprint(), "jwk": public_jwk(key)}
            for use, key in (("seal", keyring.sealing), ("receipt", keyring.receipt))
        ]
        keep(public, json.dumps({"v": 1, "keys": listed}, indent=1).encode() + b"\n", 0o644)
    return keyring


def public_jwk(key: OKPKey) -> dict[str, Any]:
    """Return the members of RFC 8037 that are public."""
    return {name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x")}


def keep(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is whole or absent, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _key(path: Path, curve: Any) -> OKPKey:
    if not path.exists():
        keep(path, OKPKey.generate_key(curve).as_pem(private=True), 0o600)
    return OKPKey.import_key(path.read_bytes())

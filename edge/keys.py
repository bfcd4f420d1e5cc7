"""The keys a station holds: its own signing key, and the public halves of the centre's.

The station's private key is an Ed25519 file of mode 0600. Private halves of the centre's keys
never come near the station: it cannot open what it sealed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

ALGORITHM: Final = "Ed25519"
"""RFC 9864; the older name "EdDSA" is deprecated."""


class KeyUnusable(Exception):
    """A key file is missing, damaged or of the wrong kind. Provision the station again."""


class StationKey:
    """The key that signs manifests and seal statements: who sealed this, and where."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key
        self.kid: str = key.thumbprint()

    @classmethod
    def open_or_make(cls, path: Path) -> StationKey:
        """Read the PKCS 8 PEM file, or make it (mode 0600) where there is none yet.

        Raises:
            KeyUnusable: the file holds no Ed25519 private key.
        """
        if not path.exists():
            fresh = OKPKey.generate_key("Ed25519").as_pem(private=True)
            write_secret(path, fresh)
        try:
            key = OKPKey.import_key(path.read_bytes())
        except (ValueError, JoseError) as error:
            raise KeyUnusable(f"{path} holds no private key") from error
        if key.curve_name != "Ed25519" or not key.is_private:
            raise KeyUnusable(f"{path} holds no Ed25519 private key")
        return cls(key)

    def sign_jws(self, payload: bytes, typ: str) -> str:
        """Return the compact JWS over exactly these bytes."""
        header = {"alg": ALGORITHM, "typ": typ, "kid": self.kid}
        return jws.serialize_compact(header, payload, self._key, algorithms=[ALGORITHM])

    def registration(self, station_id: str) -> str:
        """Return what the centre is given at provisioning: the id and the public key, as JSON."""
        jwk = {**self._key.as_dict(private=False), "kid": self.kid, "use": "sig"}
        return json.dumps({"v": 1, "station_id": station_id, "keys": [jwk]}, indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A public key of the centre that samples are sealed to; `kid` as in RFC 7638."""

    kid: str
    public_key: X25519PublicKey


@dataclass(frozen=True, slots=True)
class CentreKeys:
    """The centre's published public keys: where samples are sealed to, who signs receipts.

    Attributes:
        sealing: newest first; a sitting takes the first.
        receipts: Ed25519 public keys under their kids.
    """

    sealing: tuple[SealingKey, ...]
    receipts: Mapping[str, OKPKey]

    @classmethod
    def load(cls, path: Path) -> CentreKeys:
        """Read the centre's `public.json` as it was pinned at provisioning (`docs/package.md`).

        Raises:
            KeyUnusable: no such file, no JSON, or a use without a key.
        """
        try:
            listed = [
                (key["use"], OKPKey.import_key(_public(key["jwk"])), key.get("not_before", ""))
                for key in json.loads(path.read_bytes())["keys"]
            ]
        except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
            raise KeyUnusable(f"{path} holds no key list of a centre") from error
        listed.sort(key=lambda row: str(row[2]), reverse=True)
        sealing = tuple(
            SealingKey(key.thumbprint(), key.public_key)
            for use, key, _ in listed
            if use == "seal" and isinstance(key.public_key, X25519PublicKey)
        )
        receipts = {
            key.thumbprint(): key
            for use, key, _ in listed
            if use == "receipt" and key.curve_name == "Ed25519"
        }
        if not sealing or not receipts:
            raise KeyUnusable(f"{path} names no sealing key or no receipt key")
        return cls(sealing, receipts)


def _public(jwk: Mapping[str, str]) -> dict[str, str | list[str]]:
    if "d" in jwk:
        raise KeyUnusable("a private key of the centre lies at the station: destroy it there")
    return {name: jwk[name] for name in ("kty", "crv", "x")}


def write_secret(path: Path, secret: bytes) -> None:
    """Write a new file of mode 0600 that is whole or absent, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a renamed file is else lost in a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

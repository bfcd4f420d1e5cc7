"""The keys a station holds: its own signing key, and the centre's keys that it seals to.

The station's private key is an Ed25519 file of mode 0600, or lies in a TPM (`edge/trust/tpm.py`).
Private halves of the centre's keys never come near the station: it cannot open what it sealed.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from edge.durable import write_secret

ALGORITHM: Final = "Ed25519"
"""RFC 9864; the older name "EdDSA" is deprecated."""


class KeyUnusable(Exception):
    """A key file is missing, damaged or of the wrong kind. Provision the station again."""


class Signer(Protocol):
    """Whatever holds a private key and signs with it, without showing it."""

    @property
    def algorithm(self) -> str:
        """Return the JWS name of what it signs with: "Ed25519" or "ES256"."""

    @property
    def public(self) -> OKPKey | ECKey:
        """Return the public half."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature as a JWS carries it: 64 bytes.

        Raises:
            KeyUnusable: the key does not answer any more.
        """


class FileSigner:
    """An Ed25519 key in memory, read from a file."""

    algorithm: Final = ALGORITHM

    def __init__(self, key: OKPKey) -> None:
        """Use the key. Raises `KeyUnusable` if it is no private Ed25519 key."""
        private = key.private_key if key.is_private else None
        if not isinstance(private, Ed25519PrivateKey):
            raise KeyUnusable("this is no Ed25519 private key")
        self._private = private
        self.public: OKPKey | ECKey = key

    def sign(self, message: bytes) -> bytes:
        """Return the signature. Source: RFC 8032, 5.1.6."""
        return self._private.sign(message)


class StationKey:
    """The key that signs manifests and seal statements: who sealed this, and where."""

    def __init__(self, key: OKPKey | Signer) -> None:
        self._signer: Signer = FileSigner(key) if isinstance(key, OKPKey) else key
        self.kid: str = self._signer.public.thumbprint()

    @classmethod
    def open_or_make(cls, path: Path) -> StationKey:
        """Read the PKCS 8 PEM file, or make it (mode 0600) where there is none yet.

        Raises:
            KeyUnusable: the file holds no Ed25519 private key.
        """
        if not path.exists():
            write_secret(path, OKPKey.generate_key("Ed25519").as_pem(private=True))
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> StationKey:
        """Read the PKCS 8 PEM file. Raises `KeyUnusable` if it is missing or no such key."""
        try:
            return cls(OKPKey.import_key(path.read_bytes()))
        except (OSError, ValueError, JoseError) as error:
            raise KeyUnusable(f"{path} holds no private key") from error
        except KeyUnusable:
            raise KeyUnusable(f"{path} holds no Ed25519 private key") from None

    @property
    def public(self) -> OKPKey | ECKey:
        """The public half."""
        return self._signer.public

    @property
    def algorithm(self) -> str:
        """What it signs with: "Ed25519" or "ES256"."""
        return self._signer.algorithm

    def sign_jws(self, payload: bytes, typ: str) -> str:
        """Return the compact JWS over exactly these bytes. Raises `KeyUnusable`.

        Source: RFC 7515, 3.1 and 5.1.
        """
        header = {"alg": self.algorithm, "typ": typ, "kid": self.kid}
        said = f"{_base64url(_compact(header))}.{_base64url(payload)}"
        return f"{said}.{_base64url(self._signer.sign(said.encode()))}"

    def public_jwk(self) -> dict[str, Any]:
        """Return the public half as a registration carries it."""
        return {**self.public.as_dict(private=False), "kid": self.kid, "use": "sig"}

    def registration(self, station_id: str) -> str:
        """Return what the centre is given at provisioning: the id and the public key, as JSON."""
        card = {"v": 1, "station_id": station_id, "keys": [self.public_jwk()]}
        return json.dumps(card, indent=1) + "\n"


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _compact(value: dict[str, str]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A public key of the centre that samples are sealed to; `kid` as in RFC 7638."""

    kid: str
    public_key: X25519PublicKey

"""The key that the centre seals visit lists to, so that this device alone can read them.

    visit-key.pem           X25519, mode 0600, made by `provision`
    former-visit-key.pem    the one before: a list under it may still be on its way

It lies in a file, because a TPM's keys know no X25519. The centre is told of it in a card that the
station's signing key signs, so the card may travel on any way.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from edge.durable import sync_folder, write_secret
from edge.trust.keys import KeyUnusable, StationKey
from edge.utc import now_ms, rfc3339

PRESENT: Final = "visit-key.pem"
FORMER: Final = "former-visit-key.pem"
CARD_TYP: Final = "anxin-visit-key+jws"

DeviceKeys = Mapping[str, X25519PrivateKey]
"""By kid, the RFC 7638 thumbprint; the present one first."""


def open_or_make_device_key(folder: Path) -> OKPKey:
    """Return the present key, made if there is none. Raises `KeyUnusable` for a damaged file."""
    if not (folder / PRESENT).exists():
        write_secret(folder / PRESENT, OKPKey.generate_key("X25519").as_pem(private=True))
    return _key(folder / PRESENT)


def change_device_key(folder: Path) -> OKPKey:
    """Make another key; the present one opens what is still on its way, the one before it goes.

    Raises:
        KeyUnusable: there is no present key, or its file is damaged.
    """
    _key(folder / PRESENT)
    (folder / PRESENT).replace(folder / FORMER)
    sync_folder(folder)
    return open_or_make_device_key(folder)


def device_keys(folder: Path) -> DeviceKeys:
    """Return the keys that a visit list may be sealed to, none before provisioning.

    Raises:
        KeyUnusable: a file is damaged, or others may read it.
    """
    found = {}
    for name in (PRESENT, FORMER):
        if (folder / name).exists():
            key = _key(folder / name)
            found[key.thumbprint()] = _private(key, folder / name)
    return found


def device_card(key: OKPKey, station_id: str, station_key: StationKey) -> str:
    """Return what the centre is given: the public half, signed by the station's own key."""
    public = {name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x")}
    said = {
        "v": 1,
        "station_id": station_id,
        "jwk": {**public, "kid": key.thumbprint(), "use": "enc"},
        "at": rfc3339(now_ms()),
    }
    return station_key.sign_jws(json.dumps(said, separators=(",", ":")).encode(), CARD_TYP)


def _key(path: Path) -> OKPKey:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyUnusable(f"Others may read or write {path}: chmod 600, or change the key.")
        key = OKPKey.import_key(path.read_bytes())
    except (OSError, ValueError, JoseError) as error:
        raise KeyUnusable(f"{path} holds no private key") from error
    _private(key, path)
    return key


def _private(key: OKPKey, path: Path) -> X25519PrivateKey:
    private = key.private_key if key.is_private else None
    if not isinstance(private, X25519PrivateKey):
        raise KeyUnusable(f"{path} holds no X25519 private key")
    return private

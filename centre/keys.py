"""The centre's own keys, made at its first start, and the signed list of the public halves.

    root.json       the root's public key: what a station pins
    keys.jws        the key list, signed by the root; a newer one has a higher `seq`
    keys/           private halves; a real centre keeps the root offline, this stand-in does not

Written from `docs/package.md` alone: nothing here is shared with the station.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

RECEIPT_TYP: Final = "anxin-receipt+jws"
KEYS_TYP: Final = "anxin-keys+jws"
PRIVATE: Final = "keys"
ROOT: Final = "root.json"
LIST: Final = "keys.jws"
LIFE: Final = timedelta(days=365)
EARLIER: Final = timedelta(days=1)
"""A new key is valid since yesterday: a station's clock may be behind ours."""
RENEW: Final = timedelta(days=90)
"""So long before its end the next key is made, and both are valid."""
CURVES: Final[Mapping[str, Any]] = {"seal": "X25519", "receipt": "Ed25519", "content": "Ed25519"}
FILES: Final = {"seal": "sealing", "receipt": "receipt", "content": "content"}
AT_ONCE: Final = ("seal", "receipt")
"""A key for content is made when the first pack is signed."""
PUBLIC: Final = {"OKP": ("kty", "crv", "x"), "EC": ("kty", "crv", "x", "y")}


@dataclass(frozen=True, slots=True)
class CentreKeyring:
    """Private keys of the centre.

    Attributes:
        sealing, receipt: the newest of each.
        older: sealing keys that packages may still be sealed to; kept until none can come.
    """

    sealing: OKPKey
    receipt: OKPKey
    older: tuple[OKPKey, ...] = ()

    def opener(self, kid: str) -> X25519PrivateKey | None:
        """Return the private key that a record was sealed to, None if it is not ours."""
        for ours in (self.sealing, *self.older):
            key = ours.private_key
            if kid == ours.thumbprint() and isinstance(key, X25519PrivateKey):
                return key
        return None

    def sign_receipt(self, receipt: dict[str, Any]) -> str:
        """Return the compact JWS that a station trusts before it deletes anything."""
        return signed(receipt, RECEIPT_TYP, self.receipt)


def open_or_make_keys(folder: Path) -> CentreKeyring:
    """Read the keys below `folder`/keys, or make them and publish root and list.

    A key that ends within `RENEW` gets its successor; the list then names both.
    """
    for use in AT_ONCE:
        _key(folder / PRIVATE / f"{FILES[use]}.pem", CURVES[use])
    root = _key(folder / PRIVATE / "root.pem", "Ed25519")
    if not (folder / ROOT).exists():
        keep(folder / ROOT, _json({"v": 1, "jwk": {**public_jwk(root), "kid": root.thumbprint()}}),
             0o644)  # fmt: skip
    if not (folder / LIST).exists():
        issue(folder, [_row(use, _newest(folder, use), _now()) for use in AT_ONCE])
    for use in {row["use"] for row in listed(folder)["keys"]} & CURVES.keys():
        ends = max(_moment(row["not_after"]) for row in listed(folder)["keys"] if row["use"] == use)
        if ends - _now() < RENEW:
            renew(folder, use)
    return _keyring(folder)


def open_keys(folder: Path) -> CentreKeyring:
    """Read the keys of a centre that is there already: a mistyped folder must not become one.

    Raises:
        ValueError: there is no centre in `folder`.
    """
    if not (folder / PRIVATE / "root.pem").exists():
        raise ValueError(
            f"{folder} is no centre's folder: it holds no {PRIVATE}/root.pem. Name the folder that"
            " run_edge.py demo-centre --folder made."
        )
    return open_or_make_keys(folder)


def renew(folder: Path, use: str) -> None:
    """Make the next key of a use and list it beside those that are still valid."""
    number = len(_files(folder, use)) + 1
    key = _key(folder / PRIVATE / f"{FILES[use]}-{number}.pem", CURVES[use])
    still = [row for row in listed(folder)["keys"] if _moment(row["not_after"]) > _now()]
    issue(folder, [*still, _row(use, key, _now())])


def content_key(folder: Path) -> OKPKey:
    """Return the newest key for content packs; the first is made and listed."""
    if not (folder / PRIVATE / f"{FILES['content']}.pem").exists():
        key = _key(folder / PRIVATE / f"{FILES['content']}.pem", CURVES["content"])
        issue(folder, [*listed(folder)["keys"], _row("content", key, _now())])
    return _newest(folder, "content")


def listed(folder: Path) -> dict[str, Any]:
    """Return what the present list says; an empty one before the first."""
    try:
        payload = jws.extract_compact((folder / LIST).read_bytes().strip()).payload
    except FileNotFoundError:
        return {"v": 1, "seq": 0, "keys": [], "deny_clients": []}
    said: dict[str, Any] = json.loads(payload)
    return said


def issue(
    folder: Path, keys: Iterable[Mapping[str, Any]], deny_clients: Iterable[str] | None = None
) -> str:
    """Sign and publish the next list.

    Args:
        folder: of the centre.
        keys: rows `use`, `kid`, `jwk`, `not_before`, `not_after`.
        deny_clients: names of clients that stations turn away; None: those of the list before.
    """
    before = listed(folder)
    root = _key(folder / PRIVATE / "root.pem", "Ed25519")
    denied = before["deny_clients"] if deny_clients is None else deny_clients
    said = {
        "v": 1,
        "seq": before["seq"] + 1,
        "issued_at": _text(_now()),
        "keys": list(keys),
        "deny_clients": sorted(denied),
    }
    token = signed(said, KEYS_TYP, root)
    keep(folder / LIST, token.encode() + b"\n", 0o644)
    return token


def signed(said: Mapping[str, Any], typ: str, key: OKPKey) -> str:
    """Return a compact JWS by one of our keys."""
    header = {"alg": "Ed25519", "typ": typ, "kid": key.thumbprint()}
    payload = json.dumps(said, separators=(",", ":")).encode()
    return jws.serialize_compact(header, payload, key, algorithms=["Ed25519"])


def public_jwk(key: OKPKey) -> dict[str, Any]:
    """Return the members of RFC 8037 that are public."""
    return {name: key.as_dict(private=False)[name] for name in PUBLIC["OKP"]}


def station_key(jwk: Mapping[str, Any]) -> OKPKey | ECKey:
    """Return a station's public key: Ed25519, or P-256 where it lies in a TPM.

    Raises:
        ValueError: another kind.
    """
    try:
        members = {name: jwk[name] for name in PUBLIC[str(jwk["kty"])]}
        if members["crv"] == "P-256":
            return ECKey.import_key(members)
        if members["crv"] == "Ed25519":
            return OKPKey.import_key(members)
    except (KeyError, TypeError, JoseError) as error:
        raise ValueError("this is no key of a station") from error
    raise ValueError("this is no key of a station")


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


def _keyring(folder: Path) -> CentreKeyring:
    sealing = [OKPKey.import_key(file.read_bytes()) for file in _files(folder, "seal")]
    return CentreKeyring(sealing[-1], _newest(folder, "receipt"), tuple(sealing[:-1]))


def _files(folder: Path, use: str) -> list[Path]:
    first = folder / PRIVATE / f"{FILES[use]}.pem"
    later = first.parent.glob(f"{FILES[use]}-*.pem")
    return [first, *sorted(later, key=lambda file: int(file.stem.rpartition("-")[2]))]


def _newest(folder: Path, use: str) -> OKPKey:
    return OKPKey.import_key(_files(folder, use)[-1].read_bytes())


def _key(path: Path, curve: Any) -> OKPKey:
    if not path.exists():
        keep(path, OKPKey.generate_key(curve).as_pem(private=True), 0o600)
    return OKPKey.import_key(path.read_bytes())


def _row(use: str, key: OKPKey, now: datetime) -> dict[str, Any]:
    return {
        "use": use,
        "kid": key.thumbprint(),
        "jwk": public_jwk(key),
        "not_before": _text(now - EARLIER),
        "not_after": _text(now + LIFE),
    }


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"


def _now() -> datetime:
    return datetime.now(UTC)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

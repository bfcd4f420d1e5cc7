"""Visit lists: whom one carried station shall visit, signed here and sealed to that station alone.

    python -m centre.visits know --centre FOLDER CARD
    python -m centre.visits make --centre FOLDER --station ID [--place TAG] [--hours N] VISITS OUT

VISITS is a JSON list of orders, each the body of `POST /v1/sittings`; an earlier photo that one
names by its digest is taken from `earlier-photos/<order reference>/<sha256>.jpg` of our folder.

    visit-keys/<station>.json       the key that the station's lists are sealed to
    visit-lists/<station>.seq       number of its last list

Written from `docs/portable.md`: nothing here is shared with the station.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn

import click
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from centre.keys import CentreKeyring, keep, open_keys, signed
from centre.opening import Rejected, signed_by_station
from centre.orders import FOLDER as PHOTOS
from centre.shelf import Shelf

CARD_TYP: Final = "anxin-visit-key+jws"
LIST_TYP: Final = "anxin-visits+jws"
KEYS: Final = "visit-keys"
LISTS: Final = "visit-lists"
MAGIC: Final = b"ANXVIS1\n"
INFO: Final = b"anxin-visits/1\x00"
SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
SUITE_IDS: Final = {"kem": 0x0020, "kdf": 1, "aead": 2}
OVERHEAD_BYTES: Final = 48
EARLIER: Final = timedelta(hours=1)
"""A list is valid since an hour: a station's clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class Stands:
    """When and where a list stands.

    Attributes:
        hours: from now on.
        place: the site's tag; "" without one.
    """

    hours: float = 24.0
    place: str = ""


def know_visit_key(folder: Path, token: str) -> str:
    """Take the key that a registered station's lists shall be sealed to; return the station's id.

    Raises:
        ValueError: no station that is known here has signed this card.
    """
    try:
        said = signed_by_station(token, CARD_TYP, Shelf(folder).stations())
        station_id, jwk = str(said["station_id"]), said["jwk"]
        _public(jwk)
    except (Rejected, KeyError, TypeError, ValueError) as error:
        raise ValueError("no station that is known here has signed this card") from error
    keep(folder / KEYS / f"{station_id}.json", json.dumps(jwk, indent=1).encode() + b"\n", 0o644)
    return station_id


def make_visit_list(
    folder: Path,
    keyring: CentreKeyring,
    station_id: str,
    orders: Sequence[Mapping[str, Any]],
    stands: Stands,
) -> bytes:
    """Return the file of the station's next list.

    Args:
        folder: of the centre.
        keyring: its keys.
        station_id: whose list it is.
        orders: bodies of `POST /v1/sittings`.
        stands: when and where.

    Raises:
        ValueError: the station's key is not known here, or a photo that an order names.
    """
    key = _station_key(folder, station_id)
    photos = [_photo(folder, *named) for named in _named_photos(orders)]
    list_id, sequence, now = str(uuid.uuid4()), _next_sequence(folder, station_id), _now()
    said = {
        "v": 1,
        "list_id": list_id,
        "station_id": station_id,
        "sequence": sequence,
        "issued_at": _text(now),
        "not_before": _text(now - EARLIER),
        "expires_at": _text(now + timedelta(hours=stands.hours)),
        "place": stands.place,
        "orders": list(orders),
        "photos": [
            {"n": n, "sha256": hashlib.sha256(photo).hexdigest(), "size": len(photo)}
            for n, photo in enumerate(photos, start=1)
        ],
    }
    token = signed(said, LIST_TYP, keyring.receipt).encode()
    names = {"list_id": list_id, "station_id": station_id, "sequence": sequence}
    return sealed_file(names, [token, *photos], key)


def sealed_file(
    names: Mapping[str, Any], plain: Iterable[bytes], key: tuple[str, X25519PublicKey]
) -> bytes:
    """Return the file whose records hold these plain bytes, each sealed under its own header."""
    kid, public = key
    records = [MAGIC]
    for n, content in enumerate(plain):
        header = json.dumps(
            {"v": 1, **names, "n": n, "kid": kid, **SUITE_IDS,
             "size": len(content) + OVERHEAD_BYTES},
            separators=(",", ":"),
        ).encode()  # fmt: skip
        sealed = SUITE.encrypt(content, public, INFO + header)
        records.append(struct.pack(">I", len(header)) + header + sealed)
    return b"".join(records)


def _named_photos(orders: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return order reference and digest of every earlier photo that is named, each digest once."""
    found: dict[str, str] = {}
    for order in orders:
        named = [order.get("reuse_photo"), *order.get("further_photos", ())]
        for photo in filter(None, named):
            found.setdefault(_hex(photo["digest"]), str(order["order_ref"]))
    return [(order_ref, sha256) for sha256, order_ref in found.items()]


def _photo(folder: Path, order_ref: str, sha256: str) -> bytes:
    path = folder / PHOTOS / order_ref / f"{sha256}.jpg"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path} is missing: an order names this photo") from None


def _hex(digest: str) -> str:
    return base64.b64decode(digest.removeprefix("sha-256=:").removesuffix(":")).hex()


def _station_key(folder: Path, station_id: str) -> tuple[str, X25519PublicKey]:
    try:
        jwk = json.loads((folder / KEYS / f"{station_id}.json").read_bytes())
        return _public(jwk)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"{station_id}'s key for visit lists is not known here: take its card in by `know`."
        ) from error


def _public(jwk: Mapping[str, Any]) -> tuple[str, X25519PublicKey]:
    try:
        key = OKPKey.import_key({name: jwk[name] for name in ("kty", "crv", "x")})
    except (KeyError, JoseError) as error:
        raise ValueError("this is no key that lists are sealed to") from error
    if not isinstance(key.public_key, X25519PublicKey):
        raise ValueError("this is no key that lists are sealed to")
    return key.thumbprint(), key.public_key


def _next_sequence(folder: Path, station_id: str) -> int:
    path = folder / LISTS / f"{station_id}.seq"
    last = int(path.read_text()) if path.exists() else 0
    # Kept before the list is made: a number that is lost does no harm, one used twice does.
    keep(path, f"{last + 1}\n".encode(), 0o644)
    return last + 1


def _now() -> datetime:
    return datetime.now(UTC)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_CENTRE = click.option("--centre", type=click.Path(path_type=Path, exists=True), required=True)


@click.group()
def main() -> None:
    """Make visit lists for stations that are carried from door to door."""


@main.command()
@_CENTRE
@click.argument("card", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def know(centre: Path, card: Path) -> None:
    """Take the CARD of a station's key, `<station>.visit-key.jws` of its folder to-centre."""
    try:
        click.echo(know_visit_key(centre, card.read_text("ascii", "replace").strip()))
    except ValueError as refused:
        _refuse(f"{card}: {refused}.")


@main.command()
@_CENTRE
@click.option("--station", required=True, help="The station that is carried.")
@click.option("--place", default="", help="The site's tag, such as liuhe-village.")
@click.option("--hours", default=24.0, help="So long the list stands.")
@click.argument("visits", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("out", type=click.Path(path_type=Path))
def make(  # noqa: PLR0917 - one parameter an option
    centre: Path, station: str, place: str, hours: float, visits: Path, out: Path
) -> None:
    """Write the station's next list, of the orders in the file VISITS, to OUT."""
    try:
        orders = json.loads(visits.read_bytes())
        made = make_visit_list(centre, open_keys(centre), station, orders, Stands(hours, place))
    except (ValueError, KeyError, TypeError, AttributeError) as refused:
        _refuse(str(refused) if isinstance(refused, ValueError) else f"{visits} holds no orders.")
    keep(out, made, 0o600)
    click.echo(f"{len(orders)} visits for {station}, {len(made)} bytes")


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()

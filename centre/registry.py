"""The stations that the centre knows: cards that were carried here, and keys that follow others.

A first key is believed only from a card that somebody brought. A later one is signed by the key
before, so its card may come on any way.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from centre.keys import CentreKeyring, keep, signed, station_key
from centre.opening import Rejected, signed_by_station
from centre.shelf import STATIONS, Shelf

SUCCESSOR_TYP: Final = "anxin-station-key+jws"
KNOWN_TYP: Final = "anxin-station-key-known+jws"


def register(folder: Path, card: Path) -> str:
    """Take the card of a new station and return its id.

    Raises:
        ValueError: no card, or the station is known with other keys: use `know_next_key`.
    """
    try:
        said = json.loads(card.read_bytes())
        station_id = str(said["station_id"])
        kids = {station_key(jwk).thumbprint() for jwk in said["keys"]}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{card} is no card of a station: that is the file <station id>.json of its folder"
            " to-centre."
        ) from error
    known = Shelf(folder).stations().get(station_id, {})
    if known and not kids <= known.keys():
        raise ValueError(
            f"{station_id} is known with another key. If it made a next key, take that in by"
            " `know`; if its machine was replaced, remove its card from stations/ first."
        )
    if not known:
        path = folder / STATIONS / f"{station_id}.json"
        keep(path, json.dumps(said, indent=1).encode() + b"\n", 0o644)
    return station_id


def know_next_key(folder: Path, keyring: CentreKeyring, token: str) -> str:
    """Take the next key of a known station beside its present one, and return our signed word.

    The same card again gives the same effect. The key before stays: packages that it signed are
    still on their way.

    Raises:
        ValueError: nobody known signed it, or it names no key.
    """
    try:
        said = signed_by_station(token, SUCCESSOR_TYP, Shelf(folder).stations())
        station_id, kid = str(said["station_id"]), station_key(said["jwk"]).thumbprint()
    except (Rejected, KeyError, TypeError) as error:
        raise ValueError("no station that is known here has signed this") from error
    path = folder / STATIONS / f"{station_id}.json"
    card = json.loads(path.read_bytes())
    if kid not in {station_key(jwk).thumbprint() for jwk in card["keys"]}:
        card["keys"].append(said["jwk"])
        keep(path, json.dumps(card, indent=1).encode() + b"\n", 0o644)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    word = {"v": 1, "station_id": station_id, "kid": kid, "at": now}
    return signed(word, KNOWN_TYP, keyring.receipt)

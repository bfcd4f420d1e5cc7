"""A station's half of custody and its centre's keys, without devices: what custody proofs stand on.

From the sealer to the journal all is the product's own. The centre's private keys never lie on the
station's side.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from joserfc.jwk import OKPKey

from centre.keys import CentreKeyring, open_or_make_keys
from centre.opening import Opened, StationKeys, check_statement, open_package
from edge.keys import StationKey
from edge.receipt import ReceiptVerifier
from edge.record_room import RecordRoom
from edge.seal import Sealer
from edge.store import PackageRow, Store
from edge.trust.centre import CentreKeys

STATION: Final = "st-proof"
SINK: Final = "centre"


@dataclass(frozen=True, slots=True)
class Premises:
    """Keys of one station and of one centre that know each other."""

    station_key: StationKey
    keys: CentreKeys
    keyring: CentreKeyring
    station_keys: StationKeys

    @property
    def sealer(self) -> Sealer:
        """The station's hand."""
        return Sealer(STATION, self.station_key, self.keys.sealing[0])

    @property
    def verifier(self) -> ReceiptVerifier:
        """Of this centre's receipts."""
        return ReceiptVerifier(STATION, lambda: self.keys.receipts)

    def rooms(self, store: Store, announce: Callable[[], None] = lambda: None) -> RecordRoom:
        """Return where this station's records begin and are found again."""
        return RecordRoom(
            store, lambda _: [self.sealer], {SINK: "custody"}, _about, announce, keep_master=True
        )

    def opened(self, row: PackageRow, content: bytes) -> Opened:
        """Open a package as the centre does. Raises `Rejected`, `Refused`."""
        stations = {STATION: self.station_keys}
        statement = check_statement(str(row.statement), row.package_id, content, stations)
        return open_package(content, statement, self.keyring, self.station_keys)

    def receipt(self, row: PackageRow) -> str:
        """Return the centre's signed word that it has the package."""
        return self.keyring.sign_receipt(
            {
                "v": 1,
                "receipt_id": row.package_id,
                "package_id": row.package_id,
                "station_id": STATION,
                "digest": row.digest,
                "size": row.size,
                "outcome": "stored",
                "code": None,
            }
        )


def make_premises(folder: Path) -> Premises:
    """Make the keys of both below the folder."""
    keyring = open_or_make_keys(folder / "centre")
    station_key = StationKey.open_or_make(folder / "station-key.pem")
    card = json.loads(station_key.registration(STATION))
    public = [OKPKey.import_key({k: jwk[k] for k in ("kty", "crv", "x")}) for jwk in card["keys"]]
    keys = CentreKeys.load(folder / "centre")
    return Premises(station_key, keys, keyring, {key.thumbprint(): key for key in public})


def open_store(folder: Path, **options: Any) -> Store:
    """Open the station's journal in the folder, without a floor unless one is given."""
    chosen = {"floor_bytes": 0, "reserve_bytes": 0, **options}
    return Store.open(folder / "store.db", folder / "store.key", **chosen)


def _about() -> Mapping[str, Any]:
    return {"software": {"anxin-station": "proof"}, "devices": []}

"""A station's half of custody and its centre's keys, without devices: what custody proofs stand on.

From the sealer to the journal all is the product's own. The centre's private keys never lie on the
station's side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from centre.keys import CentreKeyring, open_or_make_keys
from centre.opening import Opened, StationKeys, check_statement, open_package
from centre.shelf import Shelf
from edge.delivery.receipt import ReceiptVerifier
from edge.record_room import RecordRoom
from edge.seal import Sealer
from edge.store import PackageRow, Store
from edge.trust.centre import CentreKeys
from edge.trust.keys import StationKey

STATION: Final = "st-proof"
SINK: Final = "centre"


@dataclass(frozen=True, slots=True)
class Premises:
    """Keys of one station and of one centre that know each other."""

    station_key: StationKey
    keys: CentreKeys
    keyring: CentreKeyring
    station_keys: StationKeys
    station_id: str = STATION

    @property
    def sealer(self) -> Sealer:
        """The station's hand."""
        return Sealer(self.station_id, self.station_key, self.keys.sealing[0])

    @property
    def verifier(self) -> ReceiptVerifier:
        """Of this centre's receipts."""
        return ReceiptVerifier(self.station_id, lambda: self.keys.receipts)

    def rooms(self, store: Store, announce: Callable[[], None] = lambda: None) -> RecordRoom:
        """Return where this station's records begin and are found again."""
        return RecordRoom(
            store, lambda _: [self.sealer], {SINK: "custody"}, _about, announce, keep_master=True
        )

    def opened(self, row: PackageRow, content: bytes) -> Opened:
        """Open a package as the centre does. Raises `Rejected`, `Refused`."""
        stations = {self.station_id: self.station_keys}
        statement = check_statement(str(row.statement), row.package_id, content, stations)
        return open_package(content, statement, self.keyring, self.station_keys)

    def receipt(self, row: PackageRow) -> str:
        """Return the centre's signed word that it has the package."""
        return self.keyring.sign_receipt(
            {
                "v": 1,
                "receipt_id": row.package_id,
                "package_id": row.package_id,
                "station_id": self.station_id,
                "digest": row.digest,
                "size": row.size,
                "outcome": "stored",
                "code": None,
            }
        )


def make_premises(
    folder: Path, station_key_file: Path | None = None, station_id: str = STATION
) -> Premises:
    """Make or read the keys of both; the centre's below the folder, and the station registered."""
    centre = folder / "centre"
    keyring = open_or_make_keys(centre)
    station_key = StationKey.open_or_make(station_key_file or folder / "station-key.pem")
    card = station_key.registration(station_id)
    (centre / "stations").mkdir(exist_ok=True)
    (centre / "stations" / f"{station_id}.json").write_text(card, encoding="utf-8")
    station_keys = Shelf(centre).stations()[station_id]
    return Premises(station_key, CentreKeys.load(centre), keyring, station_keys, station_id)


def open_store(folder: Path, **options: Any) -> Store:
    """Open the station's journal in the folder, without a floor unless one is given."""
    chosen = {"floor_bytes": 0, "reserve_bytes": 0, **options}
    return Store.open(folder / "store.db", folder / "store.key", **chosen)


def _about() -> Mapping[str, Any]:
    return {"software": {"anxin-station": "proof"}, "devices": []}

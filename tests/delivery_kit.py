"""A station's half of delivery with real keys and files, for the tests of store, outbox, centre."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from centre.app import create_app
from centre.keys import CentreKeyring, open_or_make_keys
from centre.shelf import Shelf
from edge.delivery.receipt import ReceiptVerifier
from edge.seal import Sealer
from edge.store import PackageRow, Store
from edge.trust.centre import CentreKeys
from edge.trust.keys import StationKey

STATION = "st-000007"
SINK = "centre"
FACTS = {"captured_at": "2026-11-22T01:12:00.000Z", "readings": [], "assisted_by": None}


def new_id() -> str:
    """A package id; the tests do not need it to be ordered."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Kit:
    """One folder with a station's keys and a registered centre."""

    folder: Path
    station_key: StationKey
    sealer: Sealer
    keyring: CentreKeyring
    keys: CentreKeys
    shelf: Shelf

    @property
    def verifier(self) -> ReceiptVerifier:
        """Receipts of this kit's centre."""
        return ReceiptVerifier(STATION, lambda: self.keys.receipts)

    @property
    def application(self):
        """The centre's application, without a server."""
        return create_app(self.shelf, self.keyring)

    def open_store(self, **options) -> Store:
        """The station's store."""
        return Store.open(self.folder / "store.db", self.folder / "keys" / "store.key", **options)

    def fill(
        self, store: Store, package_id: str, parts=(b"portrait" * 500, b"finger" * 300)
    ) -> str:
        """Open a package and add parts."""
        store.open_package(package_id, "sitting-1", STATION, self.sealer.sealing_key.kid, {"a": 1})
        for number, plain in enumerate(parts):
            name = f"finger/{'abcdefghij'[number]}.png"
            place = store.next_n(package_id, name)
            store.add_part(
                package_id,
                self.sealer.part(package_id, place, name, "image/png", plain, FACTS),
            )
        return package_id

    def shut(self, store: Store, package_id: str, sinks=None, sealer=None) -> PackageRow:
        """Close a package."""
        sealer = sealer or self.sealer
        previous = store.previous_digest()
        fields = {"sitting_id": "sitting-1", "result": "accepted", "previous": previous}
        manifest = sealer.manifest(
            package_id, store.next_n(package_id), fields, store.parts(package_id)
        )
        return store.close_package(
            package_id,
            manifest,
            sealer.statement,
            previous=previous,
            sinks=sinks or {SINK: "custody"},
        )

    def hand_in(self, store: Store, package_id: str | None = None, **options) -> PackageRow:
        """One whole sitting."""
        package_id = self.fill(store, package_id or new_id())
        return self.shut(store, package_id, **options)


def make_kit(folder: Path) -> Kit:
    """Provision a station and a centre in one folder."""
    keyring = open_or_make_keys(folder / "centre")
    shelf = Shelf(folder / "centre")
    keys = CentreKeys.load(folder / "centre")
    station_key = StationKey.open_or_make(folder / "keys" / "station.pem")
    card = folder / "centre" / "stations" / f"{STATION}.json"
    card.write_text(station_key.registration(STATION))
    sealer = Sealer(STATION, station_key, keys.sealing[0])
    return Kit(folder, station_key, sealer, keyring, keys, shelf)


def until(holds: Callable[[], object], limit_s: float = 30.0) -> None:
    """Wait for something that another thread brings about."""
    end_s = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end_s, "it never came about"
        time.sleep(0.01)


@contextmanager
def running(target: Callable[[], None]) -> Iterator[threading.Thread]:
    """Run something beside the test and see it end."""
    thread = threading.Thread(target=target)
    thread.start()
    try:
        yield thread
    finally:
        thread.join()

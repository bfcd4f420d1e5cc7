"""A carried device and the centre that sends it visit lists, for the tests of the portable room."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api.v1.visit_order import read_visit_order
from centre.orders import keep_earlier_photo
from centre.visits import Stands, know_visit_key, make_visit_list
from edge.orders import Known
from edge.portable.device_key import device_card, device_keys, open_or_make_device_key
from edge.portable.lists import Centre, Loaded, VisitLists
from edge.utc import now_ms
from tests.delivery_kit import STATION, Kit, make_kit
from tests.order_kit import DOCUMENTS, PHOTO, POSITIONS, PROFILES, RECORDS, body, opened

KNOWN = Known(DOCUMENTS, POSITIONS, PROFILES, RECORDS)
STORE = "device"


@dataclass
class Clock:
    """UTC that a test sets."""

    at_ms: int = field(default_factory=now_ms)

    def __call__(self) -> int:
        return self.at_ms

    def go_on(self, hours: float) -> None:
        self.at_ms += round(hours * 3_600_000)


@dataclass
class Carried:
    """One device and its centre."""

    kit: Kit
    folder: Path
    clock: Clock

    def make(self, *orders: dict, **stands) -> bytes:
        """The centre's next list for this device."""
        for order in orders:
            if "reuse_photo" in order:
                keep_earlier_photo(self.kit.shelf.folder, order["order_ref"], PHOTO)
        return make_visit_list(
            self.kit.shelf.folder, self.kit.keyring, STATION, orders, Stands(**stands)
        )

    @contextmanager
    def lists(self, **options):
        """The device's lists and orders, as one run of the service has them."""
        with self.kit.open_store() as store, opened(store, clock_ms=self.clock) as orders:
            centre = Centre(
                STATION, device_keys(self.folder), lambda: self.kit.keys.receipts, KNOWN
            )
            yield Device(VisitLists(store, centre, orders, self.clock), orders)


@dataclass
class Device:
    """What stands while the service runs."""

    lists: VisitLists
    orders: object

    def load(self, content: bytes) -> Loaded:
        return self.lists.load(content, read_visit_order)

    def resume(self) -> None:
        self.lists.resume(read_visit_order)

    def states(self) -> list[str]:
        return [row.state for row in self.orders.rows()]


def carried(folder: Path) -> Carried:
    """Provision a device and let the centre know the key that its lists are sealed to."""
    kit = make_kit(folder)
    key = open_or_make_device_key(folder)
    assert know_visit_key(kit.shelf.folder, device_card(key, STATION, kit.station_key)) == STATION
    return Carried(kit, folder, Clock())


def visit(number: int, **changes) -> dict:
    """One order of a list, without an earlier photo unless `changes` bring one."""
    plain = body(order_ref=f"HOME-{number:04d}")
    del plain["reuse_photo"]
    plain["person"] = {**plain["person"], "slip_code": f"{number:06d}"}
    return {**plain, **changes}

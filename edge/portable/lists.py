"""The visit lists of this device: taken in once, their orders wiped with them when they are over.

    <store>/visits/<list_id>.visits     the sealed file; photos are read from it when they are asked
                                        for, so that nothing plain of them is ever written

A list that was cut off by the power is taken in to its end at the next start.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import structlog

from edge.durable import sync_folder, write_secret
from edge.orders import Known, Orders, OrderUnknown, Wanted
from edge.orders import rows as order_rows
from edge.orders.idempotency import KeyReused, Once
from edge.orders.wishes import check_known
from edge.portable import rows
from edge.portable.device_key import DeviceKeys
from edge.portable.list_file import ENDING, FOLDER
from edge.portable.visit_list import VisitList, VisitListRefused, open_list
from edge.store import Store
from edge.store.disk_floor import Reserve
from edge.trust.audit import Actor
from edge.trust.key_list import ListedKey
from edge.utc import now_ms, rfc3339

CLIENT: Final = "visits"
CENTRE: Final = Actor("centre", "visits")

log = structlog.get_logger("visits")


class OrderUnfit(Exception):
    """A body that is no order. Its text says where and why, never what stands there."""


class ReadOrder(Protocol):
    """Returns what the body of an order asks for; raises `OrderUnfit`."""

    def __call__(self, body: bytes, at_ms: int, /) -> Wanted:
        """Read it, at this moment (UTC)."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a list.

    Attributes:
        added: orders that wait now.
        known: orders that came before, whether they wait or have ended.
    """

    list_id: str
    added: int
    known: int
    expires_at: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A list that is not over: nothing of a person.

    Attributes:
        marks: of its orders (`rows.mark_of`).
    """

    list_id: str
    sequence: int
    place: str
    not_before_ms: int
    expires_at_ms: int
    marks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Centre:
    """What the device believes lists by.

    Attributes:
        station_id: ours.
        keys: that lists are sealed to.
        receipts: returns the centre's keys that sign for one.
        known: what may be ordered here.
    """

    station_id: str
    keys: DeviceKeys
    receipts: Callable[[], Mapping[str, ListedKey]]
    known: Known


class VisitLists:
    """The lists of one device. Any thread may call it."""

    def __init__(
        self,
        store: Store,
        centre: Centre,
        orders: Orders,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        """Take nothing in yet: `resume` does, once somebody can read orders."""
        self._store = store
        self._centre = centre
        self._orders = orders
        self._clock_ms = clock_ms
        self._folder = store.folder / FOLDER
        self._lock = threading.Lock()
        self._standing: dict[str, Standing] = {}

    @property
    def standing(self) -> tuple[Standing, ...]:
        """The lists that are not over, the newest last."""
        return tuple(sorted(self._standing.values(), key=lambda one: one.sequence))

    def load(self, content: bytes, read: ReadOrder) -> Loaded:
        """Take a list in; its orders wait when this returns. The same list again changes nothing.

        Raises:
            VisitListRefused: nothing changed.
            OrdersFull, StoreFull, StoreBroken: part of it may wait; load it again.
        """
        with self._lock:
            listed = self._opened(content)
            last = self._store.read(rows.last_sequence)
            if listed.sequence < last or (
                listed.sequence == last and listed.list_id not in self._standing
            ):
                raise VisitListRefused(
                    "replayed",
                    f"Visit list {listed.sequence} is not newer than list {last}, which this"
                    " device has had: ask the centre for a new one.",
                )
            wanted = self._wanted(listed, read)
            if listed.list_id not in self._standing:
                write_secret(self._path(listed.list_id), content)
            return self._take_in(listed, wanted)

    def resume(self, read: ReadOrder) -> None:
        """After a start: know the lists that lie here, and take in to its end what was cut off."""
        with self._lock:
            for path in sorted(self._folder.glob(f"*{ENDING}")):
                try:
                    listed = self._opened(path.read_bytes())
                    self._take_in(listed, self._wanted(listed, read))
                except VisitListRefused as refused:
                    if refused.code == "clock":
                        # What a wrong clock says is over may not be.
                        continue
                    self._wipe(path.name.removesuffix(ENDING))
        self.sweep()

    def sweep(self) -> None:
        """Wipe what nobody needs: a list that is over, a file whose orders have all ended."""
        at_ms = self._clock_ms()
        with self._lock:
            waited_for = {rows.mark_of(order.order_ref) for order in self.open_orders()}
            for one in self.standing:
                if one.expires_at_ms <= at_ms:
                    self._wipe(one.list_id)
                    del self._standing[one.list_id]
                elif not one.marks & waited_for and self._path(one.list_id).exists():
                    self._wipe(one.list_id)

    def open_orders(self) -> tuple[rows.OpenOrder, ...]:
        """Return what may be shown of the orders that have not ended."""
        return self._store.read(rows.open_orders)

    def _opened(self, content: bytes) -> VisitList:
        centre = self._centre
        return open_list(
            content, centre.station_id, centre.keys, centre.receipts(), self._clock_ms()
        )

    def _wanted(self, listed: VisitList, read: ReadOrder) -> list[Wanted]:
        """Return what all orders ask for: a list is taken in whole or not at all."""
        found = []
        for number, order in enumerate(listed.orders, start=1):
            body = json.dumps(order, ensure_ascii=False).encode()
            try:
                wanted = read(body, self._clock_ms())
                self._check(wanted)
            except OrderUnfit as unfit:
                raise _unfit(number, str(unfit)) from None
            except OrderUnknown as unknown:
                places = ", ".join("/".join(map(str, key)) for key in unknown.keys)
                raise _unfit(number, f"this station does not have what {places} names") from None
            begins = max(wanted.not_before_ms or 0, listed.not_before_ms)
            ends = min(wanted.expires_at_ms or listed.expires_at_ms, listed.expires_at_ms)
            found.append(wanted.standing(begins, ends))
        return found

    def _check(self, wanted: Wanted) -> None:
        check_known(wanted, self._centre.known)
        self._store.read(lambda db: order_rows.check_completes(db, wanted.completes_package_id))

    def _take_in(self, listed: VisitList, wanted: list[Wanted]) -> Loaded:
        added = sum(self._add(one) for one in wanted)
        refs = [one.order_ref for one in wanted]
        if added or self._store.read(rows.last_sequence) < listed.sequence:
            at_ms = self._clock_ms()
            self._store.write(
                lambda db: rows.note_list(db, listed.list_id, listed.sequence, refs, at_ms)
            )
            log.info("visits_loaded", count=added, sequence=listed.sequence)
        self._standing[listed.list_id] = Standing(
            listed.list_id, listed.sequence, listed.place, listed.not_before_ms,
            listed.expires_at_ms, frozenset(map(rows.mark_of, refs)),
        )  # fmt: skip
        expires_at = rfc3339(listed.expires_at_ms)
        return Loaded(listed.list_id, added, len(wanted) - added, expires_at)

    def _add(self, wanted: Wanted) -> bool:
        """Let an order wait; False if it came before."""
        if self._store.read(lambda db: rows.was_taken(db, wanted.order_ref)):
            return False
        key = rows.mark_of(wanted.order_ref)
        once = Once.of(CLIENT, key, "LOAD", "visits", key.encode())
        try:
            with self._orders.repeats.first(once) as earlier:
                if earlier is not None:
                    return False
                self._orders.add(wanted, once=once, answer=lambda row: row.sitting_id, actor=CENTRE)
        except KeyReused:
            return False
        return True

    def _wipe(self, list_id: str) -> None:
        self._path(list_id).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            sync_folder(self._folder)
        at_ms = self._clock_ms()
        self._store.write(lambda db: rows.note_over(db, list_id, at_ms), Reserve.LAST)
        log.info("visits_wiped")

    def _path(self, list_id: str) -> Path:
        return self._folder / f"{list_id}{ENDING}"


def _unfit(number: int, why: str) -> VisitListRefused:
    return VisitListRefused(
        "unfit", f"Order {number} of this visit list cannot be taken: {why}. Tell the centre."
    )

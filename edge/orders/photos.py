"""The earlier photos of orders: brought by the centre or asked for, in memory, gone after use.

A photo's bytes never reach the journal; what became of one is a code in its order's row.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import get_args

import structlog

from edge.candidates.lookup import Ask, Lookup
from edge.orders.errors import NoSuchOrder, OrderClosed, OtherPhoto
from edge.orders.held_photos import HeldPhotos
from edge.orders.order import Order
from edge.orders.row import OrderRow, PhotoState, row_of
from edge.orders.wishes import order_of
from edge.photos.asking import PhotoAsking
from edge.photos.header import check_frame
from edge.store import Store
from edge.store import orders as store_orders
from edge.store.disk_floor import Reserve
from edge.store.orders import StoredOrder

log = structlog.get_logger("orders")


class OrderPhotos:
    """The earlier photos of all orders. Any thread may call it."""

    def __init__(self, store: Store, held: HeldPhotos, lookup: Lookup | None) -> None:
        """Begin without any; `lookup` is closed with the photos."""
        self._store = store
        self._held = held
        self._asking = None if lookup is None else PhotoAsking(lookup)
        self._reasons: dict[str, str] = {}

    def close(self) -> None:
        """End running look-ups and forget all photos."""
        if self._asking is not None:
            self._asking.close()
        self._held.clear()

    def shown(self, row: StoredOrder) -> OrderRow:
        """Return an order as a client may see it, with what only memory knows of its photo."""
        held = self._held.get(row.sitting_id) is not None
        return row_of(row, held=held, passing=self._reasons.get(row.sitting_id))

    def bring(self, sitting_id: str, content: bytes) -> None:
        """Hold the bytes of an order's photo. Raises as `Orders.bring_photo`."""
        row = self._row(sitting_id)
        if row.state == "ended" or row.photo not in {"needed", "held"}:
            raise OrderClosed
        check_frame(content)
        fields = self._store.read(lambda db: store_orders.wanted(db, sitting_id))
        if fields is None:
            raise OrderClosed
        if not _named(order_of(sitting_id, fields), content):
            raise OtherPhoto
        self._hold(sitting_id, content)

    def held(self, sitting_id: str) -> bytes | None:
        """Return the bytes that are held, None if there are none."""
        return self._held.get(sitting_id)

    def ask(
        self, sitting_id: str, asks_of: Callable[[], list[Ask]], timeout_s: float
    ) -> bytes | None:
        """Ask the centre for an order's photo; None if it is not to be had. See `Orders.photo`."""
        if self._asking is None:
            return None
        asks = asks_of()
        if not asks or self._row(sitting_id).photo != "needed":
            return None
        asked = self._asking.ask(sitting_id, asks, time.monotonic() + timeout_s, self._hold)
        if asked.away is not None:
            self._reasons[sitting_id] = asked.away
        elif asked.content is None:
            log.warning("photo_unfit", sitting=sitting_id, code=asked.unfit[0])
            self.mark(sitting_id, "unfit", asked.unfit[0])
        return asked.content

    def mark(self, sitting_id: str, state: PhotoState, reason: str | None = None) -> None:
        """Say what became of a photo. Raises as `Orders.mark_photo`."""
        if state not in get_args(PhotoState) or state in {"held", "none"}:
            raise ValueError(f"nobody can make a photo {state!r}")
        try:
            self._store.write(
                lambda db: store_orders.set_photo(db, sitting_id, state, reason), Reserve.LAST
            )
        finally:
            # After the row: whoever brings the bytes meanwhile finds either the row or this.
            self.forget(sitting_id)

    def keep_if_named(self, order: Order) -> None:
        """After a change of the order: forget the bytes if it does not name them any more."""
        content = self._held.get(order.sitting_id)
        if content is not None and not _named(order, content):
            self.forget(order.sitting_id)

    def forget(self, sitting_id: str) -> None:
        """Forget the bytes and the reason why others did not come."""
        self._held.drop(sitting_id)
        self._reasons.pop(sitting_id, None)

    def _row(self, sitting_id: str) -> OrderRow:
        row = self._store.read(lambda db: store_orders.stored(db, sitting_id))
        if row is None:
            raise NoSuchOrder
        return self.shown(row)

    def _hold(self, sitting_id: str, content: bytes) -> None:
        self._held.hold(sitting_id, content)
        self._reasons.pop(sitting_id, None)
        # The order may have ended while the bytes came, or the choice was made without them.
        row = self._row(sitting_id)
        if row.state == "ended" or row.photo != "held":
            self.forget(sitting_id)


def _named(order: Order, content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() in {one.sha256 for one in order.candidates}

"""Ends the orders whose time is over, and forgets what was kept long enough, on a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import apsw
import structlog

from edge import figures
from edge.orders import idempotency, rows
from edge.store import Store
from edge.store import orders as store_orders
from edge.store.disk_floor import Reserve
from edge.store.errors import StoreError
from edge.store.orders import Ending

STANDS_MS: Final = 24 * 3600 * 1000
"""So long an order stands that does not say; and so long one that runs may outlive its time."""
SWEEP_S: Final = 30.0
KEPT_MS: Final = 400 * 24 * 3600 * 1000
"""So long an ended order can be read: as long as a receipt is kept."""
FORGET_EVERY_SWEEPS: Final = 120
"""Looking for orders to forget reads them all; once an hour is soon enough."""

log = structlog.get_logger("orders")


class Sweeper:
    """Watches the clock for all orders of a station."""

    def __init__(
        self, store: Store, clock_ms: Callable[[], int], ended: Callable[[str], None]
    ) -> None:
        """Prepare; nothing is swept before `start`.

        Args:
            store: the journal.
            clock_ms: UTC milliseconds.
            ended: is told of each sitting whose order expired.
        """
        self._store = store
        self._clock_ms = clock_ms
        self._ended = ended
        self._sweeps = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch_the_clock, name="orders")

    def start(self) -> None:
        """Sweep once, then from time to time. Raises as `sweep`."""
        self.sweep()
        self._thread.start()

    def close(self) -> None:
        """End the thread. Closing twice is allowed."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()

    def sweep(self) -> None:
        """End the orders whose time is over; forget old answers and, now and then, old orders.

        Raises:
            StoreFull, StoreBroken: nothing happened.
        """
        at_ms = self._clock_ms()
        until_ms = at_ms - KEPT_MS
        looks = self._sweeps % FORGET_EVERY_SWEEPS == 0
        self._sweeps += 1
        gone = self._store.read(lambda db: store_orders.expired(db, at_ms, STANDS_MS))
        stale = self._store.read(lambda db: idempotency.any_stale(db, at_ms))
        old = looks and self._store.read(lambda db: rows.any_to_forget(db, until_ms))
        if not gone and not stale and not old:
            return

        def end(db: apsw.Connection) -> None:
            # Asked again inside the transaction: one may have begun meanwhile.
            for sitting_id in store_orders.expired(db, at_ms, STANDS_MS):
                store_orders.end(db, sitting_id, Ending("expired"), at_ms)
                figures.count(db, figures.ORDER, "expired", at_ms)
            idempotency.forget(db, at_ms)
            if old:
                rows.forget(db, until_ms)

        self._store.write(end, Reserve.LAST)
        for sitting_id in gone:
            self._ended(sitting_id)

    def _watch_the_clock(self) -> None:
        while not self._closing.wait(SWEEP_S):
            try:
                self.sweep()
            except StoreError:
                # Whoever writes next is told, and the service ends if it must.
                log.warning("orders_not_swept")

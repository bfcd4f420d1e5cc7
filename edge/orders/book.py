"""The orders of one station: which wait, which one runs, how each ended, and its earlier photo.

Every method that changes something returns when the change is durable. What names a person lies in
the encrypted journal while the order is open and is erased in the transaction that ends it. An
earlier photo's bytes are in memory only: after a restart they are needed again.

Long, but one list in one piece: every move of an order, in one transaction each. What they say in
SQL stands in `rows.py` and `edge/store/orders.py`, what an order may ask for in `wishes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import apsw
import structlog
from uuid_utils import uuid7

from edge import figures
from edge.candidates.lookup import Ask, Lookup
from edge.orders import idempotency, rows
from edge.orders.change import changed_photo
from edge.orders.errors import (
    NoSuchOrder,
    OrderClosed,
    OrderGone,
    OrdersFull,
    OrderStale,
)
from edge.orders.held_photos import HeldPhotos
from edge.orders.idempotency import Once, Repeats
from edge.orders.offer import asks_of, first_photo_state
from edge.orders.order import Order
from edge.orders.photos import OrderPhotos
from edge.orders.row import OrderRow, PhotoState
from edge.orders.sweep import STANDS_MS, Sweeper
from edge.orders.wishes import Known, Wanted, check_known, kept_wishes, order_of, wanted_again
from edge.reuse.policy import ReusePolicy
from edge.store import Store
from edge.store import orders as store_orders
from edge.store.disk_floor import Reserve
from edge.store.orders import Ending, StoredOrder
from edge.trust.audit import STATION, Actor
from edge.utc import now_ms, rfc3339

OPEN_MAX: Final = 500
RESULTS: Final = frozenset(
    {"accepted", "accepted_with_missing", "to_window", "cancelled", "expired"}
)

log = structlog.get_logger("orders")


class Orders:
    """All orders of one station. Any thread may call it; a thread of its own ends the expired."""

    def __init__(
        self,
        store: Store,
        known: Known,
        policy: ReusePolicy | None,
        lookup: Lookup | None = None,
        *,
        clock_ms: Callable[[], int] = now_ms,
        held: HeldPhotos | None = None,
    ) -> None:
        """Take up what an earlier run left, and begin to watch the clock.

        Args:
            store: the journal.
            known: what may be ordered here.
            policy: when an earlier photo may be taken over; None: never.
            lookup: where photos are asked for that did not come; closed with the orders.
            clock_ms: UTC milliseconds.
            held: room for photos.

        Raises:
            StoreFull, StoreBroken: nothing was begun.
        """
        self._store = store
        self._known = known
        self._policy = policy
        self._clock_ms = clock_ms
        self._held = HeldPhotos() if held is None else held
        self._photos = OrderPhotos(store, self._held, lookup)
        self.repeats = Repeats(store)
        store.write(lambda db: store_orders.recover(db, clock_ms()), Reserve.LAST)
        self._sweeper = Sweeper(store, self._clock_ms, self._photos.forget)
        self._sweeper.start()

    def close(self) -> None:
        """End the thread and running look-ups, forget all photos. Closing twice is allowed."""
        self._photos.close()
        self._sweeper.close()

    # From the central system

    def add(
        self,
        wanted: Wanted,
        *,
        once: Once | None = None,
        answer: Callable[[OrderRow], str] = lambda _: "",
        actor: Actor = STATION,
    ) -> Order:
        """Keep a new order; it waits from here on.

        Args:
            wanted: what is asked for.
            once: mark of the request; its answer is kept in the same transaction.
            answer: makes what is kept, and said again if the request comes again.
            actor: who ordered.

        Raises:
            OrderUnknown: documents or fingers that the station does not have.
            OrdersFull: nothing happened.
            StoreFull, StoreBroken: nothing happened.
        """
        check_known(wanted, self._known)
        sitting_id, at_ms = str(uuid7()), self._clock_ms()
        begins_ms, ends_ms = _stands(wanted, at_ms)
        fields = kept_wishes(wanted, rfc3339(at_ms))
        order = order_of(sitting_id, fields)
        photo = first_photo_state(self._policy, order)

        def keep(db: apsw.Connection) -> None:
            if store_orders.open_count(db) >= OPEN_MAX:
                raise OrdersFull
            rows.check_completes(db, wanted.completes_package_id)
            times_ms = (at_ms, begins_ms, ends_ms)
            row = store_orders.insert(db, sitting_id, fields, photo, times_ms, actor)
            if once is not None:
                idempotency.keep(db, once, answer(self._photos.shown(row)), at_ms)

        self._store.write(keep)
        log.info("order_added", sitting=sitting_id)
        return order

    def change(
        self,
        sitting_id: str,
        read: Callable[[str], bool],
        edit: Callable[[Wanted], Wanted],
        actor: Actor = STATION,
    ) -> OrderRow:
        """Change what a waiting order asks for; its earlier photo stays held if it is still named.

        Args:
            sitting_id: of the order.
            read: tells whether an etag is the one that the client has read.
            edit: from the present wishes to those that shall stand; it may be asked twice.
            actor: who changes.

        Raises:
            NoSuchOrder, OrderGone, OrderStale, OrderClosed, OrderUnknown: nothing happened.
            StoreFull, StoreBroken: nothing happened. And what `edit` itself refuses with.
        """
        at_ms = self._clock_ms()

        def keep(db: apsw.Connection) -> Order:
            row = self._as_read(db, sitting_id, read)
            kept = store_orders.wanted(db, sitting_id)
            if row.state != "waiting" or row.expires_at_ms <= at_ms or kept is None:
                raise OrderClosed
            ordered_at = rfc3339(row.ordered_at_ms)
            before = wanted_again(kept, ordered_at)
            stands_ms = (rows.not_before_ms(db, row), row.expires_at_ms)
            wanted = edit(before.standing(*stands_ms))
            check_known(wanted, self._known)
            rows.check_completes(db, wanted.completes_package_id)
            fields = kept_wishes(wanted, ordered_at)
            order = order_of(sitting_id, fields)
            photo = changed_photo(self._policy, row, order_of(sitting_id, kept), order)
            rows.change(db, row, fields, photo, _stands(wanted, at_ms), at_ms)
            store_orders.note(db, actor, "order.change", sitting_id, at_ms)
            return order

        self._photos.keep_if_named(self._store.write(keep))
        log.info("order_changed", sitting=sitting_id)
        return self.row(sitting_id)

    def cancel(self, sitting_id: str, read: Callable[[str], bool], actor: Actor = STATION) -> None:
        """End an order that waits.

        Args:
            sitting_id: of the order.
            read: tells whether an etag is the one that the client has read.
            actor: who cancels.

        Raises:
            NoSuchOrder, OrderGone, OrderStale, OrderClosed: nothing happened.
        """

        def end(db: apsw.Connection) -> None:
            if self._as_read(db, sitting_id, read).state != "waiting":
                raise OrderClosed
            at_ms = self._clock_ms()
            store_orders.end(db, sitting_id, Ending("cancelled"), at_ms, actor)
            figures.count(db, figures.ORDER, "cancelled", at_ms)

        self._store.write(end, Reserve.LAST)
        self._photos.forget(sitting_id)
        log.info("order_cancelled", sitting=sitting_id)

    def withdraw(
        self, sitting_id: str, read: Callable[[str], bool], actor: Actor = STATION
    ) -> None:
        """End an order that runs and of which no sample is accepted; its package is deleted.

        Where a sitting loop runs, on its thread: no sample may come in meanwhile.

        Raises:
            NoSuchOrder, OrderGone, OrderStale, OrderClosed: nothing happened.
        """

        def end(db: apsw.Connection) -> None:
            state = self._as_read(db, sitting_id, read).state
            if state != "running" or rows.has_sample(db, sitting_id):
                raise OrderClosed
            rows.withdraw(db, sitting_id, actor, self._clock_ms())

        self._store.write(end, Reserve.LAST)
        self._photos.forget(sitting_id)
        log.info("order_withdrawn", sitting=sitting_id)

    def row(self, sitting_id: str) -> OrderRow:
        """Return one order as a client may see it. Raises `NoSuchOrder`, `OrderGone`."""
        return self._photos.shown(self._store.read(lambda db: _stored(db, sitting_id)))

    def rows(self, after: int = 0, limit: int = 100, state: str | None = None) -> list[OrderRow]:
        """Return orders behind the cursor `after`, in order of arrival."""
        found = self._store.read(lambda db: store_orders.stored_after(db, after, limit, state))
        return [self._photos.shown(row) for row in found]

    # From the sitting

    def waiting(self) -> tuple[Order, ...]:
        """Return the orders that may begin now, oldest first."""
        found = self._store.read(lambda db: store_orders.waiting(db, self._clock_ms()))
        return tuple(order_of(sitting_id, fields) for sitting_id, fields in found)

    def take(self, sitting_id: str | None = None) -> Order | None:
        """Begin an order, or go on with one that runs already; None if it is not to be had.

        Args:
            sitting_id: of the order; None takes the one that has waited longest.

        Raises:
            StoreFull, StoreBroken: nothing happened.
        """

        def begin(db: apsw.Connection) -> Order | None:
            at_ms = self._clock_ms()
            for waits, fields in store_orders.waiting(db, at_ms):
                if sitting_id in (None, waits):
                    store_orders.set_state(db, waits, "waiting", "running", at_ms)
                    return order_of(waits, fields)
            return None

        if sitting_id is not None:
            running = self.running(sitting_id)
            if running is not None:
                return running
        order = self._store.write(begin, Reserve.SITTING)
        if order is not None:
            log.info("order_begun", sitting=order.sitting_id)
        return order

    def running(self, sitting_id: str) -> Order | None:
        """Return the order of a sitting that runs, None if it has none."""

        def read(db: apsw.Connection) -> Order | None:
            row = store_orders.stored(db, sitting_id)
            fields = store_orders.wanted(db, sitting_id)
            runs = row is not None and row.state == "running"
            return order_of(sitting_id, fields) if runs and fields is not None else None

        return self._store.read(read)

    def put_back(self, sitting_id: str) -> None:
        """Let an order wait again: its person left before anything was agreed to."""
        self._store.write(
            lambda db: store_orders.set_state(
                db, sitting_id, "running", "waiting", self._clock_ms()
            ),
            Reserve.LAST,
        )

    def settle(self, present: str | None) -> None:
        """End the orders whose sitting nobody can go on with any more, and put back the others.

        A station has one sitting at a time. An order that runs beside it was cut off or left: if
        its person had agreed, it ends as "to_window", else it waits again.

        Args:
            present: the sitting that is begun or resumed; None: no sitting is.

        Raises:
            StoreFull, StoreBroken: nothing happened.
        """
        if not self._store.read(lambda db: rows.running_beside(db, present)):
            return

        def settle(db: apsw.Connection) -> list[str]:
            left = rows.running_beside(db, present)
            for sitting_id in left:
                rows.settle(db, sitting_id, self._clock_ms())
            return left

        for sitting_id in self._store.write(settle, Reserve.LAST):
            self._photos.forget(sitting_id)
            log.info("order_settled", sitting=sitting_id)

    def end(self, sitting_id: str, result: str, missing: Sequence[Mapping[str, str]] = ()) -> None:
        """End an order and erase what is personal of it; twice is once, the first result stays.

        Args:
            sitting_id: of any sitting; one without an order is let be.
            result: one of `RESULTS`.
            missing: rows of what the package lacks and why, codes only.
        """
        if result not in RESULTS:
            raise ValueError(f"a sitting cannot end as {result!r}")
        ending = Ending(result, missing)
        self._store.write(
            lambda db: store_orders.end(db, sitting_id, ending, self._clock_ms()), Reserve.LAST
        )
        self._photos.forget(sitting_id)

    # The earlier photo

    def bring_photo(self, sitting_id: str, content: bytes) -> None:
        """Hold the bytes of an order's earlier photo in memory; the same again is harmless.

        Raises:
            NoSuchOrder, OrderClosed: the order has ended, or wants no photo (any more).
            PhotoUnreadable: by its frame's header alone; the rest is the vision worker's.
            OtherPhoto: its digest is none of the order's.
            NoRoomForPhotos: bring it later.
        """
        self._photos.bring(sitting_id, content)

    def photo(self, sitting_id: str, timeout_s: float) -> bytes | None:
        """Return the order's earlier photo: held, or asked for now; None if it is not to be had.

        Blocks for `timeout_s` at most, whatever the other side does; call it beside the sitting.
        `photo_reason` of the order's row then says why nothing came.
        """
        held = self._photos.held(sitting_id)
        if held is not None:
            return held

        def asks() -> list[Ask]:
            order = self.running(sitting_id)
            return [] if order is None else asks_of(self._policy, order)

        return self._photos.ask(sitting_id, asks, timeout_s)

    def mark_photo(self, sitting_id: str, state: PhotoState, reason: str | None = None) -> None:
        """Say what became of the earlier photo; its bytes are forgotten unless it is still held.

        Raises:
            ValueError: "held" is nothing that can be said: bring the photo.
            StoreFull, StoreBroken: the row stays as it was; the bytes are forgotten all the same.
        """
        self._photos.mark(sitting_id, state, reason)

    def sweep(self) -> None:
        """End the orders whose time is over, now. Raises as `Sweeper.sweep`."""
        self._sweeper.sweep()

    def _as_read(
        self, db: apsw.Connection, sitting_id: str, read: Callable[[str], bool]
    ) -> StoredOrder:
        row = _stored(db, sitting_id)
        if not read(self._photos.shown(row).etag):
            raise OrderStale
        return row


def _stored(db: apsw.Connection, sitting_id: str) -> StoredOrder:
    row = store_orders.stored(db, sitting_id)
    if row is None:
        raise NoSuchOrder
    if rows.forgotten(row):
        raise OrderGone
    return row


def _stands(wanted: Wanted, at_ms: int) -> tuple[int, int]:
    """Return when an order may begin and when it is over."""
    begins_ms = at_ms if wanted.not_before_ms is None else wanted.not_before_ms
    ends_ms = wanted.expires_at_ms
    return begins_ms, max(at_ms, begins_ms) + STANDS_MS if ends_ms is None else ends_ms

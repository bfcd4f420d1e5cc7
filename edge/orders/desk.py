"""Which order a sitting serves, and what the order is told of its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import structlog

from edge.orders import Orders
from edge.orders.order import Order
from edge.record import Record
from edge.room import Room
from edge.sitting import Result
from edge.store.errors import StoreError

log = structlog.get_logger("orders")


def begin_record(room: Room, language: str) -> tuple[Record, Order | None] | None:
    """Open the record of the oldest order that waits, or of a walk-in; None if neither may begin.

    Where a sitting begins by number, a touch begins nobody's order. Else who stands here is not
    asked: the centre's own queue sends one person at a time. The record is opened before the order
    is taken: a power cut between the two leaves an order that still waits, and a record in which
    nothing was agreed to.

    Raises:
        StoreFull, StoreBroken: nothing was begun.
    """
    next_one = room.orders is not None and room.limits.begin == "next"
    for order in room.orders.waiting() if room.orders is not None and next_one else ():
        begun = _begin_ordered(room, language, order)
        if begun is not None:
            return begun
    settle(room, None)
    return (room.records.begin(language), None) if room.limits.walk_in else None


def begin_by_slip(room: Room, language: str, code: str) -> tuple[Record, Order] | None:
    """Open the record of the order with this slip; None if none waits, or if two do.

    Raises:
        StoreFull, StoreBroken: nothing was begun.
    """
    orders = () if room.orders is None else room.orders.waiting()
    found = [order for order in orders if order.slip_code == code]
    # One number on two slips is the centre's mistake: a person must not get another one's order.
    return _begin_ordered(room, language, found[0]) if len(found) == 1 else None


def _begin_ordered(room: Room, language: str, order: Order) -> tuple[Record, Order] | None:
    if not room.makes(order.documents):
        log.error("order_unknown_document", sitting=order.sitting_id)
        return None
    record = room.records.begin(_spoken(room, order, language), order)
    # Durable with the consent, before which a restart keeps nothing of the sitting.
    record.progress.preferences = asdict(order.preferences)
    record.progress.completes_package_id = order.completes_package_id
    taken = take(room, order.sitting_id)
    if taken is not None:
        settle(room, order.sitting_id)
        return record, taken
    # It was withdrawn while we reached for it.
    record.drop("withdrawn")
    return None


def settle(room: Room, present: str | None) -> None:
    """End the orders of sittings that were cut off or left and that nobody can go on with."""
    if room.orders is not None:
        room.orders.settle(present)


def _spoken(room: Room, order: Order, language: str) -> str:
    """Return the language to begin in: the person's own choice before the order's wish."""
    wished = order.preferences.language
    return wished if wished in room.languages and language == room.language else language


def take(room: Room, sitting_id: str) -> Order | None:
    """Return the order of a sitting and mark it as running; None for a walk-in."""
    return None if room.orders is None else room.orders.take(sitting_id)


def end(room: Room, record: Record, result: Result) -> None:
    """Tell the order how its sitting ended, and what the package lacks."""
    missing = [asdict(row) for row in record.missing]
    _tell(room, record, lambda orders: orders.end(record.sitting_id, result.value, missing))


def put_back(room: Room, record: Record) -> None:
    """Let the order wait again: whoever began it went away before anything was agreed to."""
    _tell(room, record, lambda orders: orders.put_back(record.sitting_id))


def _tell(room: Room, record: Record, say: Callable[[Orders], None]) -> None:
    # A store that fails here changes nothing for the person, who has her result already; after a
    # restart the package tells the order.
    if room.orders is None or record.progress.order_ref is None:
        return
    try:
        say(room.orders)
    except StoreError:
        log.error("order_not_told", sitting=record.sitting_id)

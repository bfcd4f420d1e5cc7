"""The lists of the console: who waits, who needs somebody, what was left. Pure.

A row has the day's number and the first letter of the surname. What an opened row says more is made
in one place, `detail`, and only for a role that may read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edge.initials import surname_initial
from edge.orders.order import Order
from edge.staff import Role

NO_NUMBER = "—"
QUEUE_ROWS_MAX = 60


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One order that waits.

    Attributes:
        id: of its sitting; opaque, in forms only.
        number: of the day, as on the slip.
        initial: first letter of the surname.
        urgent: green channel.
    """

    id: str
    number: str
    initial: str
    urgent: bool


@dataclass(frozen=True, slots=True)
class Detail:
    """What an opened row tells a guide, and nobody else: how to greet, and what to have ready."""

    surname: str
    honorific: str
    documents: int
    proxy: bool
    seated: bool
    larger: bool
    language: str


def queue_rows(orders: Iterable[Order]) -> tuple[QueueRow, ...]:
    """Return who waits, the green channel first, then as they came."""
    waiting = sorted(orders, key=lambda order: not order.urgent)
    return tuple(
        QueueRow(
            order.sitting_id,
            order.slip_code or NO_NUMBER,
            surname_initial(order.surname),
            order.urgent,
        )
        for order in waiting[:QUEUE_ROWS_MAX]
    )


def detail(order: Order | None, role: Role) -> Detail | None:
    """Return what an opened row says to this role; None where it may not be opened."""
    if order is None or role != "guide":
        return None
    wishes = order.preferences
    return Detail(
        surname=order.surname,
        honorific=order.honorific,
        documents=len(order.documents),
        proxy=bool(order.proxy),
        seated=bool(wishes.seated),
        larger=(wishes.text_scale or 1.0) > 1.0,
        language=wishes.language or "",
    )

"""What a change of an order means for its earlier photo."""

from __future__ import annotations

from edge.orders.offer import first_photo_state
from edge.orders.order import Order
from edge.reuse.policy import ReusePolicy
from edge.store.orders import StoredOrder


def changed_photo(
    policy: ReusePolicy | None, row: StoredOrder, before: Order, after: Order
) -> tuple[str, str | None]:
    """Return photo state and reason of a changed order.

    What was found out about a photo stands while nothing changes that the rule asks for.
    """
    if _asked(before) == _asked(after):
        return row.photo, row.photo_reason
    return first_photo_state(policy, after)


def _asked(order: Order) -> tuple[object, ...]:
    return order.candidates, order.born_on, order.applied_at, order.applies_for

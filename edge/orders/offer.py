"""Which of an order's earlier photos may be offered, by the rule alone: no picture is looked at."""

from __future__ import annotations

from edge.candidates.lookup import Ask
from edge.orders.order import Order
from edge.reuse.policy import ReusePolicy
from edge.reuse.rule import Offer, Refusal, When, may_reuse


def offered(policy: ReusePolicy | None, order: Order) -> Offer | str:
    """Return what may be offered, else the code of why nothing may; without a policy nothing."""
    if policy is None:
        return "reuse_off"
    applied_at: When = order.applied_at
    if applied_at is None:
        return "application_date_unknown"
    try:
        found = may_reuse(policy, order.candidates, order.born_on, applied_at, order.applies_for)
    except ValueError:
        return "application_date_unknown"
    return found.reason.value if isinstance(found, Refusal) else found


def first_photo_state(policy: ReusePolicy | None, order: Order) -> tuple[str, str | None]:
    """Return a new order's photo state and reason: none is asked for that nobody may offer."""
    if not order.candidates:
        return "none", None
    found = offered(policy, order)
    return ("needed", None) if isinstance(found, Offer) else ("unfit", found)


def asks_of(policy: ReusePolicy | None, order: Order) -> list[Ask]:
    """Return the photos to ask for, the best first; empty if none may be offered."""
    found = offered(policy, order)
    if isinstance(found, str):
        return []
    return [Ask(order.order_ref, one.sha256) for one in (found.candidate, *found.others)]

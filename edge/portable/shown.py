"""Visit lists as an officer may see them before a visit: numbers and initials, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.initials import surname_initial
from edge.portable.lists import VisitLists
from edge.portable.rows import OpenOrder
from edge.utc import rfc3339


def shown_visits(lists: VisitLists) -> Mapping[str, Any]:
    """Return the lists that stand, and the orders that have not ended."""
    return {
        "lists": [
            {
                "list_id": one.list_id,
                "sequence": one.sequence,
                "place": one.place,
                "expires_at": rfc3339(one.expires_at_ms),
            }
            for one in lists.standing
        ],
        "visits": [_visit(order, n) for n, order in enumerate(lists.open_orders(), start=1)],
    }


def _visit(order: OpenOrder, n: int) -> dict[str, str]:
    return {
        "number": order.slip_code or f"#{n}",
        "initial": surname_initial(order.surname),
        "state": order.state,
    }

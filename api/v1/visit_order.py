"""An order of a visit list is read as one that a client sends: one form, wherever it comes from."""

from __future__ import annotations

from api.problems import Refused
from api.v1.new_sitting import wanted_of
from edge.orders import Wanted
from edge.portable.lists import OrderUnfit


def read_visit_order(body: bytes, at_ms: int) -> Wanted:
    """Return what the body of an order asks for; `at_ms`: now, UTC. Raises `OrderUnfit`."""
    try:
        return wanted_of(body, at_ms)
    except Refused as refused:
        places = ", ".join(f"{error.pointer} ({error.code})" for error in refused.errors)
        raise OrderUnfit(f"{places or 'it'} cannot be read") from None

"""What an order asks for, on its way into the journal and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from edge.order import Order
from edge.order_errors import OrderUnknown
from edge.reuse import Candidate


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an order asks for, as it came; the members of `Order` and the time that it stands.

    Attributes:
        not_before_ms: UTC; None: at once.
        expires_at_ms: UTC; None: a day after it may begin.
    """

    order_ref: str = field(repr=False)
    applies_for: str = ""
    documents: tuple[str, ...] = ()
    positions: tuple[str, ...] | None = None
    applied_at: str | None = None
    born_on: str | None = field(default=None, repr=False)
    candidates: tuple[Candidate, ...] = ()
    proxy: bool = False
    surname: str = field(default="", repr=False)
    honorific: str = field(default="", repr=False)
    slip_code: str = field(default="", repr=False)
    not_before_ms: int | None = None
    expires_at_ms: int | None = None


def kept_wishes(wanted: Wanted, ordered_at: str) -> dict[str, Any]:
    """Return what the journal keeps of the wishes while the order is open."""
    fields = asdict(wanted)
    del fields["not_before_ms"], fields["expires_at_ms"]
    # The day of the order counts, not that of the sitting.
    fields["applied_at"] = wanted.applied_at or ordered_at
    return fields


def order_of(sitting_id: str, fields: Mapping[str, Any]) -> Order:
    """Return the order that was kept so."""
    rest = {**fields}
    positions = rest.pop("positions")
    return Order(
        sitting_id=sitting_id,
        documents=tuple(rest.pop("documents")),
        positions=None if positions is None else tuple(positions),
        candidates=tuple(Candidate(**one) for one in rest.pop("candidates")),
        **rest,
    )


def check_known(wanted: Wanted, documents: Collection[str], positions: Collection[str]) -> None:
    """Raise `OrderUnknown`, with every place in the wishes, for what this station does not have."""
    keys: list[tuple[str | int, ...]] = [
        ("documents", n) for n, one in enumerate(wanted.documents) if one not in documents
    ]
    for n, position in enumerate(wanted.positions or ()):
        if position not in positions:
            keys.append(("fingers", "positions", n))
    if keys:
        raise OrderUnknown(keys)

"""An order as a client may see it: nothing personal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from edge.store.orders import OrderState, StoredOrder

PhotoState = Literal["none", "needed", "held", "used", "declined", "unfit"]


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order, as it stands in the journal and in memory.

    Attributes:
        cursor: grows with the age of the order; pages begin after one.
        etag: differs with every change that a client can see.
        photo: state of the earlier photo.
        photo_reason: why it is unfit, or why the last look-up brought nothing.
    """

    cursor: int
    sitting_id: str
    state: OrderState
    etag: str
    photo: PhotoState
    photo_reason: str | None
    ordered_at_ms: int
    expires_at_ms: int
    ended_at_ms: int | None
    result: str | None
    missing: tuple[Mapping[str, str], ...]
    package_id: str | None


def row_of(row: StoredOrder, *, held: bool, passing: str | None) -> OrderRow:
    """Return what a client may see of an order.

    Args:
        row: as the journal has it.
        held: whether memory has its earlier photo.
        passing: why the last look-up brought nothing, which memory alone knows.
    """
    held = held and row.photo == "needed"
    photo: Any = "held" if held else row.photo
    # What only memory knows counts as well: a client sees it.
    mark = "held" if held else passing
    return OrderRow(
        cursor=row.cursor,
        sitting_id=row.sitting_id,
        state=row.state,
        etag=f"{row.version}.{mark}" if mark else f"{row.version}",
        photo=photo,
        photo_reason=row.photo_reason or (None if held else passing),
        ordered_at_ms=row.ordered_at_ms,
        expires_at_ms=row.expires_at_ms,
        ended_at_ms=row.ended_at_ms,
        result=row.result,
        missing=row.missing,
        package_id=row.package_id,
    )

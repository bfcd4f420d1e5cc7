"""The orders' room: what the centre asked for, until it ends."""

from __future__ import annotations

from edge.orders.book import (
    RESULTS,
    Ending,
    Known,
    NoRoomForPhotos,
    NoSuchOrder,
    OrderClosed,
    OrderGone,
    OrderRow,
    Orders,
    OrdersFull,
    OrderStale,
    OrderUnknown,
    OtherPhoto,
    PhotoState,
    PhotoUnreadable,
    Wanted,
)

__all__ = [
    "RESULTS",
    "Ending",
    "Known",
    "NoRoomForPhotos",
    "NoSuchOrder",
    "OrderClosed",
    "OrderGone",
    "OrderRow",
    "OrderStale",
    "OrderUnknown",
    "Orders",
    "OrdersFull",
    "OtherPhoto",
    "PhotoState",
    "PhotoUnreadable",
    "Wanted",
]

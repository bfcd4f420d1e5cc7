"""The orders' room: what the centre asked for, until it ends."""

from __future__ import annotations

from edge.orders.book import RESULTS, Orders
from edge.orders.errors import (
    NoSuchOrder,
    OrderClosed,
    OrderGone,
    OrdersFull,
    OrderStale,
    OrderUnknown,
    OtherPhoto,
)
from edge.orders.held_photos import NoRoomForPhotos
from edge.orders.row import OrderRow, PhotoState
from edge.orders.wishes import Known, Wanted
from edge.photos.fault import PhotoUnreadable
from edge.store.orders import Ending

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

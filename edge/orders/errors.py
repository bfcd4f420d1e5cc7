"""Why orders refuse, told apart by what the caller can do."""

from __future__ import annotations

from collections.abc import Sequence


class OrderRefused(Exception):
    """Base of what an order refuses; nothing happened."""


class NoSuchOrder(OrderRefused):
    """No order has this sitting id."""


class OrderGone(OrderRefused):
    """The order ended so long ago that only its id is left. Its package is with the centre."""


class OrderClosed(OrderRefused):
    """The order has gone on: what is asked for is possible no more. Read it again."""


class OrderStale(OrderRefused):
    """The order changed since it was read. Read it again and decide again."""


class OrdersFull(Exception):
    """As many orders are open as the station keeps. Wait until some have ended."""


class OtherPhoto(Exception):
    """These bytes are none of the photos that the order names."""


class OrderUnknown(Exception):
    """The order asks for what this station does not have; `keys` say where in the order."""

    def __init__(self, keys: Sequence[tuple[str | int, ...]]) -> None:
        super().__init__("the order asks for what the station does not have")
        self.keys = tuple(keys)

"""Asks the look-up for an order's earlier photos, one after the other, until one comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from edge.candidates.lookup import (
    Ask,
    Lookup,
    LookupAway,
    LookupFailed,
    PhotoUnfit,
    exactly,
)
from edge.orders.held_photos import NoRoomForPhotos
from edge.photos.fault import PhotoUnreadable
from edge.photos.header import check_frame

ASK_AGAIN_S: Final = 0.3

log = structlog.get_logger("orders")


@dataclass(frozen=True, slots=True)
class Asked:
    """What asking brought.

    Codes, not errors: an error's frames would keep the bytes of a photo that was refused.

    Attributes:
        content: the photo, None if there is none to be had.
        away: code of why the last one that may still come did not; None if none is still to come.
        unfit: codes of those that came and cannot be used.
    """

    content: bytes | None
    away: str | None
    unfit: tuple[str, ...]


class PhotoAsking:
    """Patient with a place that is away, within the time given. Any thread may call it."""

    def __init__(self, lookup: Lookup) -> None:
        """Ask there; the look-up is closed with this."""
        self._lookup = lookup
        self._closing = threading.Event()

    def close(self) -> None:
        """End what is asked now. Closing twice is allowed."""
        self._closing.set()
        self._lookup.close()

    def ask(
        self,
        sitting_id: str,
        asks: Sequence[Ask],
        until_s: float,
        hold: Callable[[str, bytes], None],
    ) -> Asked:
        """Ask for one photo after the other until one comes that can be used.

        Args:
            sitting_id: whose it is.
            asks: the best first.
            until_s: end of patience, on the monotonic clock.
            hold: keeps the bytes; may raise `NoRoomForPhotos`.
        """
        unfit: list[str] = []
        away: str | None = None
        for ask in asks:
            try:
                content = self._ask_patiently(ask, until_s)
                hold(sitting_id, content)
            except PhotoUnfit as error:
                unfit.append(error.code)
            except (LookupFailed, NoRoomForPhotos) as error:
                away = error.code if isinstance(error, LookupFailed) else "no_room"
                log.warning("photo_not_found", sitting=sitting_id, code=away)
            else:
                return Asked(content, None, tuple(unfit))
        return Asked(None, away, tuple(unfit))

    def _ask_patiently(self, ask: Ask, until_s: float) -> bytes:
        while True:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise LookupAway("timeout")
            try:
                return _checked(self._lookup.find(ask, left_s), ask)
            except LookupAway:
                if time.monotonic() + ASK_AGAIN_S >= until_s or self._closing.wait(ASK_AGAIN_S):
                    raise


def _checked(content: bytes, ask: Ask) -> bytes:
    """Return the bytes if they are those that were asked for and may be read."""
    exactly(content, ask)
    try:
        check_frame(content)
    except PhotoUnreadable as error:
        raise PhotoUnfit(error.code.value) from None
    return content

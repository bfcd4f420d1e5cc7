"""Brings an order's earlier photo while the person reads, so that nobody waits for a network."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

import structlog

CLOSE_S: Final = 1.0
"""On closing the station waits so long beyond the look-up's own time."""

log = structlog.get_logger("photo-lookup")


class PhotoLookup:
    """One look-up on its own thread; what it found lives here until it is taken or dropped."""

    def __init__(self, look_up: Callable[[float], bytes | None], timeout_s: float) -> None:
        """Begin at once; `look_up` keeps to the time-out that it is given."""
        self._found: Future[bytes | None] = Future()
        self._timeout_s = timeout_s
        self._thread = threading.Thread(
            target=self._run, args=(look_up, self._found), name="photo-lookup", daemon=True
        )
        self._thread.start()

    def take(self, wait_s: float) -> bytes | None:
        """Return the photo and forget it; None if it is not here in time."""
        found, self._found = self._found, Future()
        try:
            return found.result(wait_s)
        except TimeoutError:
            return None

    def drop(self) -> None:
        """Forget what was found or may still come."""
        self._found = Future()

    def close(self) -> None:
        """Wait for the thread: what it asks may be closed next."""
        self.drop()
        self._thread.join(self._timeout_s + CLOSE_S)

    def _run(self, look_up: Callable[[float], bytes | None], found: Future[bytes | None]) -> None:
        try:
            found.set_result(look_up(self._timeout_s))
        except Exception as error:
            # A look-up that fails is a photo that is not here: the person never waits for it.
            log.warning("lookup_failed", exc_info=error)
            found.set_result(None)

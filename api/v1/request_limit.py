"""How often one client may ask: a bucket of tokens for each, so that none takes the others' turn.

Collecting is not counted: what a client may have open of packages is limited by its leases.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from flask import Flask, g, request

from api.problems import Refused

RATE_PER_S: Final = 20.0
BURST: Final = 40
UNCOUNTED: Final = frozenset({"packages", "leases"})
"""First part of the path behind `/v1/`."""


class RequestLimit:
    """One bucket a client. Any thread may call it."""

    def __init__(
        self,
        rate_per_s: float = RATE_PER_S,
        burst: int = BURST,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with full buckets.

        Args:
            rate_per_s: so many requests a second go on for ever.
            burst: so many may come at once.
            clock_s: monotonic seconds.
        """
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, client: str) -> bool:
        """Take one token of this client's; False if none is left.

        Clients are those of the settings, so there are never more buckets than names there.
        """
        with self._lock:
            now_s = self._clock_s()
            left, at_s = self._left.get(client, (float(self._burst), now_s))
            left = min(self._burst, left + (now_s - at_s) * self._rate_per_s)
            enough = left >= 1.0
            self._left[client] = (left - 1.0 if enough else left, now_s)
            return enough


def limit_requests(app: Flask, limit: RequestLimit) -> None:
    """Count the requests of known clients; install it behind the guard, which knows them."""

    @app.before_request
    def count() -> None:
        known = g.get("caller")
        # What is open to everybody names no client, and holds nothing that asking wears out.
        if known is None or request.path.split("/")[2:3] in ([name] for name in UNCOUNTED):
            return
        if not limit.take(known.name):
            raise Refused("too-many-requests")

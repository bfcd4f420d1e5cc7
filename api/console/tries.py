"""How often one address may try to sign in; beside the waits of `edge.staff`, which outlast it.

Those slow each number and outlive a restart; this keeps one address on the network from making the
station hash PINs all day. Source: the login limits of Frigate (1 a second, 5 a minute, 20 an hour).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

SPANS: Final = ((60.0, 5), (3600.0, 20))
"""Seconds, and how many wrong tries of one address they allow."""
ADDRESSES_MAX: Final = 1024


class Tries:
    """Wrong tries by address, in memory. All methods may be called from any thread."""

    def __init__(
        self,
        spans: Sequence[tuple[float, int]] = SPANS,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spans = tuple(spans)
        self._longest_s = max(span_s for span_s, _ in self._spans)
        self._now_s = now_s
        self._lock = threading.Lock()
        self._wrong: dict[str, deque[float]] = {}

    def wait_s(self, address: str) -> float:
        """Return how long this address must wait before its next try is looked at."""
        now_s = self._now_s()
        with self._lock:
            at_s = self._recent(address, now_s)
            waits = [
                at_s[-most] + span_s - now_s for span_s, most in self._spans if len(at_s) >= most
            ]
            return max([0.0, *waits])

    def wrong(self, address: str) -> None:
        """Count a wrong try."""
        now_s = self._now_s()
        with self._lock:
            at_s = self._recent(address, now_s)
            at_s.append(now_s)
            self._wrong.pop(address, None)
            self._wrong[address] = at_s
            while len(self._wrong) > ADDRESSES_MAX:
                # The address that has not tried for longest.
                del self._wrong[next(iter(self._wrong))]

    def _recent(self, address: str, now_s: float) -> deque[float]:
        at_s = self._wrong.get(address, deque())
        while at_s and now_s - at_s[0] >= self._longest_s:
            at_s.popleft()
        return at_s

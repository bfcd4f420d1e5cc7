"""How somebody beside the writer learns that there is something new to read."""

from __future__ import annotations

import threading


class Commits:
    """Counts durable transactions and wakes whoever waits for the next one."""

    def __init__(self) -> None:
        self._bell = threading.Condition()
        self._count = 0

    def tell(self) -> None:
        """Say that one more transaction is durable; only the writer does."""
        with self._bell:
            self._count += 1
            self._bell.notify_all()

    def wait(self, seen: int, timeout_s: float) -> int:
        """Return the count as soon as it is not `seen`, or when the time is over."""
        with self._bell:
            self._bell.wait_for(lambda: self._count != seen, timeout_s)
            return self._count

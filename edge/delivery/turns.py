"""Whose turn it is at one sink: the green channel first, then the oldest; nobody is left out.

Place in the queue lives in memory, on the monotonic clock: a clock that jumps stalls nothing, and a
restart begins with the oldest. Nothing here writes.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from edge.store.rows import Pending

PAGE: Final = 50
LOOK_S: Final = 60.0
"""How long nobody else is looked for where nobody was: thousands may have to be gone through."""
ORDINARY_EVERY: Final = 4
"""While urgent packages wait, each fourth turn is the oldest's, whatever it is: no starvation."""

Read = Callable[[int, int, bool], list[Pending]]
"""What waits behind a cursor, at most so many, urgent ones alone or all; oldest first."""


@dataclass(slots=True)
class _Channel:
    """One order of going through what waits; begins again with the oldest at its end."""

    urgent: bool
    after: int = 0
    page: deque[Pending] = field(default_factory=deque)


class Turns:
    """Hands out what may go now; whoever takes one says in the end what became of it."""

    def __init__(self, read: Read, now_s: Callable[[], float] = time.monotonic) -> None:
        """Read nothing yet.

        Args:
            read: looks into the store; what was handed back as done must not be there any more.
            now_s: monotonic seconds.
        """
        self._read = read
        self._now_s = now_s
        self._urgent, self._all = _Channel(urgent=True), _Channel(urgent=False)
        self._urgent_in_a_row = 0
        self._asked_last = False
        self._look_s = -LOOK_S
        self._out: set[int] = set()
        self._done: set[int] = set()
        self._due_s: dict[int, float] = {}
        self._later: list[tuple[float, int]] = []

    def look_again(self) -> None:
        """Begin with the oldest again: a package was closed, and may be older than some here."""
        self._look_s = -LOOK_S
        for channel in (self._urgent, self._all):
            channel.after = 0
            channel.page.clear()

    def take(self, *, urgent_only: bool = False) -> Pending | None:
        """Return whose turn it is; None if nobody may go now.

        Those whose time has come have every other turn at most while others wait: where a centre
        has thousands of receipts outstanding, asking for them must not use up the link.
        """
        others_first = self._asked_last and self._now_s() >= self._look_s
        due = None if others_first else self._due(urgent_only=urgent_only)
        package = due or self._following(urgent_only=urgent_only)
        if package is None:
            self._look_s = self._now_s() + LOOK_S
            package = due = self._due(urgent_only=urgent_only) if others_first else None
        self._asked_last = due is not None
        if package is not None:
            self._out.add(package.cursor)
        return package

    def _following(self, *, urgent_only: bool) -> Pending | None:
        ordinary = self._urgent_in_a_row >= ORDINARY_EVERY - 1
        channels = [self._urgent] if urgent_only else [self._urgent, self._all]
        package = None
        for channel in reversed(channels) if ordinary else channels:
            package = package or self._from(channel)
        if package is not None:
            by_turn = ordinary and not urgent_only
            self._urgent_in_a_row = (
                self._urgent_in_a_row + 1 if package.urgent and not by_turn else 0
            )
        return package

    def done(self, package: Pending) -> None:
        """It waits for this sink no more."""
        self._out.discard(package.cursor)
        self._done.add(package.cursor)

    def back(self, package: Pending) -> None:
        """It waits still; those behind it come first."""
        self._look_s = -LOOK_S
        self._out.discard(package.cursor)
        self._done.discard(package.cursor)

    def later(self, package: Pending, wait_s: float) -> None:
        """It waits still, and is not handed out before so many seconds have passed."""
        self._out.discard(package.cursor)
        due_s = self._now_s() + wait_s
        self._due_s[package.cursor] = due_s
        heapq.heappush(self._later, (due_s, package.cursor))

    def now(self, cursors: set[int] | None = None) -> None:
        """Let these, or all that were to come later, come now."""
        now_s = self._now_s()
        for cursor in self._due_s.keys() & cursors if cursors is not None else set(self._due_s):
            self._due_s[cursor] = now_s
            heapq.heappush(self._later, (now_s, cursor))

    def next_due_s(self) -> float | None:
        """Return in how many seconds the first of those for later comes; None if there is none."""
        self._drop_overtaken()
        return max(0.0, self._later[0][0] - self._now_s()) if self._later else None

    def _due(self, *, urgent_only: bool) -> Pending | None:
        if urgent_only:
            return None
        now_s = self._now_s()
        while self._later:
            due_s, cursor = self._later[0]
            if due_s > now_s:
                return None
            heapq.heappop(self._later)
            if self._due_s.get(cursor) != due_s:
                continue
            del self._due_s[cursor]
            found = self._read(cursor - 1, 1, False)
            if found and found[0].cursor == cursor:
                return found[0]
        return None

    def _drop_overtaken(self) -> None:
        while self._later and self._due_s.get(self._later[0][1]) != self._later[0][0]:
            heapq.heappop(self._later)

    def _from(self, channel: _Channel) -> Pending | None:
        # To the end, and once more from the oldest: what failed before the end has its turn again.
        for _ in range(2):
            while channel.page or self._read_page(channel):
                package = channel.page.popleft()
                if not self._elsewhere(package.cursor):
                    return package
            if channel.after == 0:
                return None
            channel.after = 0
        return None

    def _elsewhere(self, cursor: int) -> bool:
        return cursor in self._out or cursor in self._done or cursor in self._due_s

    def _read_page(self, channel: _Channel) -> bool:
        found = self._read(channel.after, PAGE, channel.urgent)
        if not self._urgent.page and not self._all.page:
            # No page is left that was read before these were done.
            self._done.clear()
        if found:
            channel.after = found[-1].cursor
            channel.page.extend(found)
        return bool(found)

"""The last words on a serial line, for support: commands, answers and packet heads.

It never sees a byte of an image: who writes into it cuts the payload of every stream off before.
One thread notes; any thread may read.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from threading import Lock
from typing import Final

TRACE_BYTES: Final = 4096
SHOWN_MAX_BYTES: Final = 64
"""Of one entry: longer answers are texts that are on the device's label too."""


class Way(Enum):
    """Which way an entry went."""

    OUT = ">"
    IN = "<"


Naming = Callable[[Way, bytes], str]
"""Say in words what the bytes of an entry are."""


@dataclass(slots=True)
class _Entry:
    at_s: float
    way: Way
    shown: bytes
    times: int = 1


class LineTrace:
    """A ring of what was said, as many entries as their bytes fit into `keep_bytes`.

    Entries that repeat the one before, as the heads of an image's packets do, are counted there:
    an image would push out all that led to it.
    """

    def __init__(self, naming: Naming, keep_bytes: int = TRACE_BYTES) -> None:
        self._naming = naming
        self._keep_bytes = keep_bytes
        self._held_bytes = 0
        self._entries: deque[_Entry] = deque()
        self._lock = Lock()

    def note(self, way: Way, shown: bytes, times: int = 1) -> None:
        """Remember what went over the line; never hand over a byte of an image."""
        shown, now = shown[:SHOWN_MAX_BYTES], time.monotonic()
        with self._lock:
            last = self._entries[-1] if self._entries else None
            if last and last.shown == shown and last.way is way:
                last.at_s, last.times = now, last.times + times
                return
            self._entries.append(_Entry(now, way, shown, times))
            self._held_bytes += len(shown)
            while self._held_bytes > self._keep_bytes:
                self._held_bytes -= len(self._entries.popleft().shown)

    def lines(self) -> tuple[str, ...]:
        """Return the entries as text, oldest first, led by their time in ms before the newest."""
        with self._lock:
            entries = [(one.at_s, one.way, one.shown, one.times) for one in self._entries]
        newest_s = entries[-1][0] if entries else 0.0
        return tuple(
            f"{round((at_s - newest_s) * 1000)} ms {way.value} {shown.hex(' ')}"
            f"  {self._naming(way, shown)}{f' ({times} times)' if times > 1 else ''}".rstrip()
            for at_s, way, shown, times in entries
        )


def hand_over(trace: LineTrace, failure: BaseException) -> None:
    """Give what was said while a reader could not be opened to the failure, as its notes.

    No reader is left that could be asked for its trace.
    """
    for line in trace.lines():
        failure.add_note(line)

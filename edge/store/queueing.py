"""One at a time, first come first served: whoever may write the journal now."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class OneByOne:
    """A lock that is handed on in the order in which it was asked for.

    An ordinary lock may be taken again by the thread that has just left it, so that an outbox in
    full run could keep a sitting waiting for as long as it runs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        try:
            mine.acquire()
        except BaseException:
            self._leave(mine)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hand_on()

    def _leave(self, mine: threading.Lock) -> None:
        """Wait no longer: a signal interrupted it."""
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return
        self._hand_on()

    def _hand_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

"""Who keeps sitting down at a station, answers what it asks, and knows nothing of its devices."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Final, Self

from demo.walk import ANSWERS
from edge.capture import SittingDesk
from edge.sitting import Event, IllegalMove, StaleToken, State

LOOK_S: Final = 0.2
AGAIN: Final = {**ANSWERS, State.RESULT: Event.FINISH, State.RATING: Event.FINISH}


class Person:
    """Sits again and again, in a thread of its own. A context manager.

    Attributes:
        ended: how many sittings came to their result.
    """

    def __init__(self, desk: SittingDesk) -> None:
        self.ended = 0
        self._desk = desk
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._sit, name="person")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._thread.join()

    def _sit(self) -> None:
        shown = self._desk.snapshot
        while not self._leaving.is_set():
            move = AGAIN.get(shown.state)
            ready = shown.revision > 0 and not shown.out_of_service and shown.overlay is None
            if move is not None and (move is not Event.START or ready):
                with suppress(IllegalMove, StaleToken, TimeoutError):
                    before, shown = shown.state, self._desk.ask(move, shown.token)
                    self.ended += before is State.RESULT
                    continue
            shown = self._desk.wait(shown.revision, LOOK_S)

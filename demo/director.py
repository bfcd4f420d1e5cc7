"""The demo's director: each new sitting sees the demo's person from the beginning.

It watches the screen as a page does, and acts as a tester would: it touches the camera's control
file, and tells the reader's other end that somebody new has come.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge.capture import SittingDesk
from edge.sitting import State

LOOK_S: Final = 0.25


class Director:
    """Cues the demo's person; a thread of its own between `start` and `close`."""

    def __init__(self, desk: SittingDesk, control: Path, next_person: Callable[[], None]) -> None:
        """Watch `desk`; `control` is the camera's, `next_person` is called as a sitting begins."""
        self._desk = desk
        self._control = control
        self._next_person = next_person
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="director", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """End the thread. Closing twice is allowed."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        shown = self._desk.snapshot
        while not self._stopping.is_set():
            after = self._desk.wait(shown.revision, LOOK_S)
            if after.sitting_id != shown.sitting_id and after.sitting_id is not None:
                # Its process may have died just now; the next one begins with its first person.
                with suppress(OSError):
                    self._next_person()
            if after.state is State.PORTRAIT and shown.state is not State.PORTRAIT:
                self._control.touch()
            shown = after

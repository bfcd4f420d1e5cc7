"""The demo's director: each new sitting sees the demo's person from the beginning.

It watches the screen as a page does, and acts as a tester would: it touches the camera's control
file, and tells the reader's other end that somebody new has come, and which finger is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import structlog

from demo.neighbours import DemoError
from edge.capture import SittingDesk
from edge.sitting import Snapshot, State

LOOK_S: Final = 0.25
LOOKING: Final = frozenset({State.PORTRAIT, State.REUSE_CHECK})
"""States in which the camera's person is looked at, from the beginning of the script."""

log = structlog.get_logger("demo")


class Director:
    """Cues the demo's person; a thread of its own between `start` and `close`."""

    def __init__(
        self,
        desk: SittingDesk,
        control: Path,
        at_each_sitting: Sequence[Callable[[], object]],
        at_each_finger: Sequence[Callable[[str], object]] = (),
        *,
        calibration: Callable[[], str | None] = lambda: None,
        at_each_step: Callable[[str], object] = lambda finger: None,
    ) -> None:
        """Watch `desk`; `control` is the camera's, the others are called as a sitting begins.

        `at_each_finger` are called with the position whenever another finger is asked for.
        `calibration` says whose finger a calibration asks for, "" for nobody's, None if that stays
        as it is; `at_each_step` is called with what it says whenever that is another one.
        """
        self._desk = desk
        self._control = control
        self._at_each_sitting = tuple(at_each_sitting)
        self._at_each_finger = tuple(at_each_finger)
        self._calibration = calibration
        self._at_each_step = at_each_step
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

    def _cue(self, cues: Iterable[Callable[[], object]]) -> None:
        for cue in cues:
            # A neighbour may have died just now; the next one begins with its first person.
            try:
                cue()
            except (OSError, DemoError, httpx.HTTPError) as error:
                log.warning("cue_missed", error=type(error).__name__)

    def _run(self) -> None:
        shown = self._desk.snapshot
        wanted: str | None = None
        while not self._stopping.is_set():
            after = self._desk.wait(shown.revision, LOOK_S)
            if after.sitting_id != shown.sitting_id and after.sitting_id is not None:
                self._cue(self._at_each_sitting)
            if after.finger and _asked(after) != _asked(shown):
                self._cue(partial(cue, after.finger.position) for cue in self._at_each_finger)
            if after.state in LOOKING and shown.state not in LOOKING:
                self._control.touch()
            before, wanted = wanted, self._calibration()
            if wanted is not None and wanted != before:
                self._cue([partial(self._at_each_step, wanted)])
            shown = after


def _asked(shown: Snapshot) -> tuple[str | None, str | None]:
    return shown.sitting_id, shown.finger.position if shown.finger else None

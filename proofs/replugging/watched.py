"""What the viewer told, gathered beside the trials and judged."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Self

from proofs.replugging.viewer import Sighting

CHECKOUT: Final = Path(__file__).resolve().parents[2]
LIVE_S: Final = 1.0
STARTS_WITHIN_S: Final = 30.0


@dataclass(slots=True)
class Seen:
    """What came to the viewer so far.

    Attributes:
        pictures: how many were shown.
        too_old: those older than a second when they came, or before the page takes them away.
        again: those that were told as new and show the time of the one before.
        oldest_s: greatest age of a picture when it came.
        oldest_hidden_s: greatest age that a picture had when the page takes it away.
    """

    pictures: int = 0
    too_old: int = 0
    again: int = 0
    oldest_s: float = 0.0
    oldest_hidden_s: float = 0.0
    _last: Sighting | None = None

    @property
    def faults(self) -> int:
        """How many pictures ought not to have been shown as live."""
        return self.too_old + self.again

    def add(self, seen: Sighting) -> None:
        """Count one more."""
        last, self._last = self._last, seen
        self.pictures += 1
        self.oldest_s = max(self.oldest_s, seen.age_s)
        self.oldest_hidden_s = max(self.oldest_hidden_s, seen.age_hidden_s)
        self.too_old += max(seen.age_s, seen.age_hidden_s) > LIVE_S
        self.again += last is not None and last.clock_s == seen.clock_s


@dataclass(slots=True)
class Watching:
    """The viewer's process, and what it told. A context manager."""

    url: str
    seen: Seen = field(default_factory=Seen)
    _process: subprocess.Popen[str] | None = None
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "proofs.replugging.viewer", self.url],
            cwd=CHECKOUT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        lines = self._process.stdout
        self._thread = threading.Thread(target=self._gather, args=(lines,), name="viewer")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._thread is not None:
            self._thread.join()
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()

    def _gather(self, lines: IO[str]) -> None:
        for line in lines:
            if line.endswith("\n"):
                self.seen.add(Sighting(**json.loads(line)))

"""The station's clock, moved by libfaketime while the station runs; its monotonic clock is true."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

from proofs import CannotRun

JUMPS: Final = ("+3d", "-11h", "+0", "+400d", "+20y", "1970-01-02 00:00:00", "-10y")
"""The far ones leave the time in which the centre's certificate holds: nothing may go then."""
LAST: Final = "-11h"
"""Where the clock stays in the end: years before the latest it has shown."""
FAR: Final = "+20y"
ROUNDS: Final = 2
EVERY_S: Final = 0.06
LIBRARIES: Final = ("/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",)
MACHINES: Final = ("x86_64", "aarch64")


class Clock:
    """A file that says how far the clock is off; from the first request on it says ever else."""

    def __init__(self, file: Path, chance: random.Random) -> None:
        self._file, self._chance = file, chance
        self.jumps = 0
        self._begun, self._ending = threading.Event(), threading.Event()
        self._set("+0")
        self._thread = threading.Thread(target=self._jump, name="jumping-clock")

    def __enter__(self) -> Clock:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._begun.set()
        self._thread.join()

    def environment(self, library: Path) -> Mapping[str, str]:
        """Return what makes a process follow this clock."""
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def begin_with(self, plan: Iterator[str]) -> Iterator[str]:
        """Return the plan; the jumps begin with the first request."""
        for fault in plan:
            self._begun.set()
            yield fault

    def _jump(self) -> None:
        self._begun.wait()
        words = self._chance.sample(JUMPS, len(JUMPS)) * ROUNDS
        for word in [*words, FAR, LAST]:
            self._set(word)
            if self._ending.wait(EVERY_S):
                return

    def _set(self, word: str) -> None:
        part = self._file.with_suffix(".part")
        part.write_text(f"{word}\n")
        part.replace(self._file)
        self.jumps += 1


def clock_library() -> Path:
    """Return libfaketime. Raises `CannotRun`."""
    for pattern in LIBRARIES:
        for machine in MACHINES:
            found = Path(pattern.format(machine))
            if found.exists():
                return found
    raise CannotRun("libfaketime is not installed (Debian: faketime)")

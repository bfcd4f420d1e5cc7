"""The ways in which a start may be tried, by what settings there are and how the last ended."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from edge.upkeep.fault import Fault, died, keep_fault
from edge.upkeep.known_good import Kept, KnownGood
from edge.upkeep.starts import TRIES, Level, Start, Starts

ASK: Final = "try-again"
"""A file of this name in the state folder asks a station in safe mode to try the whole again."""

log = structlog.get_logger("upkeep")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to start a whole station: on which file, and at which level."""

    level: Level
    file: Path


class Ways:
    """The start in hand. Called from the main thread, and once or twice by the health watch.

    What the book of starts cannot keep, on a full disk, it does not keep: no start is ever refused
    because of its book.
    """

    def __init__(self, file: Path, state: Path, release: str) -> None:
        """Look at the settings file once; what is written to it later is another subject.

        Args:
            file: the station's settings file.
            state: the folder of this room: starts, fault, settings known good.
            release: version of this software.
        """
        self.file = file
        self.state = state
        self.good = KnownGood(state)
        self._release = release
        self._content = _bytes(file)
        self._digest = hashlib.sha256(self._content).hexdigest()
        self._subject = f"{self._digest[:16]} {release}"
        self._starts = Starts(state)
        self._kept = self.good.kept()
        (state / ASK).unlink(missing_ok=True)

    @property
    def other(self) -> Kept | None:
        """The settings known good, if they are not the very ones of the file."""
        kept = self._kept
        return None if kept is None or kept.sha256 == self._digest else kept

    @property
    def rows(self) -> tuple[Start, ...]:
        """The last starts, oldest first."""
        return self._starts.rows

    def whole(self) -> Iterator[Way]:
        """Yield the ways to a whole station that may be tried now, the file itself first."""
        due = self._starts.due(self._subject, known_good=self.other is not None)
        if due is Level.WHOLE:
            yield Way(Level.WHOLE, self.file)
        if due <= Level.KNOWN_GOOD and self.other is not None:
            yield Way(Level.KNOWN_GOOD, self.other.path)

    def files(self) -> tuple[Path, ...]:
        """Return every file with settings: the station's own, then the one known good."""
        kept = self.good.kept()
        return (self.file,) if kept is None else (self.file, kept.path)

    def safe(self) -> Level:
        """Return how much a station in safe mode may open now."""
        due = self._starts.due(self._subject, known_good=False)
        return Level.BARE if due is Level.BARE else Level.DELIVERY

    def silence(self) -> Fault | None:
        """Return what earlier starts' silence says; None if there were too few of them."""
        silent = [row for row in self._starts.fallen(self._subject) if row.silent]
        whole = [row for row in silent if row.level == Level.WHOLE]
        return died(len(whole), self.file) if len(whole) >= TRIES else None

    def again_s(self) -> float:
        """Return in how many seconds a station in safe mode tries the whole again."""
        return self._starts.again_in_ms(self._subject) / 1000

    def changed(self) -> bool:
        """Whether the file holds other settings than at the start, or somebody asks to try."""
        asked = (self.state / ASK).exists()
        return asked or hashlib.sha256(_bytes(self.file)).hexdigest() != self._digest

    def begin(self, level: Level, fault: Fault | None) -> None:
        """Note that a start begins, and why it dares no more."""
        with _forgiven():
            self._starts.begin(self._subject, level)
        with _forgiven():
            keep_fault(self.state, fault)

    def reached(self, stage: str) -> None:
        """Note how far it came."""
        with _forgiven():
            self._starts.reached(stage)

    def ended(self, end: str) -> None:
        """Note how it ended: "stopped", or a code."""
        with _forgiven():
            self._starts.ended(end)

    def keep_good(self) -> None:
        """Keep the file's settings as good, if they are still the ones of this start.

        Raises:
            OSError: they cannot be kept now.
        """
        if not self.changed() and self.good.keep(self._content, self._release):
            log.info("settings_kept")


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


class _forgiven(suppress):  # noqa: N801 - read as a word: with forgiven
    """Lets a book that cannot be written be."""

    def __init__(self) -> None:
        super().__init__(OSError, IndexError)

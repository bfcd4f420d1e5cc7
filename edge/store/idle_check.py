"""Reading everything once in a while: damage is found while there is still somebody to ask.

A start has no time to read every sample. So whenever the writer has nothing to do, a few packages
are read whole and held against their digests; when all were read, a day passes until the next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import apsw

from edge.store.damage import DAMAGED, sealed_content, set_unreadable
from edge.store.notes import delete_notes, take_in, waiting_notes

SLICE_S: Final = 0.02
"""Longer than this nobody waits for the writer because of it, but for one package's own reading."""
AGAIN_S: Final = 24 * 3600.0
NEXT_SQL: Final = (
    "select id, digest from package where id > ? and sequence is not null and damaged = 0"
    " and exists(select 1 from part where package = package.id) order by id limit 1"
)


class Idling:
    """What the writer does when nobody asks it for anything: notes, and reading everything."""

    def __init__(self, path: Path) -> None:
        """Prepare for the journal at `path`."""
        self._path = path
        self._check = IdleCheck()

    def due(self) -> bool:
        """Whether an idle writer should come back soon."""
        return self._check.due()

    def jobs(self, db: apsw.Connection) -> Iterator[Callable[[apsw.Connection], object]]:
        """Read, and return what is to be written; raises as `IdleCheck.step`."""
        if notes := waiting_notes(self._path):
            yield lambda db: take_in(db, notes)
            delete_notes(notes)
        for cursor in self._check.step(db) if self._check.due() else ():
            yield partial(set_unreadable, cursor=cursor)


class IdleCheck:
    """Goes through the closed packages, a slice at a time."""

    def __init__(self) -> None:
        self._after = 0
        self._begin_at_s = 0.0
        self.rounds = 0
        """How often everything was read."""

    def due(self) -> bool:
        """Whether there is something to read now."""
        return time.monotonic() >= self._begin_at_s

    def step(self, db: apsw.Connection) -> list[int]:
        """Read on for a slice of time; returns the cursors of packages that cannot be read.

        Raises:
            apsw.IOError: the disk failed.
            apsw.CorruptError: damaged elsewhere than in samples.
        """
        end_s, found = time.monotonic() + SLICE_S, list[int]()
        while time.monotonic() < end_s:
            row = db.execute(NEXT_SQL, (self._after,)).get
            if row is None:
                self._after, self._begin_at_s = 0, time.monotonic() + AGAIN_S
                self.rounds += 1
                break
            self._after, digest = row
            try:
                sealed_content(db, self._after, digest)
            except DAMAGED:
                found.append(self._after)
        return found

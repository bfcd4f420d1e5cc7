"""Numbers that are never used twice, also after the journal that counted them was lost.

A centre tells a gap from a forgery by a package's number, and a client goes on behind the event it
saw last. So beside the journal lies a file (`store.db.numbers`) that says up to where numbers may
have been used. It is written ahead in blocks, once in a hundred closings; a journal that begins
anew goes on above it. Where that file is lost too, it goes on so far above that nobody was there.
"""

from __future__ import annotations

import errno
import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import apsw

from edge.durable import write_secret
from edge.store.counters import counted

SEQUENCE_BLOCK: Final = 100
EVENT_BLOCK: Final = 100_000
UNKNOWN_JUMP: Final = 1_000_000
"""More packages than a station closes in 27 years of 100 a day."""
NUMBER_END: Final = 1 << 53
"""JSON's last whole number; what is beyond was never counted, and SQLite could not go on above."""
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Numbers above which none was ever used.

    Attributes:
        sequence: of closed packages.
        event: of events.
        persons: how many there may have been.
        lineage: of the journals that counted them, one after the other; "" if nobody wrote it.
    """

    sequence: int = 0
    event: int = 0
    persons: int = 0
    lineage: str = ""

    def above(self, other: Ceilings) -> Ceilings:
        """Return what is above both, of our lineage if we have one."""
        return Ceilings(
            max(self.sequence, other.sequence),
            max(self.event, other.event),
            max(self.persons, other.persons),
            self.lineage or other.lineage,
        )

    def far_above(self) -> Ceilings:
        """Return what is surely above whatever was counted since, unseen."""
        return Ceilings(
            self.sequence + UNKNOWN_JUMP, self.event + UNKNOWN_JUMP, self.persons, self.lineage
        )


def numbers_file_of(path: Path) -> Path:
    """Return the file beside the journal."""
    return path.with_name(f"{path.name}.numbers")


def used(db: apsw.Connection) -> Ceilings:
    """Return the numbers that a journal has used."""
    sequence: int = db.execute("select sequence from chain").get
    event: int | None = db.execute("select seq from sqlite_sequence where name = 'event'").get
    return Ceilings(sequence, event or 0, counted(db, "persons"))


def go_on_above(db: apsw.Connection, ceilings: Ceilings) -> None:
    """Let a journal go on above these numbers; it never goes back. In the caller's transaction."""
    goal = used(db).above(ceilings)
    db.execute("update chain set sequence = ?", (goal.sequence,))
    db.execute("delete from sqlite_sequence where name = 'event'")
    db.execute("insert into sqlite_sequence(name, seq) values('event', ?)", (goal.event,))
    db.execute(
        "insert into counter(name, value) values('persons', ?)"
        " on conflict(name) do update set value = excluded.value",
        (goal.persons,),
    )


def read_ceilings(path: Path) -> Ceilings | None:
    """Return what the file beside the journal says; None if it is missing or damaged."""
    try:
        said = json.loads(numbers_file_of(path).read_bytes())
        return Ceilings(
            _number(said["sequence"]),
            _number(said["event"]),
            _number(said["persons"]),
            str(said["lineage"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < NUMBER_END:
        raise ValueError("no number that was ever counted")
    return value


def write_ceilings(path: Path, ceilings: Ceilings) -> None:
    """Write the file beside the journal; durable on return. Raises `OSError`."""
    write_secret(numbers_file_of(path), json.dumps(asdict(ceilings)).encode())


class Numbers:
    """The file beside the journal, kept ahead of it."""

    def __init__(self, path: Path) -> None:
        """Read it.

        Args:
            path: of the journal.
        """
        self._path = path
        self._ceilings = read_ceilings(path) or Ceilings(lineage=uuid.uuid4().hex)

    @property
    def ceilings(self) -> Ceilings:
        """What the file says."""
        return self._ceilings

    def reserve(self, db: apsw.Connection) -> None:
        """Write ahead, before the next closing uses a number; in the caller's transaction.

        Raises:
            apsw.FullError: no room, as if the journal itself had none.
            apsw.IOError: the disk failed.
        """
        now, ahead = used(db), self._ceilings
        # Events have no closing of their own: half a block is far more than comes between two.
        if now.sequence < ahead.sequence and now.event + EVENT_BLOCK // 2 < ahead.event:
            return
        self._ceilings = ahead.above(
            Ceilings(
                now.sequence + SEQUENCE_BLOCK, now.event + EVENT_BLOCK, now.persons + SEQUENCE_BLOCK
            )
        )
        try:
            write_ceilings(self._path, self._ceilings)
        except OSError as error:
            self._ceilings = ahead
            if error.errno in NO_ROOM:
                raise apsw.FullError("no room for the numbers' file") from error
            raise apsw.IOError("the numbers' file cannot be written") from error

"""What happened at this station, numbered, for whoever follows: 7 days or 100,000 events of it.

An event is written in the transaction of what it tells, so that neither is there without the other.
It holds ids, codes and counts only: never a name, an order reference, a reading or a sample.
Numbers have no gaps and are never used twice, so a follower knows whether it missed anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import apsw

if TYPE_CHECKING:
    # The journal itself notes events.
    from edge.store.journal import Store

EventType = Literal[
    "sitting.ordered",
    "sitting.started",
    "sitting.ended",
    "sitting.reuse_photo_needed",
    "package.sealed",
    "package.delivered",
    "package.quarantined",
    "device.state",
    "calibration.recorded",
    "calibration.state",
    "station.ready",
    "station.not_ready",
    "key.expiring",
    "help.raised",
    "help.answered",
    "help.resolved",
]
TYPES: Final[frozenset[str]] = frozenset(get_args(EventType))
KEPT_MS: Final = 7 * 24 * 3600 * 1000
KEPT_ROWS: Final = 100_000
FORGOTTEN_AT_ONCE: Final = 32
_CODE: Final = re.compile(r"[A-Za-z0-9_.:/,-]{0,80}")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        id: rises by one from event to event.
        at_ms: when, UTC.
        subject: id of the sitting, package or device; None if it is the station.
        facts: ids, codes, counts.
    """

    id: int
    at_ms: int
    type: str
    subject: str | None
    facts: Mapping[str, int | str | None]


def note_event(
    db: apsw.Connection,
    type_: EventType,
    subject: str | None,
    facts: Mapping[str, int | str | None],
    now_ms: int,
) -> None:
    """Note an event in the caller's write transaction; the oldest ones are forgotten meanwhile.

    A text that is no code ("unfit" stands in its place) would be somebody else's words: a
    receipt's reason, a device's sentence. It must not keep a package from being closed.

    Raises:
        ValueError: nobody has heard of such a type.
    """
    if type_ not in TYPES:
        raise ValueError(f"no event is called {type_!r}")
    kept = {name: _code(value) for name, value in facts.items()}
    body = json.dumps(kept, separators=(",", ":"))
    db.execute(
        "insert into event(at_ms, type, subject, body) values(?, ?, ?, ?)",
        (now_ms, type_, _code(subject), body),
    )
    forget(db, db.last_insert_rowid() - KEPT_ROWS, now_ms - KEPT_MS)


def forget(db: apsw.Connection, last_id: int, before_ms: int) -> None:
    """Delete the oldest events: those up to an id, or from before a moment; a few at a time.

    Always from the beginning, so that what is kept has no gap, wherever the clock was meanwhile.
    """
    rows: list[tuple[Any, ...]] = db.execute(
        "select id, at_ms from event order by id limit ?", (FORGOTTEN_AT_ONCE,)
    ).fetchall()
    gone = 0
    for id_, at_ms in rows:
        if id_ > last_id and at_ms >= before_ms:
            break
        gone = id_
    if gone:
        db.execute("delete from event where id <= ?", (gone,))


class Events:
    """The events of one journal, for readers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def after(self, id_: int, limit: int = 100) -> list[Event]:
        """Return the events behind an id, oldest first."""
        return self._store.read(lambda db: _after(db, id_, limit))

    def oldest(self) -> int:
        """Return the id of the oldest event that is kept, or of the next one if none is."""
        return self.kept()[0]

    def kept(self) -> tuple[int, int]:
        """Return the ids of the oldest and the newest event; (n + 1, n) if none is kept."""
        return self._store.read(_kept)

    def wait(self, seen: int, timeout_s: float) -> int:
        """Wait until something was written; returns what to give as `seen` the next time."""
        return self._store.commits.wait(seen, timeout_s)


def _after(db: apsw.Connection, id_: int, limit: int) -> list[Event]:
    found: list[tuple[Any, ...]] = db.execute(
        "select id, at_ms, type, subject, body from event where id > ? order by id limit ?",
        (id_, limit),
    ).fetchall()
    return [
        Event(id_at, at_ms, type_, subject, json.loads(body))
        for id_at, at_ms, type_, subject, body in found
    ]


def _kept(db: apsw.Connection) -> tuple[int, int]:
    oldest: int | None = db.execute("select min(id) from event").get
    # Also of an empty table: it goes on counting where it was.
    newest: int = db.execute("select seq from sqlite_sequence where name = 'event'").get or 0
    return (newest + 1 if oldest is None else oldest), newest


def _code(value: int | str | None) -> int | str | None:
    if isinstance(value, str) and not _CODE.fullmatch(value):
        return "unfit"
    return value

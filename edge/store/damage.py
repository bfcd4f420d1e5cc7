"""Damage: found in time, kept as small as it is, announced, never repaired.

Damaged bytes of one package's samples make that package unreadable and nothing else: it is set
aside in its place, its bytes are never touched again, and the queue goes on. Damage anywhere else
(tables, indexes, the list of free pages) makes the whole file untrustworthy: it is moved aside.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import apsw

from edge.durable import sync_folder, write_secret
from edge.events import note_event
from edge.seal import digest_of, package_file
from edge.store.counters import count
from edge.store.errors import PartsDamaged
from edge.store.open_packages import note
from edge.trust.audit import STATION
from edge.utc import now_ms

DAMAGED: Final = (apsw.CorruptError, apsw.NotADBError)
QUICK_CHECK_S: Final = 1.5
"""The first page must be there within 3 s of a start; the rest is checked in idle time."""
SMALL_TABLES_SQL: Final = (
    "select name from sqlite_schema where type = 'table' and name <> 'part'"
    " and name not like 'sqlite_%' order by name"
)
UNREADABLE: Final = "unreadable"
COUNTER: Final = "packages_unreadable"


def find_damage(db: apsw.Connection, limit_s: float = QUICK_CHECK_S) -> list[int]:
    """Check the pages for at most `limit_s`; return the cursors of unreadable packages.

    What everything else needs is checked first, the samples as far as the time goes.

    Raises:
        apsw.CorruptError: damaged elsewhere than in samples.
    """
    for (table,) in db.execute(SMALL_TABLES_SQL).fetchall():
        _sound(db.execute(f"pragma quick_check('{table}')").get)
    # A sitting that goes on is read at once, so its own parts are never left for later.
    if _unreadable_among(db, " where package in (select id from package where state = 'open')"):
        return _unreadable(db)
    answer = _quick_check(db, limit_s)
    if answer == "ok":
        return []
    if "reelist" in answer:
        # Free pages are written to next: whatever came of it would be damaged as well.
        raise apsw.CorruptError(answer)
    return _unreadable(db)


def _quick_check(db: apsw.Connection, limit_s: float) -> str:
    end_s = time.monotonic() + limit_s
    db.set_progress_handler(lambda: time.monotonic() > end_s, 10_000)
    try:
        return str(db.execute("pragma quick_check(1)").get)
    except apsw.InterruptError:
        return "ok"
    finally:
        db.set_progress_handler(None)


def _unreadable(db: apsw.Connection) -> list[int]:
    # The rows and both indexes, without the bytes of samples, which lie on pages of their own.
    for read in ("not indexed", "indexed by sqlite_autoindex_part_1"):
        _drain(db, f"select package, n from part {read}")  # noqa: S608
    _drain(db, "select package, name from part indexed by sqlite_autoindex_part_2")
    found = _unreadable_among(db)
    if not found:
        raise apsw.CorruptError("damaged, and no package is")
    return found


def _unreadable_among(db: apsw.Connection, which: str = "") -> list[int]:
    parts = list(db.execute(f"select id, package from part{which}"))  # noqa: S608
    return sorted({package for id_, package in parts if not _reads(db, id_)})


def _reads(db: apsw.Connection, part: int) -> bool:
    try:
        # Each by itself: after the first damaged page a statement reads no other.
        _drain(db, "select * from part where id = ?", (part,))
    except DAMAGED:
        return False
    return True


def _drain(db: apsw.Connection, query: str, values: tuple[int, ...] = ()) -> None:
    for _ in db.execute(query, values):
        continue


def _sound(answer: object) -> None:
    if answer != "ok":
        raise apsw.CorruptError(str(answer))


def sealed_content(db: apsw.Connection, cursor: int, digest: str) -> bytes | None:
    """Return a closed package's file, None if its parts were deleted.

    Raises:
        apsw.CorruptError: it cannot be read, or does not agree with its digest.
    """
    found = db.execute("select record from part where package = ? order by n", (cursor,))
    records = [record for (record,) in found]
    if not records:
        return None
    content = package_file(records)
    if digest_of(content) != digest:
        raise apsw.CorruptError("another digest")
    return content


def delete_parts(db: apsw.Connection, cursor: int) -> None:
    """Delete a package's parts, in the caller's transaction; let lie what cannot be read.

    Raises:
        PartsDamaged: it was found only now; the transaction cannot go on.
    """
    if db.execute("select damaged from package where id = ?", (cursor,)).get:
        return
    parts = list(db.execute("select id from part where package = ?", (cursor,)))
    # Deleting reads as well, and would fail the whole store.
    if not all(_reads(db, id_) for (id_,) in parts):
        raise PartsDamaged(cursor)
    db.execute("delete from part where package = ?", (cursor,))


def set_unreadable(db: apsw.Connection, cursor: int) -> bool:
    """Set a package aside that cannot be read, for every sink; False if it is already.

    Its parts are let lie where they are: deleting them would have to read them. An open package's
    sitting cannot go on: it gets no number, is nobody's, and is counted as quarantined.
    """
    row = db.execute(
        "update package set damaged = 1, sitting = null,"
        " state = case state when 'receipted' then state else 'quarantined' end"
        " where id = ? and damaged = 0 returning package_id, sequence",
        (cursor,),
    ).get
    if row is None:
        return False
    db.execute(
        "update delivery set state = 'quarantined', last_code = ?"
        " where package = ? and state in ('waiting', 'sending')",
        (UNREADABLE, cursor),
    )
    count(db, COUNTER)
    package_id, sequence = row
    note(db, STATION, "package.quarantine", package_id, outcome=UNREADABLE)
    if sequence is not None:
        note_event(
            db, "package.quarantined", package_id, {"sink": None, "code": UNREADABLE}, now_ms()
        )
    return True


def move_aside(path: Path) -> Path:
    """Move database, WAL and shared memory to a folder of their own; durable on return."""
    folder = _folder_aside(path)
    for suffix in ("", "-wal", "-shm"):
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.rename(folder / old.name)
    for changed in (folder, folder.parent, path.parent):
        sync_folder(changed)
    return folder


def keep_log(path: Path) -> Path:
    """Copy the log to a folder of its own, as far as there is room; durable on return."""
    folder, log = _folder_aside(path), path.with_name(f"{path.name}-wal")
    with suppress(OSError):
        write_secret(folder / log.name, log.read_bytes())
        sync_folder(folder.parent)
        sync_folder(path.parent)
    return folder


def _folder_aside(path: Path) -> Path:
    folder = path.parent / "set-aside" / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    while folder.exists():
        folder = folder.with_name(f"{folder.name}-again")
    folder.mkdir(parents=True)
    return folder

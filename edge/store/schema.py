"""The journal's tables: made, brought up to this release, or refused.

A file of an earlier release is copied before it is touched, then changed in one transaction: cut
off at any instant it is the old file or the new one. The copy is for a mistake of ours, not for the
power: it is deleted when two weeks passed without one.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Final

import apsw

from edge.durable import sync_folder
from edge.store.errors import StoreError
from edge.store.numbers import Ceilings, go_on_above

SCHEMA_STEPS: Final = (
    "schema.sql",
    "schema_orders.sql",
    "schema_custody.sql",
    "schema_service.sql",
    "schema_calibration.sql",
)
"""What made each version of the tables, in order; a release adds steps and never edits one."""
SCHEMA_VERSION: Final = len(SCHEMA_STEPS)
COUNTED_FROM: Final = 3
"""The first step whose tables say of themselves which numbers were used."""
SPARE_BYTES: Final = 64 << 20
"""Free beside a copy: the station must be able to work while it lies there."""
COPIES_KEPT_S: Final = 14 * 24 * 3600.0


def make_tables(db: apsw.Connection, path: Path, begin_above: Ceilings) -> bool:
    """Make the tables that are missing, all or none.

    Args:
        db: the write connection.
        path: of the journal.
        begin_above: where a new journal's numbers begin.

    Returns:
        False if an earlier release's file was changed without a copy, for want of room.

    Raises:
        StoreError: a newer release made this file.
    """
    found = db.pragma("user_version")
    if found > SCHEMA_VERSION:
        raise StoreError("a newer release made this store: install that release again")
    if found == SCHEMA_VERSION:
        return True
    copied = found == 0 or copy_before(db, path, found)
    with db:
        for step in SCHEMA_STEPS[found:]:
            db.execute(files("edge.store").joinpath(step).read_text("utf-8"))
        if found == 0:
            go_on_above(db, begin_above)
        db.pragma("user_version", SCHEMA_VERSION)
    return copied


def copies_folder(path: Path) -> Path:
    """Return where copies of a journal lie that were made before it was changed."""
    return path.parent / "before-upgrade"


def copy_before(db: apsw.Connection, path: Path, found: int) -> bool:
    """Copy the journal as it is, under the same key; False if there is no room for it."""
    folder = copies_folder(path)
    room = os.statvfs(path.parent)
    size = int(db.pragma("page_count")) * int(db.pragma("page_size"))
    if size + SPARE_BYTES > room.f_bavail * room.f_frsize:
        return False
    folder.mkdir(mode=0o700, exist_ok=True)
    name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-step-{found}.db"
    part = folder / f".{name}.part"
    try:
        write_copy(db, part)
    except apsw.FullError:
        part.unlink(missing_ok=True)
        return False
    part.rename(folder / name)
    sync_folder(folder)
    sync_folder(path.parent)
    return True


def write_copy(db: apsw.Connection, file: Path) -> None:
    """Write one consistent moment of the journal to a file, under the same key, durably.

    What was deleted in the journal is not in the copy.

    Raises:
        apsw.Error: no room, or the journal cannot be read whole.
    """
    file.unlink(missing_ok=True)
    # Else it would be made with the mode that the process gives to any file.
    file.touch(mode=0o600)
    db.execute("vacuum into ?", (str(file),))
    descriptor = os.open(file, os.O_RDONLY)
    try:
        # SQLite does not flush what VACUUM INTO wrote.
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def forget_old_copies(path: Path, now_s: float) -> None:
    """Delete copies that were never needed; orders in them are personal."""
    with suppress(OSError):
        for copy in copies_folder(path).iterdir():
            if now_s - copy.stat().st_mtime > COPIES_KEPT_S:
                copy.unlink()

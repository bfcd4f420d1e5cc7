"""Putting a backup in the place of a journal that is gone, without ever going back unnoticed.

What was counted since the backup is unknown, so the restored journal goes on above it; it says in
its audit chain that it was restored and from when. What was delivered since then is sent again and
the centre answers that it has it (412, then its receipt): nothing is there twice. What lay only in
the lost journal is lost, and the gap in the numbers shows it to the centre.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import apsw

from edge.custody.backup import DATABASE, Backup, BackupUnfit, read_backup, read_manifest
from edge.durable import sync_folder, write_secret
from edge.store.beside import Beside, read_key
from edge.store.damage import move_aside
from edge.store.errors import StoreError
from edge.store.file import (
    check_file_of,
    check_value,
    open_database,
    take_lock,
)
from edge.store.numbers import (
    EVENT_BLOCK,
    SEQUENCE_BLOCK,
    Ceilings,
    go_on_above,
    read_ceilings,
    used,
    write_ceilings,
)
from edge.store.open_packages import note
from edge.store.schema import SPARE_BYTES
from edge.trust import audit
from edge.utc import now_ms, rfc3339

TECHNICIAN: Final = audit.Actor("technician", "command")
RESTORING: Final = "store.db.restoring"
LOGS: Final = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of it.

    Attributes:
        packages: by state, in the restored journal.
        sequence: above which numbers go on.
        set_aside: where the journal lies that was here; None if there was none.
        left_behind: packages in it that were never sent and are not in the backup; None if it
            cannot be read.
        dropped: sittings that were open when the backup was made; their persons left long ago.
    """

    packages: Mapping[str, int]
    sequence: int
    set_aside: Path | None
    left_behind: int | None
    dropped: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator said.

    Attributes:
        store: the folder of the store.
        key_file: that the backup was made under; None: the one that lies in the store.
        signers: kids whose backups are taken.
        station_id: of this station.
        replace: the journal that is here may be moved aside.
    """

    store: Path
    key_file: Path | None
    signers: frozenset[str]
    station_id: str
    replace: bool


@dataclass(frozen=True, slots=True)
class Brought:
    """What the journal that was here knows beyond the backup; see `Restored.left_behind`."""

    left_behind: int | None
    lists: list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The restored journal, whole and durable, not yet in its place."""

    fresh: Path
    packages: Mapping[str, int]
    numbers: Ceilings
    dropped: int


def restore(folder: Path, wish: Wish) -> Restored:
    """Verify a backup whole, then put it in place; the station must be stopped.

    Interrupted at any instant, the journal that was here is here, or set aside whole, and the
    backup can be restored again.

    Raises:
        StoreBusy: the station runs.
        BackupUnfit, CopyUnfit: not a whole backup, or not this station's.
        StoreError: a journal is here and may not be moved aside; the key; no room.
    """
    path = wish.store / DATABASE
    wish.store.mkdir(parents=True, exist_ok=True)
    lock = take_lock(path)
    try:
        _may_be_replaced(path, wish)
        key = read_key(wish.key_file or wish.store / "store.key")
        backup = _of_this_station(folder, key, wish)
        brought = _compare(path, wish.store / "store.key", backup)
        above = _numbers(path, backup)
        ready = _prepare(path, backup, key, above, brought)
        set_aside = _put_in_place(path, ready, key, above.lineage)
        return Restored(
            ready.packages, above.sequence, set_aside, brought.left_behind, ready.dropped
        )
    except apsw.Error as error:
        raise StoreError(f"The backup cannot be put into {wish.store}: {error}.") from error
    finally:
        os.close(lock)


def _may_be_replaced(path: Path, wish: Wish) -> None:
    if path.exists() and not wish.replace:
        raise StoreError(
            f"There is a store in {wish.store}. A restore never writes over one: say --set-aside to"
            " move it aside whole, or name an empty folder in the settings."
        )


def _of_this_station(folder: Path, key: bytes, wish: Wish) -> Backup:
    said = read_manifest(folder)
    if said.get("station_id") != wish.station_id:
        raise BackupUnfit(
            f"This is a backup of station {said.get('station_id')}, not of {wish.station_id}."
        )
    if said["kid"] not in wish.signers:
        raise BackupUnfit(
            f"This backup was signed by key {said['kid']}, which is not this station's. If you know"
            " that it was its key, say so with --signed-by and that name."
        )
    return read_backup(folder, key)


def _numbers(path: Path, backup: Backup) -> Ceilings:
    """Return above what the restored journal goes on."""
    found, lineage = backup.facts.used, str(backup.said.get("lineage", ""))
    here = read_ceilings(path)
    if here is not None and here.lineage and here.lineage == lineage:
        # The file beside the lost journal tells how far it was.
        return here.above(found)
    above = replace(found, lineage=lineage).far_above()
    return above if here is None else above.above(replace(here, lineage=""))


def _compare(path: Path, key_file: Path, backup: Backup) -> Brought:
    """Look into the journal that is here for what the backup cannot know."""
    if not path.exists():
        return Brought(0, [])
    in_backup = {line.split()[1] for line in backup.facts.listing.splitlines()}
    try:
        with Beside(path, key_file) as present:
            unsent = [
                row
                for state in ("ready", "quarantined")
                for row in present.packages(state)
                if row.package_id.encode() not in in_backup
            ]
            return Brought(len(unsent), present.signed_lists())
    except StoreError:
        return Brought(None, [])


def _prepare(path: Path, backup: Backup, key: bytes, above: Ceilings, brought: Brought) -> Prepared:
    """Copy the backup beside the journal's place and make of it what goes on."""
    fresh = path.with_name(RESTORING)
    size = (backup.folder / DATABASE).stat().st_size
    room = os.statvfs(path.parent)
    _remove(fresh)
    if size + SPARE_BYTES > room.f_bavail * room.f_frsize:
        raise StoreError(f"There is no room in {path.parent} for a store of {size >> 20} MiB.")
    shutil.copyfile(backup.folder / DATABASE, fresh)
    fresh.chmod(0o600)
    db, _ = open_database(fresh, key.hex(), Ceilings())
    try:
        with db:
            dropped = _settle(db, backup, above, brought)
        counts = dict(list(db.execute("select state, count(*) from package group by state")))
        numbers = used(db)
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    finally:
        db.close()
    for suffix in LOGS:
        fresh.with_name(f"{fresh.name}{suffix}").unlink(missing_ok=True)
    with fresh.open("rb") as opened:
        os.fsync(opened.fileno())
    return Prepared(fresh, counts, numbers, dropped)


def _settle(
    db: apsw.Connection,
    backup: Backup,
    above: Ceilings,
    brought: Brought,
) -> int:
    """Let the restored journal know what it is; in one transaction."""
    go_on_above(db, above)
    for kind, seq, token, kept_at_ms in brought.lists:
        # A centre's list is never taken back, not even by a restore.
        db.execute(
            "insert into signed_list(kind, seq, token, kept_at_ms) values(?, ?, ?, ?)"
            " on conflict(kind) do update set seq = excluded.seq, token = excluded.token,"
            " kept_at_ms = excluded.kept_at_ms where excluded.seq > seq",
            (kind, seq, token, kept_at_ms),
        )
    opened = [row[0] for row in db.execute("select package_id from package where state = 'open'")]
    db.execute("delete from package where state = 'open'")
    for package_id in opened:
        note(db, TECHNICIAN, "package.drop", package_id, outcome="restored")
    about = {
        "made_at": str(backup.said.get("made_at")),
        "audit_n": str(backup.facts.audit_n),
        "sequence": str(above.sequence),
        "left_behind": "unknown" if brought.left_behind is None else str(brought.left_behind),
    }
    audit.append(db, rfc3339(now_ms()), TECHNICIAN, "store.restore", about, "ok")
    return len(opened)


def _put_in_place(path: Path, ready: Prepared, key: bytes, lineage: str) -> Path | None:
    """Set aside what is here, then rename; the numbers' file first, which is right in any case."""
    ahead = Ceilings(
        ready.numbers.sequence + SEQUENCE_BLOCK,
        ready.numbers.event + EVENT_BLOCK,
        ready.numbers.persons + SEQUENCE_BLOCK,
        lineage or uuid.uuid4().hex,
    )
    here = read_ceilings(path)
    write_ceilings(path, ahead if here is None else ahead.above(here))
    had_journal = path.exists()
    key_file = path.with_name("store.key")
    same_key = key_file.exists() and key_file.read_bytes() == key
    set_aside = None
    if had_journal or (key_file.exists() and not same_key):
        set_aside = move_aside(path)
    if not same_key:
        _install_key(path, key, key_file, set_aside)
    _remove(path)
    ready.fresh.rename(path)
    sync_folder(path.parent)
    return set_aside if had_journal else None


def _install_key(path: Path, key: bytes, key_file: Path, set_aside: Path | None) -> None:
    check = check_file_of(path)
    for old in (key_file, check):
        if old.exists() and set_aside is not None:
            # Without it what was set aside could never be read, so it is durable before the other
            # key takes its place.
            write_secret(set_aside / old.name, old.read_bytes())
    check.unlink(missing_ok=True)
    write_secret(key_file, key)
    write_secret(check, check_value(key))


def _remove(fresh: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        fresh.with_name(f"{fresh.name}{suffix}").unlink(missing_ok=True)

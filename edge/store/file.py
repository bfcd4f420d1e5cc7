"""Opening the journal's file: who may, with which key, in which modes, and what if it is damaged.

A database that cannot be read is set aside whole and announced, never deleted and never repaired
in place: its packages stay salvageable one by one, by digest and signature.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import hmac
import os
import secrets
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import apsw

from edge.durable import write_secret
from edge.store.damage import DAMAGED, find_damage, keep_log, move_aside
from edge.store.errors import StoreBroken, StoreBusy, StoreError, StoreKeyWrong
from edge.store.log_check import LogFrames, log_frames
from edge.store.numbers import Ceilings, read_ceilings
from edge.store.schema import forget_old_copies, make_tables

SQLITE_MIN: Final = (3, 54)
"""Before 3.53 a checkpoint racing a commit can lose it (SQLite's WAL-reset bug)."""
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Opening:
    """What was found at a start.

    Attributes:
        set_aside: folder that a damaged database was moved to, else None.
        unreadable: cursors of packages whose bytes are damaged.
        uncopied: an earlier release's file was changed without a copy, for want of room.
        continues: something that was counted is lost; numbers go on above.
        log_kept: folder with a copy of a log whose end was damaged, else None.
    """

    set_aside: Path | None
    unreadable: tuple[int, ...]
    uncopied: bool
    continues: bool
    log_kept: Path | None = None


@dataclass(slots=True)
class StoreFile:
    """The locked, checked database of one station.

    Attributes:
        db: the only write connection.
        opening: what was found.
    """

    path: Path
    db: apsw.Connection
    opening: Opening
    _key_hex: str
    _lock: int

    def reader(self) -> apsw.Connection:
        """Return one more connection, which can only read."""
        return open_reader(self.path, self._key_hex)

    def close(self) -> None:
        """Close the file and let another service have it."""
        self.db.close()
        os.close(self._lock)


def open_store_file(path: Path, key_file: Path) -> StoreFile:
    """Open or make the journal.

    Raises:
        StoreBusy: another service has it open.
        StoreKeyWrong: the key file is not this store's.
        StoreBroken: the disk failed.
        StoreError: the SQLite library is not the one we need.
    """
    assert_library()
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = take_lock(path)
    try:
        key = read_or_make_key(path, key_file)
        db, opening = open_or_set_aside(path, key)
        forget_old_copies(path, time.time())
        return StoreFile(path, db, opening, key.hex(), lock)
    except apsw.Error as error:
        os.close(lock)
        raise StoreBroken(f"the store {path} cannot be opened: {error}") from error
    except BaseException:
        os.close(lock)
        raise


def open_reader(path: Path, key_hex: str) -> apsw.Connection:
    """Return a connection that can only read; it needs no lock and disturbs no writer.

    Raises:
        apsw.Error: no such file, damaged, or another key's.
    """
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        unlock(db, key_hex)
    except BaseException:
        db.close()
        raise
    db.set_busy_timeout(5000)
    return db


def assert_library() -> None:
    """Refuse an SQLite that is too old or cannot encrypt: it would work silently in the clear."""
    version = tuple(int(number) for number in apsw.sqlite_lib_version().split("."))
    if version < SQLITE_MIN or not getattr(apsw, "mc_version", None):
        raise StoreError(
            "this SQLite is too old or has no cipher: install apsw-sqlite3mc 3.54 or later"
        )


def take_lock(path: Path) -> int:
    """Lock the store for this process; the descriptor holds the lock until it is closed."""
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise StoreBusy(
            f"Another station service already uses {path}. Stop it first, or start only one."
        ) from None
    return lock


def read_or_make_key(path: Path, key_file: Path) -> bytes:
    """Return the store's key; a new store gets a new key and a check value beside it."""
    if not key_file.exists():
        if path.exists():
            raise StoreKeyWrong(f"{path} exists but its key file {key_file} is missing.")
        write_secret(key_file, secrets.token_bytes(KEY_BYTES))
    key = key_file.read_bytes()
    if len(key) != KEY_BYTES:
        raise StoreKeyWrong(f"{key_file} is not a key file of {KEY_BYTES} bytes.")
    check_file, check = check_file_of(path), check_value(key)
    if check_file.exists() and not hmac.compare_digest(check_file.read_bytes(), check):
        raise StoreKeyWrong(f"{key_file} is not the key of {path}.")
    return key


def check_file_of(path: Path) -> Path:
    """Return the file that tells a wrong key from a damaged database."""
    return path.with_name(f"{path.name}.key-check")


def check_value(key: bytes) -> bytes:
    """Return a value that shows whether a key is the right one and nothing else about it."""
    return hashlib.sha256(b"anxin-store-key-check\x00" + key).hexdigest().encode()


def open_or_set_aside(path: Path, key: bytes) -> tuple[apsw.Connection, Opening]:
    """Open the database; one damaged beyond single packages is set aside and a new one made."""
    check_file = check_file_of(path)
    above = numbers_after_loss(path, existed=check_file.exists())
    try:
        db, opening = open_database(path, key.hex(), above)
    except DAMAGED as error:
        if not check_file.exists():
            raise StoreKeyWrong(
                f"{path} cannot be read: it is damaged or belongs to another key."
            ) from error
        set_aside = move_aside(path)
        db, opening = open_database(path, key.hex(), above)
        opening = replace(opening, set_aside=set_aside)
    if not check_file.exists():
        write_secret(check_file, check_value(key))
    return db, opening


def numbers_after_loss(path: Path, *, existed: bool) -> Ceilings:
    """Return where a journal's numbers begin that has to be made anew here.

    Args:
        path: of the journal.
        existed: there was one here before.
    """
    kept = read_ceilings(path)
    if kept is not None:
        return kept
    return Ceilings().far_above() if existed else Ceilings()


def open_database(path: Path, key_hex: str, above: Ceilings) -> tuple[apsw.Connection, Opening]:
    """Open for writing, assert the modes, check the pages, make the tables."""
    # SQLite gives WAL and shared memory the mode of the database.
    path.touch(mode=0o600)
    log = log_frames(path)
    db = apsw.Connection(str(path))
    try:
        unlock(db, key_hex)
        set_modes(db)
        # Before anything is written, which would be over what could not be read.
        log_kept = keep_log(path) if log.lost_behind(frames_read(db, log)) else None
        unreadable = find_damage(db) if db.pragma("user_version") else []
        is_new = db.pragma("user_version") == 0
        copied = make_tables(db, path, above)
        continues = log_kept is not None or (is_new and above != Ceilings())
        return db, Opening(None, tuple(unreadable), not copied, continues, log_kept)
    except BaseException:
        db.close()
        raise


def frames_read(db: apsw.Connection, log: LogFrames) -> int:
    """Return how many frames of the log SQLite reads; takes them over into the database."""
    try:
        return db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)[0]
    except (apsw.FullError, apsw.BusyError):
        # Nothing can be said of it now.
        return log.last


def unlock(db: apsw.Connection, key_hex: str) -> None:
    """Give the connection its key. `raw:` skips the key derivation, which costs 50 ms an open."""
    db.pragma("cipher", "aegis")
    db.pragma("key", f"raw:{key_hex}")
    if db.pragma("cipher") != "aegis":
        raise StoreError("this SQLite does not know the cipher AEGIS")
    db.execute("select count(*) from sqlite_schema").get  # noqa: B018 - the first read tests the key


def set_modes(db: apsw.Connection) -> None:
    """Durable commits, and a WAL that is overwritten in place (which erases what it held)."""
    if db.pragma("journal_mode", "wal") != "wal":
        raise StoreError("this file system cannot hold an SQLite WAL")
    db.pragma("synchronous", "full")
    if db.pragma("synchronous") != 2:
        raise StoreError("this SQLite refuses synchronous=FULL")
    db.pragma("foreign_keys", True)
    db.pragma("secure_delete", "fast")
    db.pragma("temp_store", "memory")
    # The 99th percentile of a commit is the checkpoint: it belongs to idle time. Yet on a full disk
    # the last reserve, 8 MiB as delivered, must hold all of the log, or nothing could be freed.
    db.pragma("wal_autocheckpoint", 1000)
    keep = ctypes.c_int(1)
    db.file_control("main", apsw.SQLITE_FCNTL_PERSIST_WAL, ctypes.addressof(keep))

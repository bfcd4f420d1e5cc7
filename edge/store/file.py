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
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import apsw

from edge.keys import sync_folder, write_secret
from edge.store.errors import StoreBroken, StoreBusy, StoreError, StoreKeyWrong

SQLITE_MIN: Final = (3, 54)
"""Before 3.53 a checkpoint racing a commit can lose it (SQLite's WAL-reset bug)."""
SCHEMA_STEPS: Final = ("schema.sql", "schema_orders.sql", "schema_custody.sql")
"""What made each version of the tables, in order; a release adds steps and never edits one."""
SCHEMA_VERSION: Final = len(SCHEMA_STEPS)
KEY_BYTES: Final = 32
QUICK_CHECK_S: Final = 5.0
DAMAGED: Final = (apsw.CorruptError, apsw.NotADBError)


@dataclass(slots=True)
class StoreFile:
    """The locked, checked database of one station.

    Attributes:
        db: the only write connection.
        set_aside: folder that a damaged database was moved to at this start, else None.
    """

    path: Path
    db: apsw.Connection
    set_aside: Path | None
    _key_hex: str
    _lock: int

    def reader(self) -> apsw.Connection:
        """Return one more connection, which can only read."""
        db = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)
        unlock(db, self._key_hex)
        db.set_busy_timeout(5000)
        return db

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
        db, set_aside = open_or_set_aside(path, key)
        return StoreFile(path, db, set_aside, key.hex(), lock)
    except apsw.Error as error:
        os.close(lock)
        raise StoreBroken(f"the store {path} cannot be opened: {error}") from error
    except BaseException:
        os.close(lock)
        raise


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


def open_or_set_aside(path: Path, key: bytes) -> tuple[apsw.Connection, Path | None]:
    """Open the database; a damaged one is set aside and a new one made."""
    check_file = check_file_of(path)
    try:
        db, set_aside = open_database(path, key.hex()), None
    except DAMAGED as error:
        if not check_file.exists():
            raise StoreKeyWrong(
                f"{path} cannot be read: it is damaged or belongs to another key."
            ) from error
        set_aside = move_aside(path)
        db = open_database(path, key.hex())
    if not check_file.exists():
        write_secret(check_file, check_value(key))
    return db, set_aside


def open_database(path: Path, key_hex: str) -> apsw.Connection:
    """Open for writing, assert the modes, check the pages, make the tables."""
    # SQLite gives WAL and shared memory the mode of the database.
    path.touch(mode=0o600)
    db = apsw.Connection(str(path))
    try:
        unlock(db, key_hex)
        set_modes(db)
        quick_check(db)
        make_tables(db)
        return db
    except BaseException:
        db.close()
        raise


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


def quick_check(db: apsw.Connection, limit_s: float = QUICK_CHECK_S) -> None:
    """Read the pages for at most `limit_s`; raises `apsw.CorruptError`."""
    end_s = time.monotonic() + limit_s
    db.set_progress_handler(lambda: time.monotonic() > end_s, 10_000)
    try:
        answer = db.execute("pragma quick_check(1)").get
    except apsw.InterruptError:
        return
    finally:
        db.set_progress_handler(None)
    if answer != "ok":
        raise apsw.CorruptError(str(answer))


def make_tables(db: apsw.Connection) -> None:
    """Make the tables that are missing, all or none; refuse a file that a newer release made."""
    found = db.pragma("user_version")
    if found > SCHEMA_VERSION:
        raise StoreError("a newer release made this store: install that release again")
    if found == SCHEMA_VERSION:
        return
    with db:
        for step in SCHEMA_STEPS[found:]:
            db.execute(files("edge.store").joinpath(step).read_text("utf-8"))
        db.pragma("user_version", SCHEMA_VERSION)


def move_aside(path: Path) -> Path:
    """Move database, WAL and shared memory to a folder of their own; durable on return."""
    folder = path.parent / "set-aside" / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    while folder.exists():
        folder = folder.with_name(f"{folder.name}-again")
    folder.mkdir(parents=True)
    for suffix in ("", "-wal", "-shm"):
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.rename(folder / old.name)
    for changed in (folder, folder.parent, path.parent):
        sync_folder(changed)
    return folder

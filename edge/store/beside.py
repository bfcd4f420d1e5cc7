"""The journal read beside whoever runs on it, without its lock; and whole copies, verified.

A backup or an export goes on while the station works: it reads one consistent moment, writes
nothing into the journal, and leaves a note of what it did (`edge/store/notes.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from edge.store import delivery as store_delivery
from edge.store.damage import DAMAGED, sealed_content
from edge.store.errors import PackageGone, PackageUnreadable, StoreBroken, StoreKeyWrong
from edge.store.file import KEY_BYTES, assert_library, open_reader, unlock
from edge.store.numbers import Ceilings, used
from edge.store.rows import PackageRow
from edge.store.schema import COUNTED_FROM, SCHEMA_VERSION, write_copy
from edge.trust import audit
from edge.trust.audit import AuditBroken

PAGE: Final = 200


class CopyUnfit(Exception):
    """A copy is damaged, of another key, or not what was written. Its text is for the operator."""


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """What a verified copy of the journal holds.

    Attributes:
        schema: step of its tables.
        counts: packages by state.
        used: its numbers.
        audit_n, audit_head: end of its audit chain; head in hex.
        listing: a line for each closed package: sequence, id, digest, state.
    """

    schema: int
    counts: dict[str, int]
    used: Ceilings
    audit_n: int
    audit_head: str
    listing: bytes


class Beside:
    """A journal, read only. One thread uses it."""

    def __init__(self, path: Path, key_file: Path) -> None:
        """Open it.

        Raises:
            StoreKeyWrong: the key file is missing or not this journal's.
            StoreBroken: there is no journal, it is damaged at its root, or of another release.
        """
        assert_library()
        self.path = path
        if not path.exists():
            raise StoreBroken(f"There is no store {path}.")
        try:
            self._db = open_reader(path, read_key(key_file).hex())
        except apsw.Error as error:
            raise StoreBroken(
                f"{path} cannot be read: it is damaged or belongs to another key."
            ) from error
        if self._db.pragma("user_version") != SCHEMA_VERSION:
            self._db.close()
            raise StoreBroken(f"{path} is of another release: start the station once, then again.")

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def packages(self, state: str | None = None) -> Iterator[PackageRow]:
        """Yield closed packages in order of age. Raises `StoreBroken`."""
        after = 0
        while True:
            with _one_sentence(self.path):
                page = store_delivery.package_rows(self._db, after, PAGE, state)
            yield from page
            if not page:
                return
            after = page[-1].cursor

    def package(self, package_id: str) -> PackageRow:
        """Return one closed package. Raises `NoSuchPackage`, `StoreBroken`."""
        with _one_sentence(self.path):
            return store_delivery.package_row(self._db, package_id)

    def sealed(self, row: PackageRow) -> bytes:
        """Return a package's file. Raises `PackageGone`, `PackageUnreadable`."""
        try:
            content = sealed_content(self._db, row.cursor, row.digest)
        except DAMAGED:
            raise PackageUnreadable(f"package {row.package_id} cannot be read") from None
        if content is None:
            raise PackageGone(f"package {row.package_id} was receipted and deleted")
        return content

    def signed_lists(self) -> list[tuple[object, ...]]:
        """Return the centre's lists as they are kept. Raises `StoreBroken`."""
        with _one_sentence(self.path):
            return list(
                self._db.execute("select kind, seq, token, kept_at_ms from signed_list").fetchall()
            )

    def copy_to(self, file: Path) -> None:
        """Write one consistent moment to a file, under the same key.

        Raises:
            CopyUnfit: the journal cannot be read whole.
            OSError, apsw.FullError: the medium.
        """
        try:
            write_copy(self._db, file)
        except DAMAGED as error:
            raise CopyUnfit(
                "The journal has damaged bytes and cannot be copied whole. Take out what can be"
                " read with run_edge.py export --all, and see docs/backup.md."
            ) from error


def read_key(key_file: Path) -> bytes:
    """Return the key of a journal. Raises `StoreKeyWrong`."""
    try:
        key = key_file.read_bytes()
    except OSError as error:
        raise StoreKeyWrong(f"The key file {key_file} cannot be read.") from error
    if len(key) != KEY_BYTES:
        raise StoreKeyWrong(f"{key_file} is not a key file of {KEY_BYTES} bytes.")
    return key


def verify_copy(file: Path, key: bytes) -> CopyFacts:
    """Open a copy and read all of it: every page, every package's digest, the audit chain.

    Raises:
        CopyUnfit: one sentence that says what is wrong.
    """
    try:
        db = apsw.Connection(
            f"file:{file}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        )
        try:
            unlock(db, key.hex())
            return _verified(db)
        finally:
            db.close()
    except apsw.Error as error:
        raise CopyUnfit(f"{file} is damaged, or its key is another.") from error
    except AuditBroken as error:
        raise CopyUnfit(f"The audit chain in {file} does not hold: {error}.") from error


def _verified(db: apsw.Connection) -> CopyFacts:
    answer = db.execute("pragma integrity_check(1)").get
    if answer != "ok":
        raise CopyUnfit(f"The copy is damaged: {str(answer).splitlines()[0]}.")
    step = int(db.pragma("user_version"))
    if not 0 < step <= SCHEMA_VERSION:
        raise CopyUnfit("The copy is of a newer release: install that release first.")
    end = audit.verify(
        audit.Row(*row) for row in db.execute("select n, hash, entry from audit order by n")
    )
    counts = dict.fromkeys(("open", "ready", "receipted", "quarantined"), 0)
    counts.update(list(db.execute("select state, count(*) from package group by state")))
    listing = _listing(db)
    if step < COUNTED_FROM:
        sequence: int = db.execute("select sequence from chain").get
        return CopyFacts(step, counts, Ceilings(sequence), end.n, end.hash.hex(), listing)
    return CopyFacts(step, counts, used(db), end.n, end.hash.hex(), listing)


def _listing(db: apsw.Connection) -> bytes:
    lines = []
    found = db.execute(
        "select id, sequence, package_id, digest, state from package where sequence is not null"
        " order by sequence"
    )
    for cursor, sequence, package_id, digest, state in list(found):
        try:
            sealed_content(db, cursor, digest)
        except DAMAGED:
            raise CopyUnfit(f"Package {package_id} in the copy cannot be read.") from None
        lines.append(f"{sequence} {package_id} {digest} {state}\n")
    return "".join(lines).encode()


def sha256_of(file: Path) -> str:
    """Return a file's SHA-256 as 64 hex digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise StoreBroken(f"{path} cannot be read any further: it is damaged.") from error

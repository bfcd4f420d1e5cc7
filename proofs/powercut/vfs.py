"""Cutting the power, or failing, at the Nth file operation of a store, beneath its cipher.

A write-back VFS keeps every unsynced write in memory, as page cache and disk cache do. At the Nth
operation the process ends on the spot, and none, a random half, or a half torn at sectors of the
unsynced writes reaches the file. Or the operation fails once and the process goes on: with EIO,
after which everything unsynced of that file is gone while the next sync reports success, as Linux
has it (PostgreSQL's finding of 2018); or with ENOSPC, which changes nothing.

Modelled: loss, partial persistence and tearing of unsynced writes and truncations of database and
WAL. Not modelled: creation and deletion of files (they take effect at once), files written without
SQLite, and several processes on one database.
"""

from __future__ import annotations

import json
import os
import random
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import apsw

NAME: Final = "anxin-powercut"
CUT_STATUS: Final = 86
SECTOR: Final = 512
KEEPS: Final = ("none", "half", "torn")
FAULTS: Final = ("eio", "full")


@dataclass(frozen=True, slots=True)
class Plan:
    """When the power fails, and what the disk makes of it.

    Attributes:
        crash_at: number of the operation that does not happen any more; None: no cut.
        keep: of the unsynced writes survive: none, a random half, or half of them torn.
        fault: what happens there: "cut", "eio" or "full".
        lies: the disk reports a sync as done without doing it: a broken disk, for a control.
        report: file that is told the number of operations and whether it was cut.
    """

    crash_at: int | None
    seed: int
    keep: str
    lies: bool
    report: Path
    fault: str = "cut"


class CachedFile:
    """One file as the operating system sees it, and as the disk has it."""

    def __init__(self, path: str) -> None:
        # Open until the process ends: closing it would drop SQLite's POSIX locks on the file.
        self._descriptor = os.open(path, os.O_RDWR)
        size = os.fstat(self._descriptor).st_size
        self.image = bytearray(os.pread(self._descriptor, size, 0))
        self._pending: list[tuple[int, bytes | None]] = []

    def write(self, content: bytes, offset: int) -> None:
        """Write into the cache."""
        if offset > len(self.image):
            self.image.extend(bytes(offset - len(self.image)))
        self.image[offset : offset + len(content)] = content
        self._pending.append((offset, content))

    def truncate(self, size: int) -> None:
        """Truncate in the cache."""
        if size < len(self.image):
            del self.image[size:]
        else:
            self.image.extend(bytes(size - len(self.image)))
        self._pending.append((size, None))

    def settle(self) -> None:
        """Let everything that waits reach the disk, in order."""
        for offset, content in self._pending:
            self._apply(offset, content)
        self._pending.clear()

    def forget(self) -> None:
        """Lose what waits; it can still be read until the process ends."""
        self._pending.clear()

    def settle_some(self, keep: str, dice: random.Random) -> None:
        """Let reach the disk what the cut leaves of it."""
        for offset, content in self._pending:
            if keep == "none" or dice.random() < 0.5:
                continue
            kept = content
            if keep == "torn" and content is not None and dice.random() < 0.5:
                kept = content[: dice.randrange(len(content) // SECTOR + 1) * SECTOR]
            self._apply(offset, kept)
        self._pending.clear()

    def _apply(self, offset: int, content: bytes | None) -> None:
        if content is None:
            os.ftruncate(self._descriptor, offset)
            return
        while content:
            done = os.pwrite(self._descriptor, content, offset)
            content, offset = content[done:], offset + done


class Disk:
    """All files behind one write-back cache, with a counter of operations."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.operations = 0
        self.finished = self.failed = False
        self.files: dict[str, CachedFile] = {}
        self.lock = threading.RLock()

    def file(self, path: str) -> CachedFile:
        """Return the cached file of a path, shared by all handles on it."""
        with self.lock:
            if path not in self.files:
                self.files[path] = CachedFile(path)
            return self.files[path]

    def step(self, of: CachedFile | None = None) -> None:
        """Count an operation on a file that is about to happen; at the planned one it fails."""
        if self.finished:
            return
        self.operations += 1
        if self.operations == self.plan.crash_at:
            if self.plan.fault == "cut":
                self._cut()
            self.failed = True
            if self.plan.fault == "full":
                raise apsw.FullError("planned")
            if of is not None:
                of.forget()
            raise apsw.IOError("planned")

    def finish(self) -> None:
        """End without a cut: the cache reaches the disk, and later writes go through."""
        with self.lock:
            self.finished = True
            for cached in self.files.values():
                cached.settle()
            self._report(cut=self.failed)

    def _cut(self) -> NoReturn:
        dice = random.Random(f"{self.plan.seed}:{self.plan.crash_at}:{self.plan.keep}")
        for path in sorted(self.files):
            self.files[path].settle_some(self.plan.keep, dice)
        self._report(cut=True)
        os._exit(CUT_STATUS)

    def _report(self, *, cut: bool) -> None:
        said = json.dumps({"operations": self.operations, "cut": cut})
        self.plan.report.write_text(said, encoding="utf-8")


class CutFile(apsw.VFSFile):
    """A database or WAL on the write-back disk; locks and shared memory are the system's."""

    def __init__(
        self, disk: Disk, base: str, name: str | apsw.URIFilename, flags: list[int]
    ) -> None:
        super().__init__(base, name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._disk = disk
        self._cached = disk.file(path)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        """Read as the operating system would: what was written counts, synced or not."""
        with self._disk.lock:
            return bytes(self._cached.image[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        """Write into the cache."""
        with self._disk.lock:
            self._disk.step(self._cached)
            self._cached.write(bytes(data), offset)
            self._through()

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's name
        """Truncate in the cache."""
        with self._disk.lock:
            self._disk.step(self._cached)
            self._cached.truncate(newsize)
            self._through()

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        """Let the cache reach the disk, unless the disk lies."""
        with self._disk.lock:
            self._disk.step(self._cached)
            if not self._disk.plan.lies or self._disk.finished:
                self._cached.settle()

    def xFileSize(self) -> int:  # noqa: N802 - SQLite's name
        """Return the size as the operating system sees it."""
        with self._disk.lock:
            return len(self._cached.image)

    def _through(self) -> None:
        if self._disk.finished:
            self._cached.settle()


class CutVFS(apsw.VFS):
    """The write-back disk as a VFS, on top of the plain one of the operating system."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(NAME, "unix")

    def xOpen(  # noqa: N802 - SQLite's name
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        """Open a database or WAL behind the cache, a temporary file as it is."""
        if name is None or flags[0] & apsw.SQLITE_OPEN_DELETEONCLOSE:
            return apsw.VFSFile("unix", name, flags)
        return CutFile(self._disk, "unix", name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's name
        """Delete at once."""
        with self._disk.lock:
            self._disk.step()
            self._disk.files.pop(filename, None)
            super().xDelete(filename, syncdir)


_REGISTERED: Final[list[CutVFS]] = []


def install(plan: Plan) -> Disk:
    """Make the write-back disk the default VFS of this process, beneath the cipher."""
    disk = Disk(plan)
    # Kept: SQLite knows it by a pointer alone.
    _REGISTERED.append(CutVFS(disk))
    # Opened by this name, sqlite3mc puts its cipher on top of ours.
    apsw.Connection(":memory:", vfs=f"multipleciphers-{NAME}").close()
    apsw.set_default_vfs(f"multipleciphers-{NAME}")
    return disk

"""Sealing one part and committing it durably, against a bare SQLite transaction of the same size.

A part is 97 kB (a crop and a print together), the floor one `insert` of as many bytes through apsw
with WAL and synchronous=FULL, without cipher, audit row or thread, on the same disk and in turns
with ours. Flushes are counted in a pass of their own beneath the cipher, where every sync of the
database and of its WAL passes by. Milliseconds belong to this disk; the ratio travels.
"""

from __future__ import annotations

import os
import statistics
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import apsw
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc.jwk import OKPKey

from bench import CannotRun, Figures
from edge.keys import SealingKey, StationKey
from edge.seal import Sealer
from edge.store import Store

PART_BYTES: Final = 97_000
STATION: Final = "st-bench"
VFS: Final = "anxin-flush-count"
PARTS: Final = 4


def measure(long: bool) -> Figures:
    """Return medians and the 99th percentile over 120 packages (1 200 with `long`).

    Raises:
        CannotRun: the library has no cipher, so ours would be measured in the clear.
    """
    if not hasattr(apsw, "mc_version"):
        raise CannotRun("apsw-sqlite3mc is not installed: the store cannot encrypt")
    packages = 1200 if long else 120
    here = Path("var")
    here.mkdir(exist_ok=True)
    # Beside the checkout, not in /tmp, which is memory on some machines.
    with TemporaryDirectory(prefix="bench-store-", dir=here) as name:
        folder = Path(name)
        commits_ms, closings_ms, packages_ms, bare_ms = _timed(folder, packages)
        flushes, transactions = _flushes(folder / "counted", packages // 4)
    median_ms, bare_median_ms = statistics.median(commits_ms), statistics.median(bare_ms)
    return {
        "commit_ms_median": round(median_ms, 3),
        "commit_ms_p99": round(_p99(commits_ms), 3),
        "bare_commit_ms_median": round(bare_median_ms, 3),
        "bare_commit_ms_p99": round(_p99(bare_ms), 3),
        "ratio": round(median_ms / bare_median_ms, 2),
        "flushes_per_commit": round(flushes / transactions, 2),
        "closing_ms_median": round(statistics.median(closings_ms), 3),
        "closing_ms_p99": round(_p99(closings_ms), 3),
        "package_ms_median": round(statistics.median(packages_ms), 3),
        "package_ms_p99": round(_p99(packages_ms), 3),
        "commits": len(commits_ms),
        "part_bytes": PART_BYTES,
        "parts_per_package": PARTS,
    }


def _timed(
    folder: Path, packages: int
) -> tuple[list[float], list[float], list[float], list[float]]:
    """Return the milliseconds of our commits, closings and whole packages, and of bare commits."""
    commits_ms: list[float] = []
    closings_ms: list[float] = []
    packages_ms: list[float] = []
    bare_ms: list[float] = []
    sealer, plain = _sealer(), os.urandom(PART_BYTES)
    bare = apsw.Connection(str(folder / "bare.db"))
    bare.pragma("journal_mode", "wal")
    bare.pragma("synchronous", "full")
    bare.execute("create table part(id integer primary key, record blob)")
    with _open(folder / "ours") as store:
        for _ in range(packages):
            package_id = _begin(store, sealer)
            for n in range(PARTS):
                commits_ms.append(_ms(_add(store, sealer, package_id, n, plain)))
                bare_ms.append(
                    _ms(lambda: bare.execute("insert into part values(null, ?)", (plain,)))
                )
            closings_ms.append(_ms(_closing(store, sealer, package_id)))
            # All that the person waits for in the end: every part and the closing, not the floor's.
            packages_ms.append(sum(commits_ms[-PARTS:]) + closings_ms[-1])
    bare.close()
    return commits_ms, closings_ms, packages_ms, bare_ms


def _add(
    store: Store, sealer: Sealer, package_id: str, n: int, plain: bytes
) -> Callable[[], object]:
    def add() -> None:
        name = f"finger/{n}.png"
        store.add_part(package_id, sealer.part(package_id, n, name, "image/png", plain))

    return add


def _closing(store: Store, sealer: Sealer, package_id: str) -> Callable[[], object]:
    def close() -> None:
        previous = store.previous_digest()
        fields = {"sitting_id": "s", "result": "accepted", "previous": previous}
        parts = store.parts(package_id)
        manifest = sealer.manifest(package_id, store.next_n(package_id), fields, parts)
        store.close_package(
            package_id, manifest, sealer.statement, previous=previous, sinks={"centre": "custody"}
        )

    return close


class _CountingFile(apsw.VFSFile):
    flushes = 0

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        _CountingFile.flushes += 1
        super().xSync(flags)


class _CountingVFS(apsw.VFS):
    def __init__(self) -> None:
        super().__init__(VFS, "unix")

    def xOpen(  # noqa: N802 - SQLite's name
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        return _CountingFile("unix", name, flags)


def _flushes(folder: Path, packages: int) -> tuple[int, int]:
    """Return how many syncs reached the disk and for how many transactions."""
    default = apsw.vfs_names()[0]
    vfs = _CountingVFS()
    # Opened by this name, sqlite3mc puts its cipher on top of ours.
    apsw.Connection(":memory:", vfs=f"multipleciphers-{VFS}").close()
    apsw.set_default_vfs(f"multipleciphers-{VFS}")
    transactions: list[float] = []
    sealer, plain = _sealer(), os.urandom(PART_BYTES)
    try:
        folder.mkdir()
        with _open(folder, transactions.append) as store:
            _CountingFile.flushes, first = 0, len(transactions)
            for _ in range(packages):
                package_id = _begin(store, sealer)
                for n in range(PARTS):
                    _add(store, sealer, package_id, n, plain)()
                _closing(store, sealer, package_id)()
            counted = _CountingFile.flushes, len(transactions) - first
    finally:
        apsw.set_default_vfs(default)
        vfs.unregister()
    return counted


def _sealer() -> Sealer:
    station = StationKey(OKPKey.generate_key("Ed25519"))
    return Sealer(STATION, station, SealingKey("bench", X25519PrivateKey.generate().public_key()))


def _open(folder: Path, observe: Callable[[float], None] | None = None) -> Store:
    return Store.open(
        folder / "store.db", folder / "store.key", floor_bytes=0, observe_commit=observe
    )


def _begin(store: Store, sealer: Sealer) -> str:
    package_id = str(uuid.uuid4())
    store.open_package(package_id, "s", STATION, sealer.sealing_key.kid, {})
    return package_id


def _ms(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return (time.perf_counter() - began_s) * 1000


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]

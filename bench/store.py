"""Sealing one part and committing it durably, against a bare SQLite transaction of the same size.

A part is 97 kB (a crop and a print together), the floor one `insert` of as many bytes through apsw
with WAL and synchronous=FULL, without cipher, audit row or thread, on the same disk and in turns
with ours. Flushes are counted in a pass of their own beneath the cipher, where every sync of the
database and of its WAL passes by; those of the numbers' file beside it are counted as well.

Ours has fixed work that the floor has not (sealing, two digests, the cipher, the audit row, the
writer's turn): about half a millisecond of a processor. On a disk whose flush is
answered from a cache that is as much as the floor's whole transaction; on one that truly flushes it
is little. So a second pass lets every flush of both take `SLOW_FLUSH_MS` longer, the median of a
busy disk (reliability's measurement: 3.56 ms), and says `ratio_slow_flush`.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import apsw
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc.jwk import OKPKey

from bench import CannotRun, Figures
from edge.seal import Sealer
from edge.store import Store
from edge.trust.keys import SealingKey, StationKey

PART_BYTES: Final = 97_000
STATION: Final = "st-bench"
VFS: Final = "anxin-flush-count"
PARTS: Final = 4
SLOW_FLUSH_MS: Final = 3.0


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
        slow_ms, slow_bare_ms = _slow(folder / "slow", packages // 3)
        pieces = _pieces_ms()
    median_ms, bare_median_ms = statistics.median(commits_ms), statistics.median(bare_ms)
    return {
        "commit_ms_median": round(median_ms, 3),
        "commit_ms_p99": round(_p99(commits_ms), 3),
        "bare_commit_ms_median": round(bare_median_ms, 3),
        "bare_commit_ms_p99": round(_p99(bare_ms), 3),
        "ratio": round(median_ms / bare_median_ms, 2),
        "flushes_per_commit": round(flushes / transactions, 2),
        "slow_flush_ms": SLOW_FLUSH_MS,
        "commit_slow_flush_ms_median": round(statistics.median(slow_ms), 3),
        "bare_commit_slow_flush_ms_median": round(statistics.median(slow_bare_ms), 3),
        "ratio_slow_flush": round(statistics.median(slow_ms) / statistics.median(slow_bare_ms), 2),
        **pieces,
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


def _slow(folder: Path, packages: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of our commits and bare ones where every flush takes longer."""
    folder.mkdir()
    with _beneath_the_cipher():
        _CountingFile.delay_s = SLOW_FLUSH_MS / 1000
        try:
            commits_ms, _, _, bare_ms = _timed(folder, packages)
        finally:
            _CountingFile.delay_s = 0.0
    return commits_ms, bare_ms


def _pieces_ms() -> dict[str, float]:
    """Return what the fixed work costs by itself, each with nothing else in its way."""
    sealer, plain = _sealer(), os.urandom(PART_BYTES)
    part = sealer.part("p", 0, "finger/0.png", "image/png", plain)
    works: dict[str, Callable[[], object]] = {
        "seal_ms_median": lambda: sealer.part("p", 0, "finger/0.png", "image/png", plain),
        "record_digest_ms_median": lambda: hashlib.sha256(part.record).hexdigest(),
    }
    return {
        name: round(statistics.median([_ms(work) for _ in range(200)]), 3)
        for name, work in works.items()
    }


class _CountingFile(apsw.VFSFile):
    flushes = 0
    delay_s = 0.0

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        _CountingFile.flushes += 1
        if self.delay_s:
            time.sleep(self.delay_s)
        super().xSync(flags)


class _CountingVFS(apsw.VFS):
    def __init__(self) -> None:
        super().__init__(VFS, "unix")

    def xOpen(  # noqa: N802 - SQLite's name
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        return _CountingFile("unix", name, flags)


@contextmanager
def _beneath_the_cipher() -> Iterator[None]:
    """Let every file of SQLite be ours, with sqlite3mc's cipher on top of it."""
    default = apsw.vfs_names()[0]
    vfs = _CountingVFS()
    # Opened by this name, sqlite3mc puts its cipher on top of ours.
    apsw.Connection(":memory:", vfs=f"multipleciphers-{VFS}").close()
    apsw.set_default_vfs(f"multipleciphers-{VFS}")
    try:
        yield
    finally:
        apsw.set_default_vfs(default)
        vfs.unregister()


@contextmanager
def _other_flushes() -> Iterator[list[int]]:
    """Count the flushes that do not pass SQLite: those of the file beside the journal."""
    counted, fsync = [0], os.fsync

    def counting(descriptor: int) -> None:
        counted[0] += 1
        fsync(descriptor)

    os.fsync = counting  # type: ignore[assignment]
    try:
        yield counted
    finally:
        os.fsync = fsync


def _flushes(folder: Path, packages: int) -> tuple[int, int]:
    """Return how many syncs reached the disk and for how many transactions."""
    transactions: list[float] = []
    sealer, plain = _sealer(), os.urandom(PART_BYTES)
    folder.mkdir()
    with _beneath_the_cipher(), _open(folder, transactions.append) as store, _other_flushes() as us:
        _CountingFile.flushes, first = 0, len(transactions)
        for _ in range(packages):
            package_id = _begin(store, sealer)
            for n in range(PARTS):
                _add(store, sealer, package_id, n, plain)()
            _closing(store, sealer, package_id)()
        return _CountingFile.flushes + us[0], len(transactions) - first


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

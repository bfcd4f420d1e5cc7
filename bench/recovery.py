"""From the start of the service after a cut to its first page of packages, with 100,000 of them.

The journal is encrypted and full: each package is unsent and has its parts. A writer hands in real
packages and is killed in the middle of it, so that a log lies there to be taken over. Then a
process of its own opens the store and serves `/v1` on loopback; the clock runs from its start to
the first whole answer, with all that a start does: modules, library, recovery, checks, tables,
listener. The floor is the same process with an empty store, in turns with ours. Seconds of a
processor stand beside: on a machine that others use as well they say what the start itself costs.

By default a package is small (3 KB), because 100,000 of 100 KB are 10 GB; `--long` makes 10,000 of
that size besides, 1 GB, whose bytes are what a check at the start would have to read.
"""

from __future__ import annotations

import http.client
import json
import random
import resource
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

import apsw

from bench import CannotRun, Figures
from bench.closed_package import close_one, new_sealer
from edge.seal import digest_of, package_file
from edge.store import PackageRow, Store

STATION: Final = "st-bench"
TOKEN: Final = "k" * 43
PACKAGES: Final = 100_000
LARGE: Final = 10_000
BATCH: Final = 10_000
SMALL_BYTES: Final = 1_000
LARGE_BYTES: Final = 97_000
CUTS: Final = 5
PAGE: Final = 50
PATIENCE_S: Final = 120.0
WRITER: Final = "import sys; from bench.recovery import write_on; write_on(sys.argv[1])"
SERVICE: Final = "import sys; from bench.recovery import serve; serve(sys.argv[1])"


def measure(long: bool) -> Figures:
    """Return the median and the slowest of several cuts, and of starts on an empty store.

    Raises:
        CannotRun: the library has no cipher, or a start failed.
    """
    if not hasattr(apsw, "mc_version"):
        raise CannotRun("apsw-sqlite3mc is not installed: the store cannot encrypt")
    here = Path("var")
    here.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="bench-recovery-", dir=here) as name:
        folder = Path(name)
        cuts, empties, size = _cuts(folder, PACKAGES, SMALL_BYTES)
        large, _, large_size = _cuts(folder, LARGE, LARGE_BYTES) if long else ([], [], 0)
    cuts_s, empty_s, large_s = ([wall for wall, _ in starts] for starts in (cuts, empties, large))
    median_s, floor_s = statistics.median(cuts_s), statistics.median(empty_s)
    return {
        "first_page_after_cut_s": round(median_s, 3),
        "first_page_after_cut_s_max": round(max(cuts_s), 3),
        "packages": PACKAGES,
        "empty_store_s": round(floor_s, 3),
        "ratio": round(median_s / floor_s, 2),
        "cpu_after_cut_s": round(statistics.median(cpu for _, cpu in cuts), 3),
        "cpu_empty_store_s": round(statistics.median(cpu for _, cpu in empties), 3),
        "cuts": len(cuts_s),
        "store_mib": size >> 20,
        "large_first_page_after_cut_s": round(statistics.median(large_s), 3) if long else None,
        "large_packages": LARGE if long else None,
        "large_store_mib": large_size >> 20 if long else None,
    }


Start = tuple[float, float]
"""Seconds by the clock and of a processor."""


def _cuts(where: Path, packages: int, part_bytes: int) -> tuple[list[Start], list[Start], int]:
    """Return the starts after each cut, those with an empty store, and the journal's bytes."""
    folder, empty = where / str(packages), where / "empty"
    folder.mkdir()
    _fill(folder, packages, part_bytes)
    after_cut, with_empty = [], []
    for turn in range(CUTS):
        _cut_a_writer(folder, random.Random(turn).uniform(0.05, 0.3))
        after_cut.append(_first_page(folder, PAGE))
        with_empty.append(_first_page(empty, 0))
    return after_cut, with_empty, (folder / "store.db").stat().st_size


def _fill(folder: Path, packages: int, part_bytes: int) -> None:
    with _open(folder) as store:
        like = close_one(store, new_sealer(STATION), part_bytes, "centre")
        records = [bytes(record) for record in store.read(_records)]
        for begin in range(1, packages, BATCH):
            many = min(BATCH, packages - begin)
            store.write(
                lambda db, first=begin, many=many: _insert(db, like, records, first, many)  # type: ignore[misc]
            )


def _records(db: apsw.Connection) -> list[bytes]:
    return [record for (record,) in db.execute("select record from part order by n")]


def _insert(
    db: apsw.Connection, like: PackageRow, records: list[bytes], first: int, many: int
) -> None:
    """Write closed packages that wait, each with its parts, as closings would have left them."""
    digest = digest_of(package_file(records))
    for n in range(first, first + many):
        package_id = f"019aa1f0-{n >> 12:04x}-7{n & 4095:03x}-8{n & 4095:03x}-{n:012x}"
        db.execute(
            "insert into package(package_id, sitting_id, station_id, kid, state, opened_at_ms,"
            " sequence, sealed_at_ms, size, digest, statement)"
            " values(?, 's', ?, ?, 'ready', ?, ?, ?, ?, ?, ?)",
            (package_id, STATION, like.kid, like.sealed_at_ms, n + 1, like.sealed_at_ms, like.size,
             digest, like.statement),
        )  # fmt: skip
        cursor = db.last_insert_rowid()
        for place, record in enumerate(records):
            db.execute(
                "insert into part(package, n, record) values(?, ?, ?)", (cursor, place, record)
            )
        db.execute(
            "insert into delivery(package, sink, custody, state) values(?, 'centre', 1, 'waiting')",
            (cursor,),
        )
    db.execute("update chain set sequence = ?", (first + many,))


def _cut_a_writer(folder: Path, after_s: float) -> None:
    """Let packages be handed in, then kill whoever does it, in the middle of one."""
    words = [sys.executable, "-c", WRITER, str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as writer:
        if writer.stdout is None or writer.stdout.readline() != "writing\n":
            raise CannotRun("the writer did not begin")
        time.sleep(after_s)
        writer.send_signal(signal.SIGKILL)


def _first_page(folder: Path, rows: int) -> Start:
    """Start the service and return the seconds to its first page, which must hold so many rows.

    Raises:
        CannotRun: it answered something else; a store that was set aside answers fast, and empty.
    """
    folder.mkdir(exist_ok=True)
    began_s, began_cpu_s = time.monotonic(), _children_cpu_s()
    spent_s, content = _ask_first_page(folder, began_s)
    if (found := len(json.loads(content)["items"])) != rows:
        raise CannotRun(f"the first page held {found} packages instead of {rows}")
    return spent_s, _children_cpu_s() - began_cpu_s


def _children_cpu_s() -> float:
    """Return the processor's seconds of the processes that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ask_first_page(folder: Path, began_s: float) -> tuple[float, bytes]:
    words = [sys.executable, "-c", SERVICE, str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as service:
        try:
            url = urlsplit(service.stdout.readline().strip() if service.stdout else "")
            if not url.hostname or not url.port:
                raise CannotRun("the service did not start")
            line = http.client.HTTPConnection(url.hostname, url.port, timeout=PATIENCE_S)
            line.request(
                "GET", f"/v1/packages?limit={PAGE}", headers={"Authorization": f"Bearer {TOKEN}"}
            )
            answer = line.getresponse()
            content, spent_s = answer.read(), time.monotonic() - began_s
            line.close()
            if answer.status != 200 or not content:
                raise CannotRun(f"the first page was answered with {answer.status}")
            return spent_s, content
        finally:
            service.kill()


def write_on(folder: str) -> None:
    """Hand packages in until killed; in a process of its own."""
    with _open(Path(folder)) as store:
        close_one(store, new_sealer(STATION), LARGE_BYTES, "centre")
        sys.stdout.write("writing\n")
        sys.stdout.flush()
        while True:
            close_one(store, new_sealer(STATION), LARGE_BYTES, "centre")


def serve(folder: str) -> None:
    """Be the service: open the store, listen, say where, until killed; in a process of its own."""
    # Here, not above: their import is part of what is measured, and of no other process.
    import threading  # noqa: PLC0415

    from api.app import V1_STREAMS, Listener, V1Station, create_v1_app  # noqa: PLC0415
    from edge.delivery.receipt import ReceiptVerifier  # noqa: PLC0415

    with _open(Path(folder)) as store:
        station = V1Station(
            STATION, "bench", "0" * 64, store, ReceiptVerifier(STATION, dict), list, list
        )
        app = create_v1_app(station, TOKEN)
        listener = Listener(app, "127.0.0.1", 0, streams=V1_STREAMS, closing=threading.Event())
        listener.start()
        sys.stdout.write(f"{listener.url}\n")
        sys.stdout.flush()
        signal.pause()


def _open(folder: Path) -> Store:
    return Store.open(folder / "store.db", folder / "store.key", floor_bytes=0, reserve_bytes=0)

"""Packages go in and out by the thousand, and the station's memory stays where it was.

One process: record, seal, journal, closing, outbox, HTTPS to a stand-in centre beside it, receipt,
deletion; on a disk in memory, since flushes are not what is counted here. Samples are small, so
that what is kept for each package would show. Memory is the resident set as the kernel counts it,
read every fiftieth of the run; the first fifth is warm-up. It counts as flat if the medians of the
second and of the last fifth differ by less than 4 MiB, and if threads and open files are as many as
before. Not in it: camera, reader, vision worker (`python -m bench memory`).

The journal itself grows: rows of packages, receipts and the audit chain are kept for good. How much
for each package is in the note.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from edge.record import Record
from proofs import CannotRun, Proof, Tally, Trial
from proofs.beside_centre import Scene, centre_in
from proofs.powercut.forked import Ack, acknowledged, start, tail
from proofs.premises import SINK, make_premises, open_store
from proofs.sitters import SMALL, sit

PROMISE: Final = "Packages go in and out, and memory, threads and open files stay as they were"
FLAT_KIB: Final = 4096
LEAK_BYTES: Final = 1024
"""Of the control, for each package; a short run leaks more, or nobody could see it."""
LOOKS: Final = 50
WAITING_MAX: Final = 20
LIMIT_S: Final = 3600.0
MEMORY: Final = Path("/dev/shm")


def serve(scene: Scene, wanted: int, leak_bytes: int, folder: Path, tell: Ack) -> None:
    """Serve so many people; tell what the process takes, every now and then."""
    leaked: list[bytes] = []
    every = max(1, wanted // LOOKS)
    with open_store(folder) as store, scene.outbox(store) as outbox:
        rooms = scene.premises.rooms(store, outbox.wake)
        for number in range(wanted):
            record: Record = rooms.begin("zh-CN")
            sit(store, record, SMALL, _nothing)
            leaked.append(os.urandom(leak_bytes))
            if number % every == every - 1:
                while store.waiting(SINK)[0] > WAITING_MAX and outbox.alive:
                    time.sleep(0.01)
                tell(json.dumps({**taken(), "journal": _journal_bytes(folder)}))
        while store.waiting(SINK)[0] and outbox.alive:
            time.sleep(0.01)
        tell(json.dumps({"out": store.counts()["receipted"]}))


def _nothing(_: str) -> None:
    return


def taken() -> dict[str, int]:
    """Return what this process takes: resident memory in KiB, threads, open files."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return {
        "rss_kib": int(fields["VmRSS"].split()[0]),
        "threads": int(fields["Threads"]),
        "files": len(list(Path("/proc/self/fd").iterdir())),
    }


def _journal_bytes(folder: Path) -> int:
    return (folder / "store.db").stat().st_size


def growth(looks: list[dict[str, int]], what: str) -> float:
    """Return the median of the last fifth less that of the second."""
    fifth = max(1, len(looks) // 5)
    values = [look[what] for look in looks]
    return statistics.median(values[-fifth:]) - statistics.median(values[fifth : 2 * fifth])


def passing(*, leaks: bool = False) -> Trial:
    """Return the trial: one run of so many packages."""

    def run(trials: int, seed: int) -> Tally:
        del seed
        began_s = time.monotonic()
        leak_bytes = max(LEAK_BYTES, 3 * FLAT_KIB * 1024 // trials) if leaks else 0
        looks, out = _looks(trials, leak_bytes)
        if out != trials or len(looks) < 5:
            raise CannotRun(f"{out} of {trials} packages came out, {len(looks)} looks")
        grown_kib = growth(looks, "rss_kib")
        more = {what: growth(looks, what) for what in ("threads", "files")}
        kept = growth(looks, "journal") / (0.6 * trials)
        failed = grown_kib > FLAT_KIB or any(count > 0 for count in more.values())
        note = (
            f"{trials} packages in and out: {grown_kib / 1024:+.1f} MiB resident memory at"
            f" {looks[-1]['rss_kib'] / 1024:.0f} MiB, {more['threads']:+.0f} threads,"
            f" {more['files']:+.0f} open files; the journal keeps {kept:.0f} bytes a package"
        )
        return Tally(PROMISE, 1, int(failed), time.monotonic() - began_s, note)

    return run


def _looks(wanted: int, leak_bytes: int) -> tuple[list[dict[str, int]], int]:
    with TemporaryDirectory(
        prefix="anxin-memory-", dir=MEMORY if MEMORY.is_dir() else None
    ) as name:
        folder = Path(name)
        premises = make_premises(folder)
        with centre_in(folder / "centre") as url:
            scene = Scene(folder, folder / "centre", premises, url)
            scene.store.mkdir()
            acks, log = folder / "acks", folder / "log"
            process = start(partial(serve, scene, wanted, leak_bytes), scene.store, acks, log)
            status = process.wait(LIMIT_S)
            process.kill()
        if status != 0:
            raise CannotRun(f"the station ended with {status}: {tail(log)}")
        *looks, last = [json.loads(word) for word in acknowledged(acks)]
    return looks, last["out"]


PROOFS: Final[Mapping[str, Proof]] = {
    "flat": Proof(PROMISE, passing(), passing(leaks=True), 100, 10_000, 2_000),
}

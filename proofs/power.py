"""The power fails: what was told to be in custody is there, and the sitting in hand goes on.

The writer is the product's own path from the accepted sample to the recorded receipt: record,
HPKE seal, journal, closing, signed statement, with made-up pictures. It tells a word only when the
call that makes it durable has returned. After each cut a station is restarted on what is left,
every closed package is opened with the centre's key, and the chains of packages and audit rows are
held.

`power.vfs` cuts at file operations of SQLite beneath the cipher, with none, half, or a torn half of
the unsynced writes kept. It does not see files written without SQLite, nor directory operations.
`power.ext4` and `power.xfs` shut a real file system down on a loop device at random moments, page
cache and journal in memory gone, and go on with the same store. They do not see a disk that lies
about flushes; `power.vfs` does (it is one of its controls). A real SSD or eMMC was not tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import apsw

from edge.store import file as store_file
from proofs import Proof, Tally, Trial, each_of
from proofs.custody import RESUME_WITHIN_S, judge
from proofs.powercut.forked import Ack, Cuts, Writer
from proofs.powercut.shutdown import cut_often
from proofs.powercut.sweep import sweep
from proofs.premises import SINK, Premises, make_premises, open_store
from proofs.sitters import SMALL, USUAL, Build, When, sit

PROMISE: Final = "What was acknowledged survives a power cut"
OPENINGS: Final = 2
"""A clean close writes everything back; what follows overwrites the WAL in place."""
SITTINGS: Final = 2
RECEIPT_EVERY: Final = 2
_JSON_RECEIPTED: Final = '{"receipted": "%s"}'


def serve(  # noqa: PLR0917 - what a station needs to serve
    premises: Premises, folder: Path, tell: Ack, build: Build, wanted: int, when: When
) -> None:
    """Run the station once: resume what a cut interrupted, then so many sittings."""
    with open_store(folder) as store:
        rooms = premises.rooms(store)
        record = rooms.interrupted(RESUME_WITHIN_S)
        for number in range(wanted):
            record = record or rooms.begin("zh-CN")
            package_id = record.package_id
            sit(store, record, build, tell, when=when)
            record = None
            if number % RECEIPT_EVERY == 0:
                row = store.package(package_id)
                if when is When.EARLY:
                    tell(_JSON_RECEIPTED % package_id)
                store.begin_try(package_id, SINK)
                store.record_receipt(package_id, SINK, premises.receipt(row))
                if when is not When.EARLY:
                    tell(_JSON_RECEIPTED % package_id)


def few(premises: Premises, when: When = When.TRUE) -> Writer:
    """Return a writer that ends: some sittings in each of two runs of the station."""

    def write(folder: Path, tell: Ack) -> None:
        for _ in range(OPENINGS):
            serve(premises, folder, tell, SMALL, SITTINGS, when)

    return write


def many(premises: Premises, when: When = When.TRUE) -> Writer:
    """Return a writer that goes on until it is cut."""

    def write(folder: Path, tell: Ack) -> None:
        serve(premises, folder, tell, USUAL, 1 << 30, when)

    return write


def less_synced(writer: Writer, synchronous: str) -> Writer:
    """Return the writer on a journal that was broken on purpose: fewer flushes."""

    def write(folder: Path, tell: Ack) -> None:
        whole = store_file.set_modes

        def broken(db: apsw.Connection) -> None:
            whole(db)
            db.pragma("synchronous", synchronous)

        # In the writer's own process only.
        store_file.set_modes = broken
        writer(folder, tell)

    return write


Cutter = Callable[[Writer, Premises, int, int], Cuts]


def at_operations(writer: Writer, premises: Premises, cuts: int, seed: int) -> Cuts:
    """Cut at file operations."""
    return sweep(writer, partial(judge, premises), cuts, seed)


def on_a_lying_disk(writer: Writer, premises: Premises, cuts: int, seed: int) -> Cuts:
    """Cut at file operations of a disk that syncs nothing."""
    return sweep(writer, partial(judge, premises), cuts, seed, lies=True)


def on_a_file_system(kind: str) -> Cutter:
    """Return what shuts a real file system down."""

    def cut(writer: Writer, premises: Premises, cuts: int, seed: int) -> Cuts:
        return cut_often(writer, partial(judge, premises), cuts, seed, kind)

    return cut


def trial(make: Callable[[Premises], Writer], cutter: Cutter) -> Trial:
    """Return a trial of a writer under a kind of cut."""

    def run(trials: int, seed: int) -> Tally:
        began_s = time.monotonic()
        with TemporaryDirectory(prefix="anxin-premises-") as name:
            premises = make_premises(Path(name))
            cuts = cutter(make(premises), premises, trials, seed)
        seconds = time.monotonic() - began_s
        return Tally(PROMISE, cuts.cuts, cuts.failing, seconds, cuts.note)

    return run


def _file_system(kind: str, long: int) -> Proof:
    cutter = on_a_file_system(kind)
    broken = {
        "told before the commit": trial(lambda p: many(p, When.EARLY), cutter),
        "synchronous=NORMAL": trial(lambda p: less_synced(many(p), "normal"), cutter),
        "synchronous=OFF": trial(lambda p: less_synced(many(p), "off"), cutter),
    }
    promise = f"{PROMISE}: {kind} shut down at a random moment, mounted again"
    return Proof(
        promise, trial(many, cutter), each_of(broken), short=2, long=long, control_trials=25
    )


_BROKEN: Final[Mapping[str, Trial]] = {
    "told before the commit": trial(lambda p: few(p, When.EARLY), at_operations),
    "synchronous=NORMAL": trial(lambda p: less_synced(few(p), "normal"), at_operations),
    "synchronous=OFF": trial(lambda p: less_synced(few(p), "off"), at_operations),
    "syncs that do nothing": trial(few, on_a_lying_disk),
}
PROOFS: Final[Mapping[str, Proof]] = {
    "vfs": Proof(
        f"{PROMISE}: cut at file operations of the journal, unsynced writes kept, lost or torn",
        trial(few, at_operations),
        each_of(_BROKEN),
        short=12,
        long=3000,
        control_trials=150,
    ),
    "ext4": _file_system("ext4", 1000),
    "xfs": _file_system("xfs", 500),
}

"""The journal after a kill, and on a disk that is full."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from edge.store import StoreFull
from edge.trust import audit
from tests.delivery_kit import SINK, make_kit, new_id, until

KILLS = 6
WRITER = """
import sys
from pathlib import Path
from tests.delivery_kit import make_kit
kit = make_kit(Path(sys.argv[1]))
with kit.open_store() as store:
    print("ready", flush=True)
    for _ in range(100000):
        print(kit.hand_in(store).package_id, flush=True)
"""
TMPFS_MIB = 36
RESERVE_BYTES = 20 << 20
"""A quarter of it more is kept for delivery, and holds the log."""


def start_writer(folder):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, folder], stdout=subprocess.PIPE, text=True
    )


def test_nothing_acknowledged_is_lost_when_the_service_is_killed(tmp_path):
    """Killed at random instants and started again on the same store: every acknowledged package is
    there, the numbers have no gap, each names its predecessor, the audit chain is whole.
    """
    kit = make_kit(tmp_path)
    acknowledged = []
    dice = random.Random(7)
    for _ in range(KILLS):
        writer = start_writer(tmp_path)
        with writer.stdout:
            assert writer.stdout.readline() == "ready\n"
            time.sleep(dice.uniform(0.0, 0.3))
            writer.send_signal(signal.SIGKILL)
            acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
            writer.wait()

    with kit.open_store() as store:
        rows = store.packages(limit=1 << 20)
        assert acknowledged
        assert {row.package_id for row in rows} >= set(acknowledged)
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
        assert all(store.sealed(row.package_id) for row in rows)
        audit.verify(store.audit_rows(limit=1 << 20))
        assert store.alarms == ()


def test_a_service_that_takes_over_after_a_kill_is_not_locked_out(tmp_path):
    """The lock dies with its process, whatever files it left."""
    kit = make_kit(tmp_path)
    writer = start_writer(tmp_path)
    with writer.stdout:
        writer.stdout.readline()
        writer.kill()
        writer.wait()

    with kit.open_store() as store:
        assert store.refusals == ()


@contextmanager
def small_disk(folder):
    """A file system of a few MiB; skipped aloud where it cannot be mounted."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_MIB}m", "anxin-test", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"NOT TESTED: no small file system can be mounted here ({done.stderr.strip()})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill_until_full(kit, store):
    kept = []
    while True:
        package_id = new_id()
        try:
            kit.fill(store, package_id, (os.urandom(200_000),))
            kit.shut(store, package_id)
        except StoreFull:
            return kept, package_id
        kept.append(package_id)


def test_a_full_disk_refuses_and_loses_nothing_acknowledged(tmp_path):
    """Without a floor the disk truly fills up: nothing half-happens, all that was acknowledged is
    there, delivery goes on in the reserve and frees room, and new packages are taken again.
    """
    with small_disk(tmp_path / "disk") as disk:
        kit = make_kit(disk)
        with kit.open_store(floor_bytes=0, reserve_bytes=RESERVE_BYTES) as store:
            kept, refused = fill_until_full(kit, store)
            assert len(kept) > 2
            assert [row.package_id for row in store.packages(limit=1000)] == kept
            with pytest.raises(StoreFull):
                kit.fill(store, refused, (os.urandom(3 << 20),))
            assert all(store.sealed(package_id) for package_id in kept)
            audit.verify(store.audit_rows())
        with kit.open_store(floor_bytes=0, reserve_bytes=RESERVE_BYTES) as store:
            assert [row.package_id for row in store.packages(limit=1000)] == kept
            for package_id in kept:
                store.record_receipt(package_id, SINK, "a.b.c")
            row = kit.hand_in(store)
            assert row.sequence == len(kept) + 1


def test_the_reserve_lets_the_running_sitting_end(tmp_path):
    """The disk fills up under a running sitting: it still closes; new ones are refused."""
    with small_disk(tmp_path / "disk") as disk:
        kit = make_kit(disk)
        with kit.open_store(floor_bytes=1 << 20, reserve_bytes=1 << 20) as store:
            package_id = kit.fill(store, new_id(), (os.urandom(200_000),))
            ballast = disk / "ballast"
            with pytest.raises(OSError, match="space"):
                ballast.write_bytes(bytes(TMPFS_MIB << 20))
            assert kit.shut(store, package_id).sequence == 1
            assert store.refusals == ("store_full",)
            with pytest.raises(StoreFull):
                kit.fill(store, new_id())
            ballast.unlink()
            assert store.refusals == ()
            assert store.sealed(package_id)


STRACE = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", "/dev/null"]
INJECTED = """
import sys
from pathlib import Path
from edge.store import StoreBroken
from tests.delivery_kit import make_kit
kit = make_kit(Path(sys.argv[1]))
store = kit.open_store()
try:
    for _ in range(60):
        print(kit.hand_in(store).package_id, flush=True)
except StoreBroken:
    print("broken", store.refusals, flush=True)
finally:
    store.close()
"""


def test_a_failed_flush_ends_the_service_and_loses_nothing(tmp_path):
    """EIO from a flush: the store says broken at once and for good; a restart finds everything."""
    if subprocess.run(["which", "strace"], capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED: strace is not installed, no flush can be made to fail")
    kit = make_kit(tmp_path)
    inject = ["-e", "inject=fdatasync:error=EIO:when=40+"]
    done = subprocess.run(
        [*STRACE, *inject, sys.executable, "-c", INJECTED, str(tmp_path)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    *acknowledged, last = done.stdout.splitlines()

    assert last == "broken ('store_broken',)"
    assert acknowledged
    with kit.open_store() as store:
        assert {row.package_id for row in store.packages()} >= set(acknowledged)


def test_the_idle_checkpoint_meets_a_full_disk_calmly(tmp_path):
    """Nobody asked for it, so nobody is told; the journal stays whole."""
    with small_disk(tmp_path / "disk") as disk:
        kit = make_kit(disk)
        with kit.open_store(floor_bytes=0, reserve_bytes=0) as store:
            kept, _ = fill_until_full(kit, store)
            until(lambda: not store._writer._unsettled)
            assert store._writer.broken is None
            assert [row.package_id for row in store.packages(limit=1000)] == kept

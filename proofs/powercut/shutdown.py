"""Cutting the power beneath a real file system, again and again on the same store.

At a random moment the file system is shut down without a log flush: page cache and journal in
memory are gone. Then the writer is killed, the file system mounted anew (journal replay), judged,
and the writer goes on with the same store, so that recovery is tried as well.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from proofs import CannotRun
from proofs.powercut.forked import Checker, Cuts, Writer, acknowledged, check, start, tail
from proofs.powercut.own_mounts import in_own_mounts
from proofs.powercut.volume import Volume, volume

FIRST_ACK_S: Final = 20.0
LONGEST_S: Final = 0.5
EARLY_SHARE: Final = 0.2
"""So many cuts fall at any time after the start, during creation or recovery; the others fall up
to `LONGEST_S` after the first acknowledgement of their round."""
FRESH_EVERY: Final = 8
"""Cuts on one store, if none failed; long enough that its WAL is overwritten in place."""


def cut_often(
    writer: Writer, checker: Checker, cuts_wanted: int, seed: int, kind: str = "ext4"
) -> Cuts:
    """Cut so many times. Raises `CannotRun`."""
    return in_own_mounts(lambda: _cut_often(writer, checker, cuts_wanted, seed, kind))


def _cut_often(writer: Writer, checker: Checker, cuts_wanted: int, seed: int, kind: str) -> Cuts:
    dice = random.Random(seed)
    cuts = Cuts()
    with TemporaryDirectory(prefix="anxin-powercut-") as name, volume(Path(name), kind) as disk:
        scratch, store = Path(name), disk.point / "store"
        acked: list[str] = []
        fresh = True
        for number in range(cuts_wanted):
            if fresh:
                acked = []
                disk.make()
            disk.mount()
            if fresh:
                make_folder(store)
            new = one_cut(disk, writer, store, scratch, dice)
            cuts.acked += len(new)
            acked += new
            disk.unmount()
            disk.mount()
            verdict = check(checker, store, acked, scratch)
            cuts.add(f"cut {number}", verdict)
            fresh = not verdict.ok or (number + 1) % FRESH_EVERY == 0
            disk.unmount()
        complaint = tail(scratch / "writer.log")
    try:
        cuts.require_substance()
    except CannotRun as error:
        raise CannotRun(f"{error}; the writer said: {complaint}") from None
    return cuts


def make_folder(store: Path) -> None:
    """Make an empty directory that itself survives a cut."""
    store.mkdir()
    for path in (store, store.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def one_cut(
    disk: Volume, writer: Writer, store: Path, scratch: Path, dice: random.Random
) -> list[str]:
    """Run the writer until the cut; return what it had acknowledged by then."""
    acks = scratch / "acks"
    acks.unlink(missing_ok=True)
    disk.arm()
    process = start(writer, store, acks, scratch / "writer.log")
    try:
        if dice.random() >= EARLY_SHARE:
            end_s = time.monotonic() + FIRST_ACK_S
            while not acknowledged(acks) and process.poll() is None:
                if time.monotonic() > end_s:
                    break
                time.sleep(0.002)
        time.sleep(dice.uniform(0.0, LONGEST_S))
        # Only these count: while its journal is being aborted, ext4 can report success for an
        # fsync that was in flight, which a real power cut would not have let anybody tell.
        # Measured on Linux 6.18: 11 of 311 that came after the switch were lost, of 30634 before
        # it none.
        promised = acknowledged(acks)
        disk.cut()
        return promised
    finally:
        process.kill()
        disk.disarm()

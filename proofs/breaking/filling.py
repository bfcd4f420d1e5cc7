"""A small real disk that fills up around a sitting."""

from __future__ import annotations

import os
import random
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from edge.store import StoreFull
from proofs import CannotRun
from proofs.custody import judge
from proofs.powercut.forked import Ack, Cuts, check, start, tail
from proofs.powercut.own_mounts import in_own_mounts
from proofs.powercut.volume import command
from proofs.premises import Premises, open_store
from proofs.sitters import USUAL, sit

MIB: Final = 1 << 20
DISK_MIB: Final = (48, 64)
FLOOR_MIB: Final = 8
RESERVE_MIB: Final = 20
"""A quarter more is for closing and delivery, and holds the write-ahead log."""
UNFINISHED: Final = "unfinished"
LIVES_LIMIT_S: Final = 120.0


def fill_often(
    premises: Premises, folder: Path, trials: int, seed: int, *, floor: bool = True
) -> Cuts:
    """Fill a disk in each trial. Raises `CannotRun`."""
    return in_own_mounts(lambda: _fill_often(premises, trials, seed, floor=floor))


def _fill_often(premises: Premises, trials: int, seed: int, *, floor: bool) -> Cuts:
    dice, cuts = random.Random(seed), Cuts()
    with TemporaryDirectory(prefix="anxin-full-") as name:
        scratch = Path(name)
        disk = scratch / "disk"
        disk.mkdir()
        for number in range(trials):
            size = dice.randint(*DISK_MIB)
            command("mount", "-t", "tmpfs", "-o", f"size={size}m", "anxin-proof", disk)
            try:
                _one(premises, disk, scratch, cuts, dice.randrange(10**9), floor=floor)
            finally:
                command("umount", disk)
            if cuts.examples and not cuts.examples[-1].startswith("disk"):
                cuts.examples[-1] = f"disk {number} of {size} MiB: {cuts.examples[-1]}"
    return cuts


def _one(
    premises: Premises, disk: Path, scratch: Path, cuts: Cuts, seed: int, *, floor: bool
) -> None:
    acks, log = scratch / "acks", scratch / "log"
    for file in (acks, log):
        file.unlink(missing_ok=True)
    writer = partial(until_full, premises, seed, floor=floor)
    process = start(writer, disk, acks, log)
    status = process.wait(LIVES_LIMIT_S)
    process.kill()
    if status != 0:
        raise CannotRun(f"the station ended with {status}: {tail(log)}")
    words = acks.read_text(encoding="utf-8").splitlines()
    told = [word for word in words if word != UNFINISHED]
    cuts.acked += len(told)
    verdict = check(partial(judge, premises), disk, told, scratch)
    if verdict.ok and UNFINISHED in words:
        cuts.cuts += 1
        cuts.failing += 1
        cuts.examples.append("a sitting that was let in did not come to its end")
    else:
        cuts.add("full", verdict)


def until_full(premises: Premises, seed: int, folder: Path, tell: Ack, *, floor: bool) -> None:
    """Serve people until nobody is let in any more; ballast comes in the middle of a sitting.

    Ballast is what somebody else writes on the same disk: it leaves nothing but the reserves.
    """
    dice = random.Random(seed)
    options = {"floor_bytes": FLOOR_MIB * MIB, "reserve_bytes": RESERVE_MIB * MIB}
    with open_store(folder, **(options if floor else {})) as store:
        rooms = premises.rooms(store)
        ballast_at = dice.randrange(8)
        for number in range(1000):
            try:
                record = rooms.begin("zh-CN")
            except StoreFull:
                return
            pause = _Ballast(folder, dice.randrange(1, 8)) if number == ballast_at else _nothing
            try:
                sit(store, record, USUAL, tell, pause=pause)
            except StoreFull:
                tell(UNFINISHED)
                return


def _nothing() -> None:
    return


class _Ballast:
    """Fills the disk at one of a sitting's steps."""

    def __init__(self, folder: Path, at_step: int) -> None:
        self._folder = folder
        self._left = at_step

    def __call__(self) -> None:
        self._left -= 1
        if self._left:
            return
        with suppress(OSError), (self._folder / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(os.urandom(4096))

"""The disk fails, fills up, or gives back other bytes: nothing told is lost, nothing false is told.

`errors`: at each file operation of the journal the disk fails once, with EIO (what was unsynced is
then gone while the next sync reports success, as Linux has it) or with ENOSPC; the station ends and
is started again, or refuses and goes on. `system_calls`: a whole process under strace, whose Nth
flush or write and every later one fails with EIO or ENOSPC. `full`: a real small file system fills
up around a sitting; with its floor and its reserves every sitting that was let in comes to its end,
and new ones are refused before they begin. `flips`: bits, sectors and pages of the database or of
its write-ahead log are damaged between two runs; the station starts, and hands out each package as
it was or says that it cannot. Where a damaged frame of the log ends the log, what lay behind it is
gone and nothing on the station tells of it; how often is in the note, and only heads that left the
station with a delivery show it.

Not tried: a disk that fails for minutes and then works, two faults at a time, a remount read-only
(Linux refuses it while the journal is open), btrfs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from proofs import Proof, Tally, Trial
from proofs.breaking.damage import damage_often, no_authentication
from proofs.breaking.failing import enduring, going_on, swallowing
from proofs.breaking.filling import fill_often
from proofs.breaking.system_calls import fail_calls
from proofs.custody import judge
from proofs.powercut.forked import Cuts
from proofs.powercut.sweep import sweep
from proofs.powercut.vfs import FAULTS
from proofs.premises import Premises, make_premises

THERE: Final = "What was told is there, and nothing is told that is not"
Counting = Callable[[Premises, Path, int, int], Cuts]


def counted(promise: str, count: Counting) -> Trial:
    """Return the trial that counts so."""

    def run(trials: int, seed: int) -> Tally:
        began_s = time.monotonic()
        with TemporaryDirectory(prefix="anxin-breaking-") as name:
            cuts = count(make_premises(Path(name)), Path(name), trials, seed)
        cuts.require_substance()
        seconds = time.monotonic() - began_s
        return Tally(promise, cuts.cuts, cuts.failing, seconds, cuts.note)

    return run


def fail_operations(
    premises: Premises, folder: Path, trials: int, seed: int, *, swallows: bool = False
) -> Cuts:
    """Let operations of the journal fail, one in each trial."""
    writer = swallowing(going_on(premises)) if swallows else going_on(premises)
    return sweep(enduring(writer), partial(judge, premises), trials, seed, ways=FAULTS)


def _proof(promise: str, count: Counting, broken: Counting, *sizes: int) -> Proof:
    short, long, control = sizes
    return Proof(promise, counted(promise, count), counted(promise, broken), short, long, control)


PROOFS: Final[Mapping[str, Proof]] = {
    "errors": _proof(
        f"{THERE}: one operation of the journal fails with EIO or ENOSPC",
        fail_operations, partial(fail_operations, swallows=True), 12, 1000, 100,
    ),
    "system_calls": _proof(
        f"{THERE}: flushes or writes of the process fail from the Nth on",
        fail_calls, partial(fail_calls, swallows=True), 1, 30, 12,
    ),
    "full": _proof(
        "Every sitting that was let in comes to its end while the disk fills up",
        fill_often, partial(fill_often, floor=False), 2, 200, 20,
    ),
    "flips": _proof(
        "Damaged bytes are never handed out, nor a damaged package hidden",
        damage_often, partial(damage_often, breaking=no_authentication), 12, 1000, 100,
    ),
}  # fmt: skip

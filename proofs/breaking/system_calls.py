"""Failing the system calls of a whole process, by strace.

Not by libfiu: under its preload the import of NumPy hangs, before anything of ours runs [measured,
libfiu 1.1, NumPy 2].
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from proofs import CannotRun, ToolMissing
from proofs.custody import judge
from proofs.powercut.forked import Cuts, check
from proofs.premises import Premises

CHECKOUT: Final = Path(__file__).resolve().parents[2]
LIMIT_S: Final = 180.0
FAULTS: Final = (
    # What fails, how, and from which of its calls on; strace counts them for each thread by itself,
    # and the journal's writer is a new thread in each run of the station.
    ("fdatasync", "EIO", (2, 16)),
    ("pwrite64", "EIO", (10, 240)),
    ("pwrite64", "ENOSPC", (10, 240)),
)


def fail_calls(
    premises: Premises, folder: Path, trials: int, seed: int, *, swallows: bool = False
) -> Cuts:
    """Let calls fail, of another kind in each trial. Raises `CannotRun`."""
    if not shutil.which("strace"):
        raise ToolMissing("strace is not installed")
    dice, cuts = random.Random(seed), Cuts()
    for number in range(trials):
        store = folder / "store"
        shutil.rmtree(store, ignore_errors=True)
        store.mkdir()
        fault, words = _fault(dice, number)
        told = _struck(folder, words, swallows=swallows)
        cuts.acked += len(told)
        cuts.add(fault, check(partial(judge, premises), store, told, folder))
    return cuts


def _fault(dice: random.Random, number: int) -> tuple[str, Sequence[str]]:
    """Return what fails, and the words that make it fail."""
    call, error, calls = FAULTS[number % len(FAULTS)]
    first = dice.randint(*calls)
    trace = ("-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={first}+")
    return f"{call} {first} {error}", (
        "strace",
        "-f",
        "-qq",
        "--seccomp-bpf",
        "-o",
        "/dev/null",
        *trace,
    )


def _struck(folder: Path, words: Sequence[str], *, swallows: bool) -> list[str]:
    """Run the station with failing calls; return what it told."""
    python = [sys.executable, "-m", "proofs.breaking.struck", str(folder)]
    done = subprocess.run(
        [*words, *python, *(["swallows"] if swallows else [])],
        cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    ready, *told = done.stdout.splitlines() or [""]
    if ready != "ready":
        raise CannotRun(f"the station did not begin: {done.stderr.strip()[-300:]}")
    return told

"""The fuzz targets, each for a second or two: the same inputs at every run, and faults to find.

`make fuzz-line` goes on for as long as it is told, each time anew.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CHECKOUT = Path(__file__).resolve().parents[2]
SEEDS = Path(__file__).with_name("seeds")
RUNS = 800
PATIENCE_S = 300


def fuzz(target: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Fuzz one target in a process of its own, with dice that always fall alike."""
    pytest.importorskip("atheris", reason="the fuzzer is missing")
    command = [sys.executable, "-m", "tests.fuzz.run", target, "--seed=1", f"--keep={folder}"]
    return subprocess.run(
        [*command, *options], cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE_S,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_no_bytes_break_a_promise(target, tmp_path):
    """Over the seeds, and what grows out of them along new ways through our code."""
    done = fuzz(target, tmp_path, f"--runs={RUNS}")
    grown = len(list((tmp_path / "corpus").iterdir()))

    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Done {RUNS} runs" in done.stderr
    assert grown > len(list((SEEDS / target).iterdir()))


@pytest.mark.parametrize("target", TARGETS)
def test_a_planted_fault_is_found(target, tmp_path):
    """Else the fuzzer would only show that it runs; `PLANTS` says which fault each target gets."""
    done = fuzz(target, tmp_path, f"--runs={100 * RUNS}", "--plant")

    assert done.returncode != 0
    assert "AssertionError" in done.stdout + done.stderr
    assert list(tmp_path.glob("crash-*"))


def test_a_fuzzer_is_not_ended_for_the_memory_of_who_started_it(tmp_path):
    """A starter of 1.5 GB, and a run long enough for the fuzzer's look at its own memory."""
    starter = (
        "import subprocess, sys; held = bytearray(b'x') * (3 << 29);"
        "sys.exit(subprocess.run(sys.argv[1:]).returncode)"
    )
    command = [sys.executable, "-m", "tests.fuzz.run", "answers", "--seed=1", "--seconds=3"]
    done = subprocess.run(
        [sys.executable, "-c", starter, *command, f"--keep={tmp_path}"], cwd=CHECKOUT,
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_small_seeds(target):
    """Honest examples, so that the fuzzer begins behind the first check."""
    sizes = [seed.stat().st_size for seed in (SEEDS / target).iterdir()]

    assert len(sizes) >= 4
    assert max(sizes) <= 600

"""Fuzz every target, one after the other: ``python -m tests.fuzz [--seconds N]``, N in all.

What each run finds is grown upon by the next one, in `.cache/anxin/fuzz`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS

CHECKOUT = Path(__file__).resolve().parents[2]
KEPT = CHECKOUT / ".cache" / "anxin" / "fuzz"


def main() -> int:
    """Return 0 if every promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="for all targets together")
    seconds = max(1, parser.parse_args().seconds // len(TARGETS))
    broken = []
    for target in TARGETS:
        sys.stderr.write(f"== {target}, {seconds} s\n")
        folder = KEPT / target
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.fuzz.run", target, f"--seconds={seconds}"]
        done = subprocess.run([*command, f"--keep={folder}"], cwd=CHECKOUT, check=False)
        broken += [target] * (done.returncode != 0)
    sys.stderr.write(f"broken: {', '.join(broken) or 'none'}\n")
    return len(broken)


if __name__ == "__main__":
    sys.exit(main())

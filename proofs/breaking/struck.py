"""A station in a process of its own, whose system calls are made to fail: prints what is told."""

from __future__ import annotations

import sys
from pathlib import Path

from proofs.breaking.failing import enduring, going_on, swallow
from proofs.premises import make_premises


def main(folder: Path, *, swallows: bool) -> None:
    """Serve some people in the folder, and end at the first failure of the journal."""
    premises = make_premises(folder)
    if swallows:
        swallow()
    writer = enduring(going_on(premises))
    # From here on everything may fail.
    print("ready", flush=True)  # noqa: T201 - what it is for
    writer(folder / "store", lambda word: print(word, flush=True))  # noqa: T201 - the same


if __name__ == "__main__":
    main(Path(sys.argv[1]), swallows="swallows" in sys.argv[2:])

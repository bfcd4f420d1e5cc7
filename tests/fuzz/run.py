"""Coverage-guided fuzzing of one target: ``python -m tests.fuzz.run NAME [--seconds N]``.

What finds new ways through our code is kept in a folder of its own run and grown upon; the seeds in
the tree stay as they are. An input that breaks a promise ends the run with a code other than 0, and
is left in the folder that the last line names.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["drivers"]):
    from tests.fuzz.targets import TARGETS

from tests.fuzz.plants import PLANTS

SEEDS = Path(__file__).with_name("seeds")
LONGEST_BYTES = 2048
MEMORY_BYTES = 1 << 30
STUCK_S = 20


def main() -> None:
    """Fuzz one target for so long, or so often; with a planted fault it must find that."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=0, help="so many inputs, instead of seconds")
    parser.add_argument("--seed", type=int, default=0, help="of the dice; 0: anew each time")
    parser.add_argument("--plant", action="store_true", help="break the code on purpose first")
    parser.add_argument("--keep", type=Path, help="folder for what was found; default: a new one")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix=f"anxin-fuzz-{given.target}-"))
    corpus = folder / "corpus"
    shutil.copytree(SEEDS / given.target, corpus, dirs_exist_ok=True)
    if given.plant:
        PLANTS[given.target]()
    limit = f"-runs={given.runs}" if given.runs else f"-max_total_time={given.seconds}"
    # The fuzzer's own limit asks getrusage for the peak, which exec inherits from its starter:
    # a test run that had grown beyond the limit ended every fuzzer after its first second.
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    atheris.Setup(
        [
            sys.argv[0], str(corpus), limit, f"-seed={given.seed}", f"-max_len={LONGEST_BYTES}",
            f"-artifact_prefix={folder}/", "-rss_limit_mb=0", f"-timeout={STUCK_S}",
            "-print_final_stats=1",
        ],
        TARGETS[given.target],
    )  # fmt: skip
    sys.stderr.write(f"found: {folder}\n")
    atheris.Fuzz()


if __name__ == "__main__":
    main()

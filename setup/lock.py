"""`python3 -m setup.lock [--upgrade]`: compile the lock files from what we name ourselves.

A lock holds versions and digests and no address: where packages come from is the machine's matter.
"""

from __future__ import annotations

import sys
from typing import Final

from setup import environment
from setup.commands import Stop, run, say

LOCKS: Final = {
    "setup": "overrides",
    "runtime": "overrides",
    "comparison": "overrides",
    "fingerprints": "overrides",
    "gateway": "overrides",
    "cameras": "overrides",
    "voice": "overrides",
    "dev": "overrides",
    "outside": "outside-overrides",
}
"""The lock files, and the file in `requirements/` that says what its packages ask for in vain."""


def compile_locks(*options: str) -> None:
    """Rewrite the lock files; pins that still fit are kept unless `--upgrade` is among the options.

    Raises:
        Stop: the versions cannot be met, or no package source can be reached.
    """
    environment.install_tools()
    form = ("--generate-hashes", "--no-emit-index-url", "--no-header", "--only-binary=:all:")
    for name, overrides in LOCKS.items():
        without = ("--python-version=3.11", f"--overrides=requirements/{overrides}.txt")
        say(f"locking requirements/{name}.in")
        names = (f"requirements/{name}.in", "-o", f"requirements/{name}.lock")
        uv = environment.TOOLS / "bin" / "uv"
        run(f"lock-{name}", [uv, "pip", "compile", *form, *without, *options, *names])


if __name__ == "__main__":
    try:
        compile_locks(*sys.argv[1:])
    except Stop as stop:
        sys.exit(f"set-up: {stop}.")

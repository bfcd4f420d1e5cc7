"""Run the machine's own tools, keep what they say in a log, and turn a failure into one sentence.

No address of a package source stands here or anywhere in the project: pip, npm, uv and apt-get ask
whatever source this machine is configured for.
"""

from __future__ import annotations

import errno
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = CHECKOUT / ".cache" / "anxin"
LOGS: Final = CACHE / "logs"

SPACE_NEEDED_BYTES: Final = 2_000_000_000
"""Environment, download cache, model files and one carrier at a time, with room to spare."""

DISK_FULL: Final = f"The disk is full: free {SPACE_NEEDED_BYTES // 10**9} GB where {CHECKOUT} lies"
NO_NETWORK: Final = "No package source can be reached: connect this machine and run this again"
NOT_WRITABLE: Final = f"{CHECKOUT} cannot be written by this account: make it the folder's owner"

# In the order of certainty: a full disk also makes downloads fail.
_CAUSES: Final = (
    (r"No space left on device|ENOSPC|enough free space|Disk quota exceeded", DISK_FULL),
    (r"HASHES|[Hh]ash mismatch|hashes? (do|does) not match", "A download is not the pinned file"),
    (
        r"[Nn]ame resolution|resolving|resolve host|getaddrinfo|ENOTFOUND|EAI_AGAIN|ENETUNREACH|"
        r"ECONNREFUSED|ETIMEDOUT|unreachable|Connection refused|ConnectionError|dns error|"
        r"NewConnectionError|error sending request|[Tt]imed out",
        NO_NETWORK,
    ),
)


class Stop(Exception):
    """Set-up cannot go on. The message is one sentence that says what to do, without full stop."""


def say(line: str) -> None:
    """Print one line of progress."""
    # One write for text and line end: carriers are fetched several at once.
    print(f"set-up: {line}\n", end="", flush=True)  # noqa: T201  # this is the set-up's only voice


def run(name: str, command: Sequence[str | Path], *, folder: Path = CHECKOUT) -> str:
    """Run a tool to its end and return its standard output.

    Args:
        name: of the log file below `LOGS` that keeps both outputs.
        command: the tool and its arguments; no shell comes between.
        folder: where the tool runs.

    Raises:
        Stop: it could not be run or ended badly; the sentence names the cause where it is known.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    # Temporary files beside their destination: one disk to fill, and never a small /tmp.
    scratch = CACHE / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as errors:
        done = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            env={**os.environ, "TMPDIR": str(scratch)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        errors.write(done.stdout)
    if done.returncode != 0:
        said = log.read_text(encoding="utf-8", errors="replace")
        what = (
            cause(said) or f"`{Path(command[0]).name}` failed: read its output and run this again"
        )
        raise Stop(f"{what} ({log.relative_to(CHECKOUT)})")
    return done.stdout


def cause(log: str) -> str | None:
    """Return what to do about a failed tool's output, or None if it says nothing we know."""
    return next((sentence for pattern, sentence in _CAUSES if re.search(pattern, log)), None)


def cause_of(error: OSError) -> str:
    """Return what to do about the operating system's own refusal."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NOT_WRITABLE
    return f"Set-up failed: {error}"

"""The virtual environment: exactly what one lock file pins, every file checked by its digest."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import Final

from setup.commands import CACHE, CHECKOUT, DISK_FULL, SPACE_NEEDED_BYTES, Stop, run, say

VENV: Final = CHECKOUT / ".venv"
TOOLS: Final = CACHE / "tools"
"""A second small environment with pip and uv, so that the first holds nothing but the lock."""

OUTSIDE: Final = CACHE / "outside"
"""A third with programs of others that must not meet ours: tests let them read what we write."""

RUNTIME: Final = CHECKOUT / "requirements" / "runtime.lock"
FINGERPRINTS: Final = CHECKOUT / "requirements" / "fingerprints.lock"
COMPARISON: Final = CHECKOUT / "requirements" / "comparison.lock"
CAMERAS: Final = CHECKOUT / "requirements" / "cameras.lock"
DEV: Final = CHECKOUT / "requirements" / "dev.lock"
OTHERS: Final = CHECKOUT / "requirements" / "outside.lock"
SETUP: Final = CHECKOUT / "requirements" / "setup.lock"


def holds(folder: Path, lock: Path) -> bool:
    """Tell whether an environment was completed from exactly this lock file, by this Python."""
    stamp = folder / "stamp"
    return (
        stamp.is_file()
        and stamp.read_text(encoding="utf-8") == _stamp(lock)
        and (folder / "bin" / "python").exists()
    )


def install_tools() -> None:
    """Make the environment that holds pip and the pinned uv. Raises `Stop`."""
    if holds(TOOLS, SETUP):
        return
    say("preparing the installer")
    _check_space()
    shutil.rmtree(TOOLS, ignore_errors=True)
    run("tools-venv", [_python(), "-m", "venv", TOOLS])
    quiet = ("--no-cache-dir", "--disable-pip-version-check", "--no-input", "--retries=2")
    strict = ("--require-hashes", "--no-deps", "--only-binary=:all:")
    run("tools-pip", [TOOLS / "bin" / "pip", "install", *quiet, *strict, "-r", SETUP])
    _complete(TOOLS, SETUP)


def install(lock: Path, folder: Path = VENV) -> None:
    """Make an environment hold what the lock file says, no more and no less. Raises `Stop`."""
    say(f"installing what requirements/{lock.name} pins into {folder.name}")
    _check_space()
    (folder / "stamp").unlink(missing_ok=True)
    # Beside the environment: uv then links instead of copying, and no other account's cache helps.
    os.environ.setdefault("UV_CACHE_DIR", str(CACHE / "uv"))
    uv = TOOLS / "bin" / "uv"
    run("uv-venv", [uv, "venv", "--allow-existing", "--no-config", "--python", _python(), folder])
    strict = ("--require-hashes", "--no-build", "--python", folder / "bin" / "python")
    run("uv-sync", [uv, "pip", "sync", *strict, lock])
    _complete(folder, lock)


def _python() -> Path:
    # The real file behind pyenv's or another environment's link: those may be removed one day.
    return Path(sys.executable).resolve()


def _stamp(lock: Path) -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    return f"{version} {hashlib.sha256(lock.read_bytes()).hexdigest()}\n"


def _complete(folder: Path, lock: Path) -> None:
    (folder / "stamp").write_text(_stamp(lock), encoding="utf-8")


def _check_space() -> None:
    if shutil.disk_usage(CHECKOUT).free < SPACE_NEEDED_BYTES:
        raise Stop(DISK_FULL)

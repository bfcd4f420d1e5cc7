"""A slot made ready to run: its own environment and models, from what the release brings along.

What is the same as in the slot that runs is taken over by links, so that a small update needs
seconds and no network. Then the new tree's own set-up is asked to do what is missing: it verifies
every file by its digest, and takes packages from the release where it brought them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.upkeep.release_file import Release, ReleaseUnfit

ENVIRONMENT: Final = ".venv"
CACHE: Final = Path(".cache") / "anxin"
TAKEN_OVER: Final = ("models", "web", "tools")
"""Of the cache: what a station needs to run, and what installs; every file is checked by set-up."""
ASK: Final = (
    "import json; from edge import VERSION; from edge.store.schema import SCHEMA_VERSION;"
    "print(json.dumps([VERSION, SCHEMA_VERSION]))"
)
ASK_S: Final = 60.0
BUILD_S: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Made:
    """What a slot says of itself."""

    version: str
    schema: int


def made_of(slot: Path) -> Made:
    """Ask a slot's own Python for its version and its step of the journal's tables.

    Raises:
        ReleaseUnfit: it does not answer.
    """
    python = slot / ENVIRONMENT / "bin" / "python"
    try:
        done = subprocess.run(  # noqa: S603 - a slot's own Python, and words of ours
            [python, "-s", "-B", "-c", ASK],
            cwd=slot, capture_output=True, text=True, timeout=ASK_S, check=False,
        )  # fmt: skip
        version, schema = json.loads(done.stdout)
        return Made(str(version), int(schema))
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise ReleaseUnfit(f"{slot} does not say which version it is") from error


def build(tree: Path, brought: Path, old: Path, release: Release) -> None:
    """Give an unpacked tree its environment and models.

    Args:
        tree: the new slot.
        brought: the folder of the release's other files.
        old: the slot that runs.
        release: what was verified.

    Raises:
        ReleaseUnfit: it cannot be made ready; the sentence says why.
        OSError: no room, or no right.
    """
    if _locks(tree) == _locks(old):
        _take_over(old / ENVIRONMENT, tree / ENVIRONMENT)
    for name in TAKEN_OVER:
        _take_over(old / CACHE / name, tree / CACHE / name)
    if (brought / "models").is_dir():
        shutil.copytree(brought / "models", tree / CACHE / "models", dirs_exist_ok=True)
    python = str(Path(sys.executable).resolve())
    words = [*_offline(brought if release.wheels else None), python, "-B", "-m", "setup", "run"]
    done = subprocess.run(  # noqa: S603 - the verified tree's own set-up
        words, cwd=tree, capture_output=True, text=True, timeout=BUILD_S, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise ReleaseUnfit(f"its set-up failed: {said}")


def _offline(brought: Path | None) -> list[str]:
    """Return what stands before set-up so that no package source is asked where packages came."""
    if brought is None:
        return []
    wheels = str(brought / "wheels")
    words = {
        "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels, "UV_NO_INDEX": "1", "UV_FIND_LINKS": wheels,
        "UV_OFFLINE": "1",
    }  # fmt: skip
    return ["/usr/bin/env", *(f"{name}={value}" for name, value in words.items())]


def _locks(slot: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (slot / "requirements").glob("*.lock")}


def _take_over(source: Path, place: Path) -> None:
    """Link what lies in a folder; a folder that is itself a link stays one."""
    if place.exists() or place.is_symlink():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        place.symlink_to(source.resolve())
    elif source.is_dir():
        shutil.copytree(source, place, symlinks=True, copy_function=_linked)


def _linked(source: str, place: str) -> str:
    if os.path.islink(source):
        os.symlink(os.readlink(source), place)
        return place
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)
    return place

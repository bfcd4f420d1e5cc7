"""A release as one signed file: everything is verified before anything is unpacked.

    anxin-station-<version>.anxin    a plain tar:
        release.jws                  first: anxin-release+jws {"v":1,"version","schema","made_at",
                                     "files":{name: {"sha256","bytes"}}}
        anxin-station-<version>.tar.gz, wheels/…, models/…, sbom.cdx.json

Signed by the releaser's key, whose public half was pinned at installation. `version` is the tree's
own, `schema` the step of the journal's tables that it makes: who installs must know both before.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from edge.trust.keys import KeyUnusable
from edge.trust.signatures import PublicKey, SignatureInvalid, public_key, verified

SEAL: Final = "release.jws"
TYP: Final = "anxin-release+jws"
SEAL_BYTES_MAX: Final = 1 << 20
BYTES_MAX: Final = 8 << 30
FILES_MAX: Final = 2000
NAME: Final = re.compile(r"(?:(?:wheels|models)/)?[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")
VERSION: Final = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){1,3}")
_SLICE: Final = 1 << 20


class ReleaseUnfit(Exception):
    """Not a release of ours, or not whole. The message is one sentence; nothing was unpacked."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of a release."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Release:
    """What a signed file says that it is.

    Attributes:
        version: as `edge.VERSION` has it.
        schema: which step of the journal's tables it makes.
        files: by name.
        made_at: RFC 3339.
    """

    version: str
    schema: int
    files: Mapping[str, Listed]
    made_at: str

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"anxin-station-{self.version}"

    @property
    def tree(self) -> str:
        """Name of the packed tree in it."""
        return f"{self.name}.tar.gz"

    @property
    def wheels(self) -> bool:
        """Whether it brings its packages along."""
        return any(name.startswith("wheels/") for name in self.files)


def numbered(version: str) -> tuple[int, ...]:
    """Return a version so that the newer is the greater. Raises `ValueError`."""
    if not VERSION.fullmatch(version):
        raise ValueError(f"{version!r} is no version")
    return tuple(int(part) for part in version.split("."))


def read_release_keys(path: Path) -> Mapping[str, PublicKey]:
    """Return the pinned keys of who releases, by kid.

    Raises:
        ReleaseUnfit: no such file, or no public keys in it.
    """
    try:
        told = json.loads(path.read_bytes())
        keys = [public_key(jwk) for jwk in told.get("keys", [told])]
    except KeyUnusable as error:
        raise ReleaseUnfit(f"{path}: {error}.") from error
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ReleaseUnfit(
            f"{path} holds no key of who releases: pin it first, see docs/update.md."
        ) from error
    return {key.thumbprint(): key for key in keys}


def verify(file: IO[bytes], keys: Mapping[str, PublicKey]) -> Release:
    """Return what a file holds, once the signature and every byte of it were checked.

    Raises:
        ReleaseUnfit: not signed by these keys, changed, cut, or with what was not signed.
        OSError: it cannot be read.
    """
    release: Release | None = None
    met: set[str] = set()
    for name, size, content in _members(file):
        if release is None:
            release = _said(name, size, content, keys)
            continue
        listed = release.files.get(name)
        if listed is None or name in met:
            raise ReleaseUnfit(f"{name!r} was not signed with the release")
        met.add(name)
        if size != listed.size or _digest(content, None) != listed.sha256:
            raise ReleaseUnfit(f"{name} is not the file that was signed")
    if release is None:
        raise ReleaseUnfit("it is empty")
    for name in sorted(release.files.keys() - met):
        raise ReleaseUnfit(f"{name} is missing")
    return release


def unpack(file: IO[bytes], release: Release, folder: Path) -> None:
    """Put the files of a verified release into a folder; each is held against its digest again.

    Raises:
        ReleaseUnfit: the file was changed since it was verified.
        OSError: no room, or no right.
    """
    for name, _, content in _members(file):
        listed = release.files.get(name)
        if name == SEAL:
            continue
        if listed is None:
            raise ReleaseUnfit(f"{name!r} was not signed with the release")
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if _digest(content, place) != listed.sha256:
            raise ReleaseUnfit(f"{name} changed while it was unpacked")


def unpack_tree(archive: Path, release: Release, into: Path) -> Path:
    """Unpack the tree below `into`, and return its folder.

    Raises:
        ReleaseUnfit: it holds what leads out of its own folder.
    """
    try:
        with tarfile.open(archive, "r:gz") as tree:
            for member in tree.getmembers():
                if member.name.split("/")[0] not in (release.name, "pax_global_header"):
                    raise ReleaseUnfit(f"{member.name!r} leads out of the release")
            tree.extractall(into, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise ReleaseUnfit(f"its tree cannot be unpacked: {error}") from error
    return into / release.name


def _members(file: IO[bytes]) -> Iterator[tuple[str, int, IO[bytes]]]:
    file.seek(0)
    left = BYTES_MAX
    try:
        with tarfile.open(fileobj=file, mode="r:") as package:
            for count, member in enumerate(package):
                left -= member.size
                if count > FILES_MAX or left < 0:
                    raise ReleaseUnfit("it is larger than any release")
                content = package.extractfile(member) if member.isreg() else None
                if content is None:
                    raise ReleaseUnfit(f"{member.name!r} is no plain file")
                yield member.name, member.size, content
    except (tarfile.TarError, EOFError) as error:
        raise ReleaseUnfit(f"it is no release, or cut off: {error}") from error


def _said(name: str, size: int, content: IO[bytes], keys: Mapping[str, PublicKey]) -> Release:
    if name != SEAL or size > SEAL_BYTES_MAX:
        raise ReleaseUnfit("it does not begin with its signature")
    try:
        said, _ = verified(content.read().decode("ascii").strip(), TYP, keys)
        return _release(said)
    except (SignatureInvalid, UnicodeDecodeError, tarfile.TarError) as error:
        raise ReleaseUnfit("it is not signed by the key that is pinned here") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReleaseUnfit("its signature does not say what a release says") from error


def _release(said: Mapping[str, Any]) -> Release:
    files = {
        str(name): Listed(str(one["sha256"]), int(one["bytes"]))
        for name, one in said["files"].items()
    }
    release = Release(str(said["version"]), int(said["schema"]), files, str(said["made_at"]))
    numbered(release.version)
    if not all(NAME.fullmatch(name) for name in files) or release.tree not in files:
        raise ValueError("no such files in a release")
    return release


def _digest(content: IO[bytes], copy: Path | None) -> str:
    digest = hashlib.sha256()
    target = None if copy is None else copy.open("wb")
    try:
        while piece := content.read(_SLICE):
            digest.update(piece)
            if target is not None:
                target.write(piece)
    except tarfile.TarError as error:
        raise ReleaseUnfit("it is cut off") from error
    finally:
        if target is not None:
            target.close()
    return digest.hexdigest()

"""A content pack as it came: every file, and the signature over all of them.

    content.jws   anxin-content+jws {"v":1,"pack","number","signed_at","files":{name: sha256}}

Signed by a key of use `content` in the centre's key list. Each file is read once, and what was read
is what was checked; a link is not followed, and a file that the signature does not name is none.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from edge.service.pack import PackUnfit
from edge.trust.key_list import ListedKey
from edge.trust.signatures import SignatureInvalid, verified

SEAL_FILE: Final = "content.jws"
TYP: Final = "anxin-content+jws"
FILES_MAX: Final = 400
FILE_BYTES_MAX: Final = 1 << 20
PACK_BYTES_MAX: Final = 16 << 20
_SEAL_BYTES_MAX: Final = 128 << 10
_NAME: Final = re.compile(
    r"pack\.toml|lines\.(zh-CN|en)\.toml|cards/[a-z0-9][a-z0-9_-]*\.(svg|png|jpg)"
    r"|voice/(zh-CN|en)/[a-z0-9_]+(\.[a-z0-9_]+)+\.opus"
)


@dataclass(frozen=True, slots=True)
class SealedPack:
    """What the centre signed.

    Attributes:
        pack, number: which pack, and the how-manieth.
        files: name to bytes, as they were signed.
        seal: the token itself.
    """

    pack: str
    number: int
    files: Mapping[str, bytes]
    seal: bytes


def read_sealed(folder: Path, keys: Mapping[str, ListedKey]) -> SealedPack:
    """Return a pack whose signature and digests hold.

    Args:
        folder: of the pack.
        keys: of use `content`, by kid.

    Raises:
        PackUnfit: not signed, by a foreign key, changed, or with what is no part of a pack.
    """
    seal = _read(folder, SEAL_FILE, _SEAL_BYTES_MAX)
    said = _said(seal, keys)
    digests = said["files"]
    found = _names(folder)
    for name in sorted(found - digests.keys()):
        raise PackUnfit(f"{name} was not signed with the pack")
    for name in sorted(digests.keys() - found):
        raise PackUnfit(f"{name} is missing")
    files: dict[str, bytes] = {}
    left = PACK_BYTES_MAX
    for name, digest in sorted(digests.items()):
        files[name] = _read(folder, name, FILE_BYTES_MAX)
        left -= len(files[name])
        if left < 0:
            raise PackUnfit(f"the pack is larger than {PACK_BYTES_MAX >> 20} MiB")
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise PackUnfit(f"{name} was changed after it was signed")
    return SealedPack(said["pack"], said["number"], files, seal)


def _said(seal: bytes, keys: Mapping[str, ListedKey]) -> Mapping[str, Any]:
    """Return what the signature says, in the form that it must have."""
    try:
        token = seal.decode("ascii").strip()
        said, kid = verified(token, TYP, {kid: key.key for kid, key in keys.items()})
        signed_at = datetime.fromisoformat(str(said["signed_at"]))
        pack, number, digests = said["pack"], said["number"], said["files"]
        well_formed = (
            signed_at.tzinfo is not None
            and isinstance(pack, str)
            and type(number) is int
            and isinstance(digests, dict)
        )
    except (SignatureInvalid, UnicodeDecodeError, KeyError, ValueError) as error:
        raise PackUnfit("it is not signed by a content key of our centre") from error
    if not well_formed:
        raise PackUnfit("its signature names no files")
    if not keys[kid].valid(round(signed_at.timestamp() * 1000)):
        raise PackUnfit("it was signed when its key was not valid")
    if len(digests) > FILES_MAX:
        raise PackUnfit(f"it has more than {FILES_MAX} files")
    for name, digest in digests.items():
        if not _NAME.fullmatch(name) or not isinstance(digest, str):
            raise PackUnfit("it names a file that is no part of a pack")
    return said


def _names(folder: Path) -> set[str]:
    """Return the files of a folder; anything but plain files in plain folders is refused."""
    names: set[str] = set()
    pending = [folder]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                name = path.relative_to(folder).as_posix()
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                elif not entry.is_file(follow_symlinks=False):
                    raise PackUnfit(f"{name!r} is a link or no plain file")
                elif name != SEAL_FILE:
                    names.add(name)
                if len(names) + len(pending) > FILES_MAX:
                    raise PackUnfit(f"it has more than {FILES_MAX} files")
    return names


def _read(folder: Path, name: str, limit: int) -> bytes:
    """Return a file's bytes, following no link at its end."""
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PackUnfit(f"{name!r} is a link or no plain file") from None
        raise PackUnfit(f"{name} cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PackUnfit(f"{name!r} is a link or no plain file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise PackUnfit(f"{name} is larger than {limit >> 10} KiB")
    return content

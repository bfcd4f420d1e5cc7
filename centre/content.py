"""Content packs, signed: one token over every file's SHA-256. Written from `docs/content.md`."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from centre.keys import content_key, keep, signed

TYP: Final = "anxin-content+jws"
SEAL: Final = "content.jws"


def sign_pack(folder: Path, pack: Path) -> int:
    """Sign a pack, in its own folder, and return how many files it has.

    Args:
        folder: of the centre; its first content key is made and listed.
        pack: with its pack.toml.

    Raises:
        OSError, ValueError: there is no pack that can be read.
    """
    try:
        head = tomllib.loads((pack / "pack.toml").read_text("utf-8"))
        named = {"pack": str(head["pack"]), "number": int(head["number"])}
    except (KeyError, TypeError) as error:
        raise ValueError(f"{pack}/pack.toml names no pack and number.") from error
    names = sorted(file.relative_to(pack).as_posix() for file in pack.rglob("*") if file.is_file())
    digests = {
        name: hashlib.sha256((pack / name).read_bytes()).hexdigest()
        for name in names
        if name != SEAL
    }
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = {"v": 1, **named, "signed_at": at, "files": digests}
    keep(pack / SEAL, signed(said, TYP, content_key(folder)).encode() + b"\n", 0o644)
    return len(digests)

"""What a thief does with a disk: search it raw, open the journal, try every key."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from centre.opening import SUITE, split
from proofs.disk_search import KEY_BYTES, Needle, Search, keys_in, keys_written, pieces, signatures
from proofs.powercut.volume import Volume
from proofs.stolen.people import Person

INFO: Final = b"anxin-package/1\x00"
"""As docs/package.md has it."""


@dataclass(frozen=True, slots=True)
class Theft:
    """What the thief has found.

    Attributes:
        hits: in the raw image and in the decrypted journal.
        waiting: people whose open order the journal's key lets be read.
        keys: how many were found and tried.
        opened: packages that one of them opened.
    """

    hits: Sequence[str]
    hurt: frozenset[int]
    waiting: int
    keys: int
    opened: int
    image_mib: float
    needles: int


def needles_of(people: Sequence[Person], outside: Path) -> Iterator[Needle]:
    """Return everything that must not be found."""
    yield from signatures()
    for person in people:
        yield from person.needles()
        for plain in sorted((outside / str(person.number)).glob("*.plain")):
            yield from pieces(person.number, "a sample", plain.read_bytes())


def steal(disk: Volume, scratch: Path, people: Sequence[Person]) -> Theft:
    """Search the raw image and the decrypted journal, and try every key."""
    outside = scratch / "outside"
    wanted = list(needles_of(people, outside))
    search = Search(wanted)
    raw = search.found_in(disk.image)
    disk.mount("ro")
    keys = keys_in(disk.point)
    plain = decrypted(disk.point, scratch)
    disk.unmount()
    readable = search.found_in(plain) if plain else []
    open_orders = {person.number for person in people if person.ends in ("ordered", "in hand")}
    waiting = {n.whose for n in readable if n.whose in open_orders and "sample" not in n.what}
    worse = [n for n in readable if n.whose not in waiting or "sample" in n.what]
    if plain:
        keys |= keys_in_cells(plain)
    hurt = {needle.whose for needle in (*raw, *worse) if needle.whose is not None}
    opened = opened_by(keys, outside)
    hits = [f"on the disk: {n.what}" for n in raw] + [f"in the journal: {n.what}" for n in worse]
    used_mib = disk.image.stat().st_blocks * 512 / (1 << 20)
    return Theft(
        sorted(set(hits)), frozenset(hurt | opened), len(waiting), len(keys), len(opened),
        used_mib, len(wanted),
    )  # fmt: skip


def decrypted(disk: Path, scratch: Path) -> Path | None:
    """Return the journal with every page in the clear, free pages too, if a key there opens it."""
    copy = scratch / "thief"
    copy.mkdir()
    for file in disk.glob("store.db*"):
        shutil.copy(file, copy / file.name)
    plain = copy / "store.db"
    key_file = disk / "store.key"
    if not plain.exists() or not key_file.exists():
        return None
    key = key_file.read_bytes()
    db = apsw.Connection(str(plain))
    try:
        db.pragma("cipher", "aegis")
        db.pragma("key", f"raw:{key.hex()}")
        db.pragma("journal_mode", "delete")
        db.pragma("rekey", "")
    except apsw.NotADBError:
        # It never was encrypted: the control in which the journal lies open.
        return plain
    finally:
        db.close()
    return plain


def keys_in_cells(journal: Path) -> dict[bytes, str]:
    """Return what may be a key in any cell of the decrypted journal."""
    found: dict[bytes, str] = {}
    db = apsw.Connection(str(journal))
    try:
        tables = db.execute("select name from sqlite_schema where type = 'table'")
        for (table,) in list(tables):
            for row in db.execute(f'select * from "{table}"'):
                for cell in row:
                    content = cell.encode() if isinstance(cell, str) else cell
                    if isinstance(content, bytes):
                        found |= dict.fromkeys(keys_written(content), f"table {table}")
    finally:
        db.close()
    return found


def opened_by(keys: Mapping[bytes, str], outside: Path) -> set[int]:
    """Return whose packages any of the keys opens."""
    hurt = set()
    for file in sorted(outside.glob("*/package")):
        record = min(split(file.read_bytes()), key=lambda record: len(record.sealed))
        if any(_opens(key, record.header_bytes, record.sealed) for key in keys):
            hurt.add(int(file.parent.name))
    return hurt


def _opens(key: bytes, header: bytes, sealed: bytes) -> bool:
    with suppress(InvalidTag, ValueError):
        SUITE.decrypt(sealed, X25519PrivateKey.from_private_bytes(key), INFO + header)
        return True
    with suppress(InvalidTag):
        AESGCM(key).decrypt(bytes(12), sealed[KEY_BYTES:], None)
        return True
    return False

"""Stations that were broken on purpose, each in one way; a search must find each out."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path

from edge import seal
from edge.seal import SealingKey
from edge.store import Store
from edge.store import file as store_file
from proofs.premises import Premises
from proofs.sitters import USUAL, portrait
from proofs.stolen.life import live
from proofs.stolen.people import Person


def unsealed(premises: Premises, disk: Path, outside: Path, people: Sequence[Person]) -> None:
    """Broken on purpose: samples are not sealed; the journal's own cipher is all there is."""

    def bare(  # noqa: PLR0917 - the arguments of the whole one
        station_id: str, package_id: str, n: int, kind: str, key: SealingKey, plaintext: bytes
    ) -> bytes:
        record = whole(station_id, package_id, n, kind, key, plaintext)
        (length,) = struct.unpack_from(">I", record)
        return record[: 4 + length] + plaintext + bytes(seal.OVERHEAD_BYTES)

    whole, seal.seal_part = seal.seal_part, bare
    live(premises, disk, outside, people, _keep_made_up)


def in_the_clear(premises: Premises, disk: Path, outside: Path, people: Sequence[Person]) -> None:
    """Broken on purpose: the journal is not encrypted, so that orders lie on the disk."""
    store_file.unlock = lambda db, key_hex: None
    live(premises, disk, outside, people)


def in_a_file(premises: Premises, disk: Path, outside: Path, people: Sequence[Person]) -> None:
    """Broken on purpose: a sample goes through a temporary file, which is deleted."""

    def careless(  # noqa: PLR0917 - the arguments of the whole one
        station_id: str, package_id: str, n: int, kind: str, key: SealingKey, plaintext: bytes
    ) -> bytes:
        file = disk / f"{package_id}-{n}.tmp"
        with file.open("wb") as opened:
            opened.write(plaintext)
            opened.flush()
            os.fsync(opened.fileno())
        file.unlink()
        return whole(station_id, package_id, n, kind, key, plaintext)

    whole, seal.seal_part = seal.seal_part, careless
    live(premises, disk, outside, people)


def key_left(premises: Premises, disk: Path, outside: Path, people: Sequence[Person]) -> None:
    """Broken on purpose: whoever installed the station left the centre's private key on it."""
    private = premises.keyring.sealing.as_pem(private=True)
    (disk / "install.pem").write_bytes(private)
    live(premises, disk, outside, people)


def talkative(premises: Premises, disk: Path, outside: Path, people: Sequence[Person]) -> None:
    """Broken on purpose: a debug log that writes what it is given."""
    with (disk / "debug.log").open("a", encoding="utf-8") as log:
        for person in people:
            log.write(f"order {person.order_ref} of {person.surname}\n")
        log.flush()
        os.fsync(log.fileno())
    live(premises, disk, outside, people)


def _keep_made_up(_: Premises, __: Store, package_id: str, folder: Path) -> None:
    """Keep what the samples were made of: no centre can open such packages."""
    folder.mkdir(exist_ok=True)
    (folder / "0.plain").write_bytes(portrait(f"{folder.name}/{package_id}", USUAL).master)

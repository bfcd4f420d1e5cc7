"""A backup: one moment of the journal in a folder of its own, read whole before it counts.

    <to>/anxin-backup-<station_id>-<utc>/store.db        under the station's own store.key
                                         packages.txt    sequence, id, digest and state of each
                                         station.json    the station's public key, as registered
                                         backup.jws      what all this is, signed by the station

Neither `store.key` nor the station's private key is in it: what lies on a lost medium is of use to
nobody. `docs/backup.md` is the operator's page.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from edge import VERSION
from edge.durable import sync_folder
from edge.store.beside import Beside, CopyFacts, read_key, sha256_of, verify_copy
from edge.store.notes import leave_note
from edge.store.numbers import read_ceilings
from edge.trust.audit import Actor
from edge.trust.keys import KeyUnusable, StationKey
from edge.trust.signatures import SignatureInvalid, public_key, verified
from edge.utc import now_ms, rfc3339

BACKUP_TYP: Final = "anxin-backup+jws"
DATABASE: Final = "store.db"
LISTING: Final = "packages.txt"
CARD: Final = "station.json"
MANIFEST: Final = "backup.jws"
TECHNICIAN: Final = Actor("technician", "command")


class BackupUnfit(Exception):
    """Not a whole backup of this station. Its text is a plain sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A verified backup.

    Attributes:
        folder: where it lies.
        said: its signed manifest.
        facts: what was found in it by reading it.
    """

    folder: Path
    said: Mapping[str, Any]
    facts: CopyFacts


def make_backup(store: Path, station_id: str, station_key: StationKey, to: Path) -> Backup:
    """Copy the journal into a new folder under `to`, also while the station runs, and verify it.

    Args:
        store: the folder of the store.
        station_id: as the centre knows it.
        station_key: signs what was written.
        to: on a medium of the operator's.

    Raises:
        BackupUnfit: the medium is absent, full or fails; what was begun is removed.
        CopyUnfit: the journal cannot be read whole, or the copy reads otherwise than it was.
        StoreKeyWrong, StoreBroken: the journal.
    """
    path = store / DATABASE
    if not to.is_dir():
        raise BackupUnfit(f"There is no folder {to}: plug in the medium, or make the folder.")
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    folder = _new_folder(to, f"anxin-backup-{station_id}-{stamp}")
    part = folder.with_name(f".{folder.name}.part")
    try:
        with Beside(path, store / "store.key") as journal:
            part.mkdir(mode=0o700)
            journal.copy_to(part / DATABASE)
        facts = verify_copy(part / DATABASE, read_key(store / "store.key"))
        _describe(part, path, facts, station_id, station_key)
        part.rename(folder)
        sync_folder(to)
    except (OSError, apsw.FullError) as error:
        raise _medium_refusal(to, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    backup = read_backup(folder, read_key(store / "store.key"))
    about = {"packages": str(sum(facts.counts.values())), "sequence": str(facts.used.sequence)}
    leave_note(path, "store.backup", about, "ok", TECHNICIAN)
    return backup


def read_backup(folder: Path, key: bytes) -> Backup:
    """Read a backup whole and hold it against what was signed.

    Whose signature it is the caller has to know: `said["kid"]`.

    Raises:
        BackupUnfit: a file is missing, changed, or the signature does not hold.
        CopyUnfit: the copy is damaged or of another key.
    """
    said = read_manifest(folder)
    try:
        same = (
            sha256_of(folder / DATABASE) == said["database"]["sha256"]
            and sha256_of(folder / LISTING) == said["listing"]["sha256"]
        )
    except (OSError, KeyError, TypeError) as error:
        raise BackupUnfit(f"{folder} is not a whole backup: a file is missing in it.") from error
    if not same:
        raise BackupUnfit(f"{folder} was changed since it was written, or its medium forgets.")
    facts = verify_copy(folder / DATABASE, key)
    if hashlib.sha256(facts.listing).hexdigest() != said["listing"]["sha256"]:
        raise BackupUnfit(f"{folder} holds other packages than its list says.")
    return Backup(folder, said, facts)


def read_manifest(folder: Path) -> Mapping[str, Any]:
    """Return what is signed in a backup, and under "kid" by which key. Raises `BackupUnfit`."""
    try:
        card = json.loads((folder / CARD).read_bytes())
        keys = [public_key(jwk) for jwk in card["keys"]]
        token = (folder / MANIFEST).read_text("ascii").strip()
        said, kid = verified(token, BACKUP_TYP, {key.thumbprint(): key for key in keys})
    except (OSError, ValueError, KeyError, TypeError, KeyUnusable) as error:
        raise BackupUnfit(f"{folder} is not a whole backup: name the folder itself.") from error
    except SignatureInvalid as error:
        raise BackupUnfit(f"The signature of {folder} does not hold.") from error
    return {**said, "kid": kid}


def _describe(
    part: Path, path: Path, facts: CopyFacts, station_id: str, station_key: StationKey
) -> None:
    numbers = read_ceilings(path)
    _write(part / LISTING, facts.listing)
    _write(part / CARD, station_key.registration(station_id).encode())
    said = {
        "v": 1,
        "station_id": station_id,
        "made_at": rfc3339(now_ms()),
        "software": VERSION,
        "schema": facts.schema,
        "database": {
            "sha256": sha256_of(part / DATABASE),
            "size": (part / DATABASE).stat().st_size,
        },
        "listing": {"sha256": hashlib.sha256(facts.listing).hexdigest()},
        "packages": facts.counts,
        "sequence": facts.used.sequence,
        "lineage": numbers.lineage if numbers else "",
        "audit": {"n": facts.audit_n, "head": facts.audit_head},
    }
    token = station_key.sign_jws(json.dumps(said, separators=(",", ":")).encode(), BACKUP_TYP)
    _write(part / MANIFEST, f"{token}\n".encode())
    sync_folder(part)


def _new_folder(to: Path, name: str) -> Path:
    folder = to / name
    again = 2
    while folder.exists():
        folder, again = to / f"{name}-{again}", again + 1
    return folder


def _medium_refusal(to: Path, error: Exception) -> BackupUnfit:
    full = isinstance(error, apsw.FullError) or (
        isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    )
    if full:
        return BackupUnfit(f"There is no room for the copy in {to}: free some, or take another.")
    return BackupUnfit(f"{to} cannot be written: {getattr(error, 'strerror', None) or error}.")


def _write(file: Path, content: bytes) -> None:
    with file.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())

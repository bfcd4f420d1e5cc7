"""The folder of calibrations: each a folder of its own, whole or absent, signed file by file.

    <folder>/<device>/<utc>-<id>/calibration.json       canonical JSON, the record itself
                                 calibration.json.jws   detached JWS of it (RFC 7515, appendix F)
                                 curves.json, *.jpg     evidence; digests stand in the record
                                 certificate-en.pdf     once somebody asked for it
                                 certificate-en.pdf.jws

What lies there and is not ours is named, never trusted and never deleted. `docs/certificate.md` is
the auditor's page.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from edge.calibration.record import RECORD_BYTES_MAX, Evidence, Recorded, RecordUnfit, read_record
from edge.calibration.signed_file import Keys, holds
from edge.durable import sync_folder

RECORD: Final = "calibration.json"
CURVES: Final = "curves.json"
SIGNATURE: Final = ".jws"
PART: Final = ".part-"
RECORD_TYP: Final = "anxin-calibration+jws"
CERTIFICATE_TYP: Final = "anxin-certificate+jws"
FILE_BYTES_MAX: Final = 8 << 20
_DEVICE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_EVIDENCE: Final = re.compile(r"[a-z][a-z0-9_.]{0,80}\.(jpg|json)")
_NAME: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{32}")


class NotSigned(Exception):
    """This station's key did not sign what lies there: name it, and go by nothing in it."""


Trouble = Literal["foreign", "damaged", "unsigned", "other_station", "missing", "number_twice"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the folder that is not as it should be.

    Attributes:
        trouble: "foreign": no folder of ours by its name or kind; "damaged": no record of ours;
            "unsigned": not by this station's key; "other_station": signed, but not about us;
            "missing": the journal knows it and it is gone; "number_twice": another has its number.
        name: below the folder, cut to 120 characters; of a missing one its id.
        device_id: whose it was, "" if nobody knows.
    """

    trouble: Trouble
    name: str
    device_id: str = ""


@dataclass(frozen=True, slots=True)
class Lying:
    """A record that lies in the folder, whole and signed."""

    path: Path
    recorded: Recorded


def name_of(recorded: Recorded) -> str:
    """Return the name of a record's folder."""
    at = datetime.fromtimestamp(recorded.calibration.ended_at_ms / 1000, UTC)
    return f"{at:%Y%m%dT%H%M%SZ}-{recorded.id}"


def evidence_of(found: Mapping[str, bytes]) -> Evidence:
    """Return the evidence that files hold which are as they were."""
    curves = json.loads(found[CURVES]) if CURVES in found else {}
    pictures = {name[:-4]: jpeg for name, jpeg in found.items() if name.endswith(".jpg")}
    return Evidence(
        pictures, {name: tuple((x, y) for x, y in points) for name, points in curves.items()}
    )


def write_new(folder: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """Write a folder that is whole or absent, also after a power cut; one that is there stays.

    Args:
        folder: of the device; it is made if need be.
        name: of the new folder.
        files: by name.

    Raises:
        OSError: the disk; nothing of it is left in the way.
    """
    goal = folder / name
    if goal.exists():
        return goal
    _make(folder)
    part = folder / f"{PART}{name}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        for file, content in files.items():
            _write(part / file, content)
        sync_folder(part)
        part.rename(goal)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        raise
    sync_folder(folder)
    return goal


def read_file(path: Path, most: int = FILE_BYTES_MAX) -> bytes:
    """Return a plain file of ours. Raises `OSError`: none, a link, or larger than we write."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode) or told.st_size > most:
            raise OSError(f"{path.name} is no file of ours")
        return file.read(most)


def read_folder(folder: Path, keys: Keys, station_id: str) -> Iterator[Lying | Finding]:
    """Yield every record that lies there and holds, and a finding for whatever else lies there.

    What an interrupted write left is deleted.
    """
    for device in _entries(folder):
        if not _is_folder(device) or not _DEVICE.fullmatch(device.name):
            yield _finding("foreign", folder, device)
            continue
        for entry in _entries(device):
            if entry.name.startswith(PART) and _is_folder(entry):
                shutil.rmtree(entry, ignore_errors=True)
            elif not _is_folder(entry) or not _NAME.fullmatch(entry.name):
                yield _finding("foreign", folder, entry, device.name)
            else:
                yield _read(folder, entry, keys, station_id)


def read_lying(path: Path, keys: Keys) -> Recorded:
    """Return the record of one folder.

    Raises:
        RecordUnfit: it is damaged, or its name is another's.
        NotSigned: this station's key did not sign it.
    """
    try:
        content = read_file(path / RECORD, RECORD_BYTES_MAX)
        token = read_file(path / f"{RECORD}{SIGNATURE}", 4096).decode("ascii")
        recorded = read_record(content)
    except (OSError, UnicodeDecodeError) as error:
        raise RecordUnfit("it cannot be read") from error
    if not holds(content, token, RECORD_TYP, keys):
        raise NotSigned
    named = (path.parent.name, path.name.rpartition("-")[2])
    if named != (recorded.calibration.device_id, recorded.id):
        raise RecordUnfit("it lies under another name")
    return recorded


def read_evidence(path: Path, digests: Mapping[str, str]) -> dict[str, bytes]:
    """Return the files of evidence that are as they were; what is damaged or gone is left out.

    Args:
        path: of the calibration's own folder.
        digests: SHA-256 in hex by file, as the record says.
    """
    found: dict[str, bytes] = {}
    for name, digest in digests.items():
        if not _EVIDENCE.fullmatch(name):
            continue
        with suppress(OSError):
            content = read_file(path / name)
            if hashlib.sha256(content).hexdigest() == digest:
                found[name] = content
    return found


def _read(folder: Path, entry: Path, keys: Keys, station_id: str) -> Lying | Finding:
    try:
        recorded = read_lying(entry, keys)
    except RecordUnfit:
        return _finding("damaged", folder, entry, entry.parent.name)
    except NotSigned:
        return _finding("unsigned", folder, entry, entry.parent.name)
    if recorded.calibration.station_id != station_id:
        return _finding("other_station", folder, entry, entry.parent.name)
    return Lying(entry, recorded)


def _finding(trouble: Trouble, folder: Path, path: Path, device_id: str = "") -> Finding:
    return Finding(trouble, ascii(str(path.relative_to(folder)))[1:-1][:120], device_id)


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _make(folder: Path) -> None:
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

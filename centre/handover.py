"""What somebody carried here on a stick: taken in, receipted on the same stick or on another.

    python -m centre.handover --centre FOLDER MEDIUM [--receipts OTHER] [--keep]
    python -m centre.handover --centre FOLDER MEDIUM --lost-receipts STATION

A package that was taken leaves the medium once its receipt lies there: the stick empties itself.
Twice is once. A file that a pulled or worn stick damaged is renamed `.bad`, so that the station
writes it again. Written from `docs/delivery.md`: nothing here is shared with the station.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from centre.intake import Intake
from centre.keys import keep, open_keys
from centre.opening import Rejected, signed_by_station
from centre.shelf import Shelf

PACKAGE_BYTES_MAX: Final = 16 << 20
TOKEN_BYTES_MAX: Final = 64 << 10
INDEX_BYTES_MAX: Final = 64 << 20
INDEX_TYP: Final = "anxin-index+jws"
KEY_LIST: Final = "keys.jws"
_STATION: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(slots=True)
class Imported:
    """What one station's folder held, by package id."""

    station_id: str
    stored: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    conflict: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    """Damaged, or not evidently this station's: renamed `.bad` and not taken."""
    missing: list[str] = field(default_factory=list)
    """In the signed index, neither on the medium nor here."""
    index_holds: bool = False
    """Whether there is an index by this station's key."""


def import_medium(
    intake: Intake, medium: Path, receipts_to: Path | None = None, *, keep_files: bool = False
) -> list[Imported]:
    """Take everything in that lies on a medium, and leave receipts and the newest key list.

    Args:
        intake: the centre that takes it.
        medium: where it is mounted.
        receipts_to: another medium for the receipts.
        keep_files: leave the packages on the medium.

    Raises:
        OSError: the medium fails or is full; what was taken stays taken, import it again.
    """
    folders = sorted(path for path in (medium / "anxin").glob("*") if path.is_dir())
    stations = [one for one in folders if _STATION.fullmatch(one.name)]
    return [_import(intake, one, receipts_to or medium, keep_files) for one in stations]


def leave_receipts(intake: Intake, station_id: str, medium: Path) -> int:
    """Write every receipt of a station's packages that is not on the medium; return how many.

    For a stick of receipts that was lost.

    Raises:
        ValueError: no id of a station.
    """
    if not _STATION.fullmatch(station_id):
        raise ValueError(f"{station_id!r} is no id of a station")
    written = 0
    for row in intake.shelf.listing():
        package_id = str(row["package_id"])
        word = intake.word(package_id)
        place = medium / "anxin" / station_id / "receipts" / f"{package_id}.jws"
        if row["station_id"] == station_id and word is not None and not place.exists():
            keep(place, word.encode(), 0o644)
            written += 1
    return written


def _import(intake: Intake, ours: Path, receipts_to: Path, keep_files: bool) -> Imported:
    said, outbox = Imported(ours.name), ours / "outbox"
    there = receipts_to / "anxin" / ours.name
    for sealed in sorted(outbox.glob("*.sealed")):
        if sealed.name.startswith("."):
            continue
        word = _take(intake, sealed, said)
        if word is None:
            sealed.replace(sealed.with_suffix(".bad"))
            continue
        # The receipt first: cut in between, the package lies here still and is known next time.
        keep(there / "receipts" / f"{sealed.stem}.jws", word.encode(), 0o644)
        if not keep_files and sealed.stem not in said.conflict:
            sealed.unlink()
            sealed.with_suffix(".seal").unlink(missing_ok=True)
    _compare_index(intake, outbox, said)
    if head := _read(outbox / "audit-head.jws", TOKEN_BYTES_MAX):
        intake.heads.note_head(head.decode("ascii", "replace"), intake.shelf.stations())
    key_list = intake.shelf.folder / KEY_LIST
    if key_list.exists():
        keep(there / "inbox" / KEY_LIST, key_list.read_bytes(), 0o644)
    return said


def _take(intake: Intake, sealed: Path, said: Imported) -> str | None:
    """Take one package; None if the medium must be told that it is bad."""
    content = _read(sealed, PACKAGE_BYTES_MAX)
    statement = _read(sealed.with_suffix(".seal"), TOKEN_BYTES_MAX)
    try:
        token = statement.decode("ascii", "replace").strip()
        taken = intake.take(sealed.stem, content, token)
    except Rejected:
        said.bad.append(sealed.stem)
        return None
    getattr(said, taken.outcome).append(sealed.stem)
    # A conflict gets the word about the other bytes: the station sees that they are not its own.
    return taken.receipt


def _compare_index(intake: Intake, outbox: Path, said: Imported) -> None:
    for index in sorted(outbox.glob("index-*.jws"), reverse=True):
        token = _read(index, INDEX_BYTES_MAX).decode("ascii", "replace").strip()
        try:
            listed = signed_by_station(token, INDEX_TYP, intake.shelf.stations())
        except Rejected:
            continue
        if listed.get("station_id") != said.station_id:
            continue
        said.index_holds = True
        rows = listed.get("packages", [])
        ids = [str(row.get("package_id")) for row in rows if isinstance(row, Mapping)]
        said.missing = [one for one in ids if one not in said.bad and intake.word(one) is None]
        return


def _read(path: Path, bytes_max: int) -> bytes:
    """Return a file, empty if it is absent or larger than it may be."""
    try:
        with path.open("rb") as file:
            content = file.read(bytes_max + 1)
    except FileNotFoundError:
        return b""
    return content if len(content) <= bytes_max else b""


@click.command()
@click.argument("medium", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--centre", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--receipts", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--lost-receipts", metavar="STATION", help="Write all of its receipts again.")
@click.option("--keep", "keep_files", is_flag=True, help="Leave the packages on the medium.")
def main(
    medium: Path, centre: Path, receipts: Path | None, lost_receipts: str | None, keep_files: bool
) -> None:
    """Take in what lies on MEDIUM, and say what became of it; 1 if anything needs a look."""
    try:
        keyring = open_keys(centre)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    intake = Intake(Shelf(centre), keyring)
    if lost_receipts:
        written = leave_receipts(intake, lost_receipts, medium)
        click.echo(f"{lost_receipts}: {written} receipts written")
        return
    found = import_medium(intake, medium, receipts, keep_files=keep_files)
    for one in found:
        counted = ("stored", "known", "refused", "conflict", "bad", "missing")
        words = ", ".join(f"{len(getattr(one, name))} {name}" for name in counted)
        index = "index holds" if one.index_holds else "no index that holds"
        click.echo(f"{one.station_id}: {words}; {index}")
    if not found:
        click.echo(f"Nothing of a station lies in {medium}: a station's stick has a folder anxin.")
    troubled = any(one.refused or one.conflict or one.bad or one.missing for one in found)
    sys.exit(1 if troubled or not found else 0)


if __name__ == "__main__":
    main()

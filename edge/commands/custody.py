"""The technician's commands about what the station keeps: backup, restore, export."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

# Rooms are imported by the command that needs them, so that --help answers at once.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from edge.custody.export import Exported
    from edge.settings import Settings
    from edge.trust.keys import StationKey

INCOMPLETE: Final = 1
_SETTINGS = click.option(
    "--settings", "path", type=click.Path(path_type=Path), required=True, help="The station's file."
)


class CustodyRefused(Exception):
    """A command that is not carried out, in one sentence that says what to do."""


@click.command("backup")
@_SETTINGS
@click.option("--to", type=click.Path(path_type=Path), required=True, help="A folder on a medium.")
def make_a_backup(path: Path, to: Path) -> None:
    """Copy the store into a new folder under TO, also while the station works, and read it back.

    Neither store.key nor the station's key is in it; keep store.key apart, in a safe.
    """
    from edge.custody.backup import BackupUnfit, make_backup
    from edge.store.beside import CopyUnfit

    settings, station_key = _station(path)
    try:
        backup = make_backup(settings.store.folder, settings.station.id, station_key, to)
    except (BackupUnfit, CopyUnfit) as refused:
        raise CustodyRefused(str(refused)) from refused
    counts = backup.facts.counts
    click.echo(f"{backup.folder}")
    click.echo(
        f"{sum(counts.values())} packages, {counts['ready']} of them not yet sent; every digest and"
        f" {backup.facts.audit_n} audit rows were read back."
    )


@click.command("restore")
@_SETTINGS
@click.option(
    "--from", "folder", type=click.Path(path_type=Path), required=True, help="The backup's folder."
)
@click.option("--set-aside", is_flag=True, help="Move the store that is here aside, whole.")
@click.option(
    "--key-file", type=click.Path(path_type=Path), help="The store.key that the backup is under."
)
@click.option("--signed-by", multiple=True, help="An earlier key of this station, by its name.")
def restore_a_backup(
    path: Path, folder: Path, set_aside: bool, key_file: Path | None, signed_by: tuple[str, ...]
) -> None:
    """Read a backup whole, then put it in the store's place; the station must be stopped.

    Numbers go on above whatever was used since. What was delivered since is asked for, not doubled.
    """
    from edge.custody.backup import BackupUnfit
    from edge.custody.restore import Wish, restore
    from edge.store.beside import CopyUnfit

    settings, station_key = _station(path)
    signers = frozenset({station_key.kid, *signed_by})
    wish = Wish(settings.store.folder, key_file, signers, settings.station.id, set_aside)
    try:
        done = restore(folder, wish)
    except (BackupUnfit, CopyUnfit) as refused:
        raise CustodyRefused(str(refused)) from refused
    click.echo(
        f"Restored: {sum(done.packages.values())} packages, {done.packages.get('ready', 0)} of them"
        f" to be sent. Numbers go on above {done.sequence}."
    )
    if done.dropped:
        click.echo(f"{done.dropped} sittings were open then; they are dropped.")
    if done.set_aside is not None:
        click.echo(f"The store that was here lies in {done.set_aside}.")
        _tell_left_behind(done.left_behind, done.set_aside)


def _tell_left_behind(left: int | None, where: Path) -> None:
    if left == 0:
        return
    what = "It cannot be read whole" if left is None else f"{left} packages that were never sent"
    click.echo(
        f"{what} {'' if left is None else 'lie only there'}: take out what can be read with"
        f" run_edge.py export --store {where} --all --to FOLDER."
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `export`."""

    to: Path
    packages: tuple[str, ...]
    every: bool
    quarantined: bool
    store: Path | None
    delete: bool
    reason: str | None


@click.command("export")
@_SETTINGS
@click.option("--to", type=click.Path(path_type=Path), required=True, help="The medium's folder.")
@click.option("--package", "packages", multiple=True, help="One, by its id; again for more.")
@click.option("--all", "every", is_flag=True, help="All that still lie here.")
@click.option("--quarantined", is_flag=True, help="All that were set aside.")
@click.option(
    "--store", type=click.Path(path_type=Path), help="Another store's folder: one set aside."
)
@click.option("--delete", is_flag=True, help="Then delete them here; the station must be stopped.")
@click.option("--reason", help="Why, for those without the centre's receipt: see below.")
def export_packages(path: Path, **options: Any) -> None:
    """Write sealed packages into TO, as a stick for the centre; the station may go on working.

    --delete removes those whose receipt lies on the medium. For the others a reason is needed
    (handed_over, test_data, duplicate or by_authority) and their number, typed. Ends with 1 if a
    package could not be read.
    """
    from edge.custody.export import Choice, ExportStopped, export
    from edge.store import NoSuchPackage
    from edge.store.file import take_lock

    asked = Asked(**options)
    _check(asked)
    settings, station_key = _station(path)
    own = settings.store.folder
    if asked.delete:
        # Before anything is written: whoever runs on the store is told apart at once.
        os.close(take_lock(own / "store.db"))
    folder = asked.store or own
    beside = folder / "store.key"
    states = ("quarantined",) if asked.quarantined else ("ready", "quarantined")
    choice = Choice(asked.packages, states)
    try:
        done = export(
            folder, choice, asked.to, station_key,
            key_file=beside if beside.exists() else own / "store.key",
        )  # fmt: skip
    except NoSuchPackage as unknown:
        raise CustodyRefused(
            f"There is {unknown} in {folder}; --all takes what is there."
        ) from unknown
    except ExportStopped as stopped:
        raise CustodyRefused(str(stopped)) from stopped
    click.echo(f"{len(done.written)} packages lie in {asked.to}, read back.")
    for package_id in done.unreadable:
        click.echo(f"Cannot be read: {package_id}", err=True)
    if asked.delete:
        _delete(settings, done, asked.reason)
    sys.exit(INCOMPLETE if done.unreadable else 0)


def _check(asked: Asked) -> None:
    from edge.custody.export import REASONS

    if sum((bool(asked.packages), asked.every, asked.quarantined)) != 1:
        raise CustodyRefused("Say which packages, by one of: --package ID, --all, --quarantined.")
    if asked.delete and asked.store is not None:
        raise CustodyRefused("A store that was set aside is never changed: leave --delete out.")
    if asked.reason is not None and (not asked.delete or asked.reason not in REASONS):
        raise CustodyRefused(f"--reason goes with --delete and is one of: {', '.join(REASONS)}.")


def _delete(settings: Settings, done: Exported, reason: str | None) -> None:
    from edge.custody.export import TECHNICIAN, settle
    from edge.delivery.receipt import ReceiptVerifier
    from edge.store import Store
    from edge.trust.centre import PinnedCentre

    without = len(done.written) - len(done.receipts)
    if without and reason is not None:
        typed: int = click.prompt(
            f"{without} packages have no receipt. Type that number to delete them here", type=int
        )
        if typed != without:
            raise CustodyRefused("Another number: nothing was deleted.")
    where = settings.store
    with Store.open(where.folder / "store.db", where.folder / "store.key") as store:
        centre = PinnedCentre.open(where.centre_keys, store)
        verifier = ReceiptVerifier(settings.station.id, centre.receipts)
        by_receipt, for_reason = settle(store, done, verifier, reason, TECHNICIAN)
    click.echo(f"Deleted: {by_receipt} by receipt, {for_reason} for the reason given.")
    kept = len(done.written) - by_receipt - for_reason
    if kept:
        click.echo(f"{kept} stay here until their receipts come.")


def _station(path: Path) -> tuple[Settings, StationKey]:
    from edge.settings import load_settings
    from edge.trust.station_key import open_station_key

    settings = load_settings(path, check_camera=False)
    return settings, open_station_key(settings.store.folder, settings.store.tpm)


CUSTODY_COMMANDS: Final[list[click.Command]] = [make_a_backup, restore_a_backup, export_packages]

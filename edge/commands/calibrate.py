"""The technician's command "calibrate": the same wizard as the pages', on a terminal.

Ends with 0 if everything passed, 1 if something failed or was not assessed, 2 if it cannot begin,
3 if it was interrupted and can be resumed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

# Rooms are imported by the command that needs them, so that --help answers at once.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from edge.calibration.wizard import Wizard
    from edge.commands.calibrate_station import Kept
    from edge.commands.calibrate_talk import Lines
    from edge.settings import Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])


class CalibrateRefused(Exception):
    """A command that is not carried out; its message says what to do, in the chosen language."""


def _options(command: _Command) -> _Command:
    for option in (
        click.option("--language", type=click.Choice(["zh-CN", "en"]), help="Else the station's."),
        click.option("--settings", "path", type=click.Path(path_type=Path), required=True,
                     help="The station's file."),
    ):  # fmt: skip
        command = option(command)
    return command


def _run_options(command: _Command) -> _Command:
    for option in (
        click.option("--yes", is_flag=True, help="Measure each step once, without asking."),
        click.option("--set", "fields", multiple=True, metavar="FIELD=VALUE",
                     help="Fill in what only you can read off, such as lens=35mm."),
        click.option("--film", is_flag=True, help="A film made for this reader is at hand."),
        click.option("--head", is_flag=True, help="The reference is a dummy head."),
        click.option("--device", type=click.Choice(["camera", "reader"]), help="Else both."),
        click.option("--witness", default="", help="Staff id of who watches."),
        click.option("--technician", required=True, help="Staff id of who calibrates."),
    ):  # fmt: skip
        command = option(command)
    return _options(command)


@click.command("full")
@_run_options
def full(path: Path, language: str | None, **asked: Any) -> None:
    """Calibrate camera and reader, every step: some 20 minutes."""
    _begin("full", path, language, asked)


@click.command("quick")
@_run_options
def quick(path: Path, language: str | None, **asked: Any) -> None:
    """Do the daily check of one minute: exposure, empty glass, live fingers."""
    _begin("quick", path, language, asked)


@click.command("resume")
@click.option("--yes", is_flag=True, help="Measure each step once, without asking.")
@_options
def resume(path: Path, language: str | None, yes: bool) -> None:
    """Go on with the calibration that was interrupted."""
    settings, say = _read(path, language)
    with _kept(settings, say) as kept:
        if kept.session.read() is None:
            raise CalibrateRefused(say("refusals", "no_session"))
        click.echo(say("lines", "resumed"))
        code = _go_through(settings, kept, say, None, yes=yes)
    sys.exit(code)


@click.command("abandon")
@_options
def abandon(path: Path, language: str | None) -> None:
    """End the calibration that was interrupted; nothing is recorded."""
    settings, say = _read(path, language)
    with _kept(settings, say) as kept:
        under_way = kept.session.read()
        if under_way is None:
            raise CalibrateRefused(say("refusals", "no_session"))
        kept.session.forget()
        if under_way.maintained:
            kept.maintenance.end(under_way.session.technician)
    click.echo(say("lines", "abandoned"))


@click.command("show")
@_options
def show(path: Path, language: str | None) -> None:
    """Show what is in force, what it is worth, and what is under way."""
    settings, say = _read(path, language)
    with _kept(settings, say) as kept:
        for device in (settings.camera.id, settings.reader.id):
            worth = kept.book.state(device)
            click.echo(f"{device}: {say('states', worth.state)}")
            if worth.calibration_id is not None:
                click.echo(say("lines", "in_force", id=worth.calibration_id, day=worth.valid_until))
        under_way = kept.session.read()
        if under_way is not None:
            session = under_way.session
            step = say("lines", "all_done")
            if session.present is not None:
                step = say("steps", session.present)
            who = {"kind": session.kind, "technician": session.technician, "step": step}
            click.echo(say("lines", "under_way", **who))


@click.command("undo")
@click.option("--technician", required=True, help="Staff id of who takes it back.")
@click.option("--device", type=click.Choice(["camera", "reader"]), required=True)
@_options
def undo(path: Path, language: str | None, device: str, technician: str) -> None:
    """Put the calibration before in force again, with its parameters."""
    from edge.calibration.book import NothingToUndo

    settings, say = _read(path, language)
    _check_staff(settings, say, technician)
    with _kept(settings, say) as kept:
        if kept.session.read() is not None:
            raise CalibrateRefused(say("refusals", "running"))
        named = settings.camera.id if device == "camera" else settings.reader.id
        try:
            undone = kept.book.undo(named, technician)
        except NothingToUndo:
            raise CalibrateRefused(say("refusals", "nothing_before")) from None
    restored = undone.calibration.restores
    click.echo(
        say("lines", "undone_none") if restored is None else say("lines", "undone", id=restored)
    )


CALIBRATE_COMMANDS: Final[list[click.Command]] = [full, quick, resume, abandon, show, undo]


def _read(path: Path, language: str | None) -> tuple[Settings, Lines]:
    from edge.commands.calibrate_talk import Lines
    from edge.settings import load_settings

    settings = load_settings(path)
    return settings, Lines(language or settings.station.language)


def _kept(settings: Settings, say: Lines) -> Any:
    """Open the journal; whoever runs on it is named. Raises `CalibrateRefused`."""
    from contextlib import contextmanager

    from edge.commands.calibrate_station import opened_book
    from edge.store import StoreBusy

    @contextmanager
    def opened() -> Any:
        try:
            with opened_book(settings) as kept:
                yield kept
        except StoreBusy:
            pages = settings.technician
            if not pages.enabled:
                raise CalibrateRefused(say("refusals", "station_runs_no_pages")) from None
            scheme = "https" if pages.certificate else "http"
            url = f"{scheme}://{pages.host}:{pages.port}/"
            raise CalibrateRefused(say("refusals", "station_runs", url=url)) from None

    return opened()


def _check_staff(settings: Settings, say: Lines, staff_id: str) -> None:
    from edge.staff import STAFF_ID, members

    if not STAFF_ID.fullmatch(staff_id):
        raise CalibrateRefused(say("refusals", "no_staff"))
    file = settings.reuse.staff_file
    if file is not None and file.exists():
        allowed = {one.staff_id for one in members(file) if one.role == "technician"}
        if staff_id not in allowed:
            raise CalibrateRefused(say("refusals", "unknown_staff"))


def _begin(kind: str, path: Path, language: str | None, asked: dict[str, Any]) -> None:
    settings, say = _read(path, language)
    _check_staff(settings, say, asked["technician"])
    if asked["witness"]:
        _check_staff(settings, say, asked["witness"])
    with _kept(settings, say) as kept:
        code = _go_through(settings, kept, say, (kind, asked), yes=asked["yes"])
    sys.exit(code)


def _go_through(
    settings: Settings, kept: Kept, say: Lines, new: tuple[str, dict[str, Any]] | None, *, yes: bool
) -> int:
    from edge.calibration.wizard import WizardRefused
    from edge.commands.calibrate_station import opened_wizard
    from edge.commands.calibrate_walk import Walk

    with opened_wizard(settings, kept) as (wizard, up):
        try:
            if new is not None:
                _begin_session(settings, wizard, *new)
                click.echo(say("lines", "begun"))
            if not up():
                raise CalibrateRefused(say("refusals", "devices_out"))
            return Walk(wizard, kept.book, say, yes=yes).go()
        except WizardRefused as refused:
            raise CalibrateRefused(say.refusal(refused)) from None


def _begin_session(settings: Settings, wizard: Wizard, kind: str, asked: dict[str, Any]) -> None:
    ids = {"camera": settings.camera.id, "reader": settings.reader.id}
    devices = [ids[asked["device"]]] if asked["device"] else list(ids.values())
    fields = dict(one.partition("=")[::2] for one in asked["fields"])
    wizard.begin(
        "quick" if kind == "quick" else "full",
        devices,
        asked["technician"],
        asked["witness"],
        film=asked["film"],
        reference="head" if asked["head"] else "print",
        identity=fields,
    )

"""The officer's commands at a station that is carried: visit lists and the field check."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

# Rooms are imported by the command that needs them, so that --help answers at once.
# ruff: noqa: PLC0415

DUE: Final = 1
_SETTINGS = click.option(
    "--settings", "path", type=click.Path(path_type=Path), required=True, help="The station's file."
)
WANTED: Final[Mapping[str, str]] = {
    "press_finger": "Press any one finger on the glass now.",
    "lift_finger": "You may lift it.",
}
TARGETS: Final[Mapping[str, str]] = {
    "grey_card": "Hold the grey card so that it fills the middle of the picture, edges in view.",
    "wall": "Point the camera at a light wall with something sharp at its side.",
}


class PortableRefused(Exception):
    """A command that is not carried out, in one sentence that says what to do."""


@click.command("load")
@click.argument("file", type=click.Path(path_type=Path))
@_SETTINGS
def load(file: Path, path: Path) -> None:
    """Give FILE, a visit list from the centre, to the running station. Twice is once."""
    done = _ask(path, {"ask": "load"}, file.read_bytes())
    known = f", {done['known']} known already" if done["known"] else ""
    click.echo(f"{done['added']} visits wait{known}. The list is over at {done['expires_at']}.")


@click.command("show")
@_SETTINGS
def show(path: Path) -> None:
    """Show which visits are still to be made: numbers, initials and states, no names."""
    told = _ask(path, {"ask": "show"})
    for one in told["lists"]:
        place = f", {one['place']}" if one["place"] else ""
        click.echo(f"list {one['sequence']}{place}, over at {one['expires_at']}")
    for visit in told["visits"]:
        click.echo(f"  {visit['number']}  {visit['initial']}  {visit['state']}")
    if not told["visits"]:
        click.echo("No visits are to be made.")


@click.command("check")
@click.option("--field", is_flag=True, help="The one-minute check after transport.")
@click.option("--hands-free", is_flag=True, help="Without card and finger: the check stays due.")
@click.option("--yes", is_flag=True, help="The card is held already: do not ask.")
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    default=Path("/var/lib/anxin-station/upkeep"),
    show_default=True,
    help="As the service is started with.",
)
@click.option("--language", type=click.Choice(["zh-CN", "en"]), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
@_SETTINGS
def check(  # noqa: PLR0917 - one parameter an option
    path: Path,
    field: bool,
    hands_free: bool,
    yes: bool,
    state: Path,
    language: str,
    as_json: bool,
) -> None:
    """Test the station, each step with figure, unit, limit, verdict and what to do.

    A running station is asked; where none runs, its devices are opened here. Ends with 0 if nothing
    failed, with 1 else. With --field the one-minute check of a carried station: there something
    that was left out ends with 1 as well.
    """
    if not field:
        from edge.commands.self_test import run_self_test

        run_self_test(path, state, language, as_json=as_json)
    target = _portable(path).field_check_target
    if not hands_free and not yes:
        click.echo(TARGETS[target])
        click.pause("Then press a key.")
    done = _ask(path, {"ask": "check", "hands": not hands_free})
    if done["outcome"] == "passed":
        click.echo("Passed: the station may go to work. This is a check, not a certificate.")
        return
    left = ", ".join(done["failed"]) or "a hand was not lent"
    click.echo(f"Due: {left}.")
    sys.exit(DUE)


VISITS_COMMANDS: Final[list[click.Command]] = [load, show]


def _ask(path: Path, asked: Mapping[str, Any], content: bytes = b"") -> Mapping[str, Any]:
    from edge.portable.door import Refusal, knock
    from edge.settings import load_settings

    folder = load_settings(path, check_camera=False).store.folder
    try:
        return knock(folder, asked, content, _hear)
    except Refusal as refused:
        raise PortableRefused(str(refused)) from refused


def _portable(path: Path) -> Any:
    from edge.settings import load_settings

    portable = load_settings(path, check_camera=False).portable
    if portable is None:
        raise PortableRefused(f"{path} has no section [portable]: this station is not carried.")
    return portable


def _hear(said: Mapping[str, Any]) -> None:
    if "tell" in said:
        click.echo(WANTED.get(str(said["tell"]), ""))
        return
    row = said["finding"]
    click.echo(f"  {row['step']:<12} {_figure(row):<24} {_limit(row):<18} {row['verdict']}")


def _figure(row: Mapping[str, Any]) -> str:
    reason = f"({row['reason']})" if row["reason"] else ""
    if row["value"] is None:
        return reason
    return f"{row['value']:g} {row['unit']} {reason}".rstrip()


def _limit(row: Mapping[str, Any]) -> str:
    low, high = row["min"], row["max"]
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"at least {low:g}"
    return "" if high is None else f"at most {high:g}"

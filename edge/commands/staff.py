"""The technician's commands about who may sign; `run_edge.py staff` has them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

# The file's rooms are imported by the command that needs them, so that --help answers at once.
# ruff: noqa: PLC0415


class StaffRefused(Exception):
    """The command cannot be done; the message says what was wrong, for the technician."""


_SETTINGS = click.option(
    "--settings", "path", type=click.Path(path_type=Path), required=True, help="The station's file."
)
_NUMBER = click.argument("number")


@click.command("add")
@_SETTINGS
@click.option("--role", help="guide, volunteer, remote, technician or auditor.")
@click.option("--shown-as", help="Surname for the banner of who helps from afar.")
@_NUMBER
def add_attendant(path: Path, number: str, role: str | None, shown_as: str | None) -> None:
    """Let NUMBER sign, or give it a new PIN; the PIN is asked for and never shown."""
    from edge.staff import PIN, ROLES, SHOWN_AS, add_staff

    file = _staff_file(path)
    if not (number.isascii() and number.isdigit()):
        raise StaffRefused("A number has digits only: the screen's keys have nothing else.")
    if role is not None and role not in ROLES:
        raise StaffRefused(f"A role is one of {', '.join(ROLES)}; nothing was changed.")
    if not SHOWN_AS.fullmatch(shown_as or ""):
        raise StaffRefused("A surname has letters only, 12 at most; nothing was changed.")
    pin = click.prompt("PIN, 6 to 12 digits", hide_input=True, confirmation_prompt="Once more")
    if not PIN.fullmatch(pin):
        raise StaffRefused("A PIN has 6 to 12 digits; nothing was changed.")
    file.parent.mkdir(parents=True, exist_ok=True)
    add_staff(file, number, pin, next((one for one in ROLES if one == role), None), shown_as)
    click.echo(f"{number} can sign now.")


@click.command("list")
@_SETTINGS
def list_attendants(path: Path) -> None:
    """List who may sign, one number a line."""
    from edge.staff import staff_ids

    file = _staff_file(path)
    for number in staff_ids(file) if file.exists() else ():
        click.echo(number)


@click.command("remove")
@_SETTINGS
@_NUMBER
def remove_attendant(path: Path, number: str) -> None:
    """Strike NUMBER off; it can sign no more, at once."""
    from edge.staff import remove_staff

    file = _staff_file(path)
    try:
        remove_staff(file, number)
    except KeyError:
        raise StaffRefused("Nobody has this number; nothing was changed.") from None
    click.echo(f"{number} can sign no more.")


STAFF_COMMANDS: Final[list[click.Command]] = [add_attendant, list_attendants, remove_attendant]


def _staff_file(path: Path) -> Path:
    from edge.settings import load_settings

    file = load_settings(path, check_camera=False).reuse.staff_file
    if file is None:
        raise StaffRefused(f"{path} names no staff file: set reuse.staff_file there.")
    return file

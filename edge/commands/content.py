"""The technician's commands about content packs; `run_edge.py content` has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

# Rooms are imported by the command that needs them, so that --help answers at once.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from edge.service.pack import Pack
    from edge.service.shelf import ContentShelf

_SETTINGS = click.option(
    "--settings", "path", type=click.Path(path_type=Path), required=True, help="The station's file."
)
_FOLDER = click.argument("folder", type=click.Path(path_type=Path))


class ContentRefused(Exception):
    """A content pack that is not taken, in one sentence that says why."""


@click.command("verify")
@_SETTINGS
@_FOLDER
def verify_content(path: Path, folder: Path) -> None:
    """Check the pack in FOLDER as an installation would, and change nothing."""
    from edge.service.pack import PackUnfit

    try:
        (head,) = _shelf(path).checked(folder).heads
    except PackUnfit as unfit:
        raise ContentRefused(f"{folder} is no pack for this station: {unfit}.") from unfit
    click.echo(f"{_name(head)} can be installed.")


@click.command("install")
@_SETTINGS
@_FOLDER
def install_content(path: Path, folder: Path) -> None:
    """Take over the pack in FOLDER; a station that runs shows it within seconds.

    What cannot be used changes nothing: the pack that is here stays.
    """
    from edge.service.pack import PackUnfit

    try:
        head = _shelf(path).install(folder)
    except PackUnfit as unfit:
        raise ContentRefused(f"{folder} was not installed: {unfit}. Nothing changed.") from unfit
    click.echo(f"{_name(head)} is installed.")


@click.command("list")
@_SETTINGS
def list_content(path: Path) -> None:
    """List the packs that are in force today."""
    for head in _shelf(path).content.heads:
        click.echo(_name(head))


def _shelf(path: Path) -> ContentShelf:
    from edge.service.shelf import FOLDER, ContentShelf
    from edge.settings import load_settings
    from edge.trust.centre import newest_key_list

    settings = load_settings(path, check_camera=False)
    store = settings.store
    keys = newest_key_list(store.centre_keys, store.folder).content()
    return ContentShelf(settings.service.content or store.folder / FOLDER, lambda: keys)


def _name(head: Pack) -> str:
    return (
        f"{head.pack}, issue {head.number} ({head.version}), valid {head.valid_from} to"
        f" {head.valid_until}"
    )


CONTENT_COMMANDS: Final[list[click.Command]] = [verify_content, install_content, list_content]

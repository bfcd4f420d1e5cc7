"""The technician's commands about a station that is in safe mode."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

# Rooms are imported by the command that needs them, so that --help answers at once.
# ruff: noqa: PLC0415

WRONG: Final = 1
_STATE = click.option(
    "--state",
    type=click.Path(path_type=Path),
    default=Path("/var/lib/anxin-station/upkeep"),
    show_default=True,
    help="As the service is started with.",
)
LANGUAGE: Final = click.option(
    "--language", type=click.Choice(["zh-CN", "en"]), default="en", show_default=True
)


@click.command("show")
@_STATE
@LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
def show(state: Path, language: str, as_json: bool) -> None:
    """Say why the station does not run as its settings say: what, where, and what to do.

    Ends with 0 if nothing is wrong, with 1 else.
    """
    from edge.upkeep.fault import kept_fault
    from edge.upkeep.starts import Level, Starts
    from edge.upkeep.words import line

    fault, rows = kept_fault(state), Starts(state).rows
    level = Level(rows[-1].level) if rows else Level.WHOLE
    if as_json:
        told = {"fault": None if fault is None else asdict(fault), "level": level.name.lower()}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    elif fault is None:
        click.echo(line(language, "safe.none"))
    else:
        click.echo(f"{line(language, 'safe.why')}: {fault.sentence}")
        if fault.file:
            click.echo(f"{line(language, 'safe.where')}: {fault.file}")
        if fault.line:
            click.echo(f"{line(language, 'safe.line')}: {fault.line}")
        click.echo(f"{line(language, 'safe.do')}: {line(language, f'fault.{fault.code}')}")
        click.echo(f"{line(language, 'safe.since')}: {fault.at}")
        click.echo(
            f"{line(language, 'safe.level')}: {line(language, f'level.{level.name.lower()}')}"
        )
    sys.exit(0 if fault is None else WRONG)


@click.command("retry")
@_STATE
@LANGUAGE
def retry(state: Path, language: str) -> None:
    """Let a station in safe mode try the whole again now."""
    from edge.upkeep.ways import ASK
    from edge.upkeep.words import line

    (state / ASK).touch()
    click.echo(line(language, "safe.asked"))


SAFE_MODE_COMMANDS: Final[list[click.Command]] = [show, retry]

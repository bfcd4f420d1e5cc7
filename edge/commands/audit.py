"""The technician's command that checks the audit chain; `run_edge.py audit` has it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

# Rooms are imported by the command that needs them, so that --help answers at once.
# ruff: noqa: PLC0415

BROKEN: Final = 1


@click.command("verify")
@click.option("--settings", "path", type=click.Path(path_type=Path), required=True,
              help="The station's file.")  # fmt: skip
@click.option("--head", "heads", type=click.Path(path_type=Path), multiple=True,
              help="Heads that left the station: signed ones as the centre got them, or seal"
              " statements; one a line.")  # fmt: skip
@click.pass_context
def verify_audit(context: click.Context, /, path: Path, heads: tuple[Path, ...]) -> None:
    """Check every row of the audit chain; with --head also that nothing was cut off its end.

    A running station is not disturbed. Ends with 1 at a break, and says at which row.
    """
    from edge.settings import load_settings
    from edge.trust.audit import AuditBroken
    from edge.trust.audit_check import read_heads, verify_whole

    settings = load_settings(path, check_camera=False)
    folder = settings.store.folder
    known = [head for file in heads for head in read_heads(file, folder, settings.station.id)]
    try:
        end = verify_whole(folder, known)
    except AuditBroken as broken:
        click.echo(f"BROKEN at row {broken.n}: {broken}. Leave everything as it is; call support.")
        context.exit(BROKEN)
    click.echo(f"{end.n} rows hold; the last is {end.hash.hex()}")
    if known:
        click.echo(f"They contain all {len(known)} heads that were given.")
    else:
        click.echo("No head was given: whether rows were cut off the end cannot be seen from here.")


AUDIT_COMMANDS: Final[list[click.Command]] = [verify_audit]

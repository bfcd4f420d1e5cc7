"""``python -m bench NAME [--json] [--long]``; NAME ``all`` runs each and writes the page."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import cast

import click

from bench import CannotRun, Figures
from bench.page import write_pages

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Return the benchmarks of this folder: its modules that define `measure`."""
    modules = sorted(FOLDER.glob("[a-z]*.py"))
    return [one.stem for one in modules if "\ndef measure(" in one.read_text(encoding="utf-8")]


def measure(name: str, long: bool, **options: int) -> Figures:
    """Run one benchmark in this process. Raises `CannotRun`."""
    # Imported by name: each brings libraries that the others must not be measured with.
    run = cast("Callable[..., Figures]", import_module(f"bench.{name}").measure)
    return run(long, **options)


def as_table(figures: Figures) -> str:
    """Return the figures as two columns, for eyes."""
    width = max(map(len, figures))
    return "\n".join(f"{key:<{width}}  {value}" for key, value in figures.items())


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One flat object on standard output.")
@click.option("--long", is_flag=True, help="Measure longer than 50 seconds.")
@click.option("--stations", type=click.IntRange(min=1), help="Of fleet: how many are played.")
def main(name: str, as_json: bool, long: bool, stations: int | None) -> None:
    """Measure one thing, or `all`: then docs/benchmarks.md and README's table are written."""
    if name == "all":
        sys.exit(write_pages(names(), long))
    if name not in names():
        raise click.UsageError(f"no benchmark {name!r}; there are: {', '.join(names())}, all")
    try:
        figures = measure(name, long, **({"stations": stations} if stations else {}))
    except CannotRun as reason:
        click.echo(f"{name}: cannot run: {reason}", err=True)
        sys.exit(2)
    click.echo(json.dumps(dict(figures)) if as_json else as_table(figures))


if __name__ == "__main__":
    main()

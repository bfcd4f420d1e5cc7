"""``python -m proofs [NAME…] [--long] [--trials N] [--json]``: try promises and their controls.

With ``--long``, as `make proof` runs it, the figures are kept and docs/reliability.md is written.
Exit status: 0 every promise held and every control was found out; 1 not so; 2 one could not run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import click

from proofs import CannotRun
from proofs.page import keep_figures, write_page
from proofs.trial_run import SEED, proofs_named, run_proof

CHECKOUT: Final = Path(__file__).resolve().parents[1]
HELD: Final = 0
FAILED: Final = 1
COULD_NOT: Final = 2


@click.command()
@click.argument("names", nargs=-1)
@click.option("--long", is_flag=True, help="The sizes of `make proof`; keeps the figures.")
@click.option("--trials", type=click.IntRange(min=1), help="Another number of trials.")
@click.option("--seed", default=SEED, show_default=True, help="Of every choice by chance.")
@click.option("--json", "as_json", is_flag=True, help="One flat object a line.")
@click.option("--page-only", is_flag=True, help="Run nothing: write the page from kept figures.")
@click.option(
    "--docs", type=click.Path(path_type=Path, file_okay=False), default=CHECKOUT / "docs",
    help="Where the figures and the page are kept.",
)  # fmt: skip
def main(  # noqa: PLR0917 - one parameter an option
    names: tuple[str, ...],
    long: bool,
    trials: int | None,
    seed: int,
    as_json: bool,
    page_only: bool,
    docs: Path,
) -> None:
    """Try the promises of these names: `power`, `power.ext4`; without a name all of them."""
    if page_only:
        write_page(docs)
        return
    try:
        chosen = proofs_named(names)
    except KeyError as error:
        raise click.UsageError(str(error.args[0])) from None
    if list(chosen) == list(names) and len(names) == 1:
        sys.exit(_one(names[0], long=long, trials=trials, seed=seed, as_json=as_json, docs=docs))
    options = [f"--seed={seed}", f"--docs={docs}", *(["--long"] if long else [])]
    options += [f"--trials={trials}"] if trials else []
    options += ["--json"] if as_json else []
    sys.exit(max([_in_its_own_process(name, options) for name in chosen], default=COULD_NOT))


def _one(name: str, *, long: bool, trials: int | None, seed: int, as_json: bool, docs: Path) -> int:
    try:
        outcome = run_proof(name, proofs_named((name,))[name], long=long, trials=trials, seed=seed)
    except CannotRun as reason:
        click.echo(f"{name}: NOT TESTED: {reason}", err=True)
        return COULD_NOT
    figures = outcome.flat()
    click.echo(json.dumps(figures) if as_json else _sentence(figures))
    if long:
        keep_figures(docs, figures)
        write_page(docs)
    return HELD if outcome.verdict == "holds" else FAILED


def _in_its_own_process(name: str, options: list[str]) -> int:
    # What one proof leaves in memory, or does to its process, must not touch the next.
    command = [sys.executable, "-m", "proofs", name, *options]
    code = subprocess.run(command, cwd=CHECKOUT, check=False).returncode
    return code if code in (HELD, COULD_NOT) else FAILED


def _sentence(figures: dict[str, Any]) -> str:
    bound = "" if figures["bound"] is None else f" (at most {figures['bound']:.2g} of all, 95 %)"
    note = f"\n    {figures['note']}" if figures["note"] else ""
    more = f"; {figures['control_note']}" if figures["control_note"] else ""
    return (
        f"{figures['name']}: {figures['verdict']}: {figures['failures']} of {figures['trials']}"
        f" failed{bound}, {figures['seconds']} s{note}\n"
        f"    control: {figures['control_failures']} of {figures['control_trials']} found out,"
        f" {figures['control_seconds']} s{more}"
    )


if __name__ == "__main__":
    main()

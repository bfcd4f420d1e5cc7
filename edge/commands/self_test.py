"""What `run_edge.py check` prints: one line a step as it is known, then what to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

# Rooms are imported by the command that needs them, so that --help answers at once.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from edge.upkeep.self_test import Row

FAILED: Final = 1
MARKS: Final = {"passed": "ok  ", "failed": "FAIL", "not_assessed": "-   "}


def run_self_test(path: Path, state: Path, language: str, *, as_json: bool) -> None:
    """Test everything, say it, and end with 0 if nothing failed, with 1 else.

    Args:
        path: the station's settings file.
        state: the folder of starts.
        language: of the words.
        as_json: JSON on standard output in place of lines.
    """
    from edge.upkeep.self_test import Verdict, self_test

    rows = []
    for row in self_test(path, state):
        rows.append(row)
        if not as_json:
            _say(row, language)
    failed = [row for row in rows if row.verdict is Verdict.FAILED]
    if as_json:
        told = {"passed": not failed, "rows": [row.told() for row in rows]}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _sum_up(failed, language)
    sys.exit(FAILED if failed else 0)


def _say(row: Row, language: str) -> None:
    from edge.upkeep.words import line

    verdict = row.verdict.value
    name = line(language, f"check.{row.step}")
    figure = "" if row.value is None else f"{row.value:g} {row.unit}"
    more = " ".join(one for one in (row.subject, f"({row.reason})" if row.reason else "") if one)
    words = (MARKS[verdict], name, figure or line(language, f"check.{verdict}"), _limit(row), more)
    click.echo("  ".join(one for one in words if one))
    if verdict == "failed":
        if row.said:
            click.echo(f"      {row.said}")
        click.echo(f"      -> {line(language, f'check_do.{row.step}')}")


def _limit(row: Row) -> str:
    if row.least is not None and row.most is not None:
        return f"[{row.least:g} .. {row.most:g}]"
    if row.least is not None:
        return f"[>= {row.least:g}]"
    return "" if row.most is None else f"[<= {row.most:g}]"


def _sum_up(failed: list[Row], language: str) -> None:
    from edge.upkeep.words import line

    if failed:
        click.echo(f"{line(language, 'check.some_failed')} {len(failed)}")
    else:
        click.echo(line(language, "check.all_passed"))

"""What the command "calibrate" says, in two languages, and how it hears an answer.

Figures stand with unit, uncertainty, limit, verdict and source, one measure a line.
"""

from __future__ import annotations

import select
import sys
import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Final

import click

from edge.calibration.aid import Aid
from edge.calibration.procedure import COVERAGE
from edge.calibration.record import StepResult
from edge.calibration.wizard import WizardRefused

LANGUAGES: Final = ("zh-CN", "en")
LOOK_S: Final = 0.3


class Lines:
    """The lines of one language. A code without a line is shown as it is, never left out."""

    def __init__(self, language: str) -> None:
        """Read them. Raises `KeyError`: no such language."""
        if language not in LANGUAGES:
            raise KeyError(language)
        content = files("edge.commands").joinpath("calibrate_words", f"{language}.toml")
        self._said: Mapping[str, Mapping[str, str]] = tomllib.loads(content.read_text("utf-8"))

    def __call__(self, section: str, code: str, **values: object) -> str:
        """Return one line with its values."""
        line = self._said.get(section, {}).get(code, code)
        return line.format(**values) if values else line

    def refusal(self, refused: WizardRefused) -> str:
        """Return what a refusal of the wizard means."""
        return self("refusals", refused.code)

    def result(self, result: StepResult) -> str:
        """Return one measure with its figure, its limit and where that comes from."""
        verdict = self("verdicts", result.verdict.value)
        if result.value is None:
            why = self("reasons", result.reason)
            return f"  {result.measure:<16} {verdict}: {why}"
        figure = f"{result.value:.4g}"
        if result.uncertainty is not None:
            figure += f" ± {COVERAGE * result.uncertainty:.2g}"
        wanted = limit_of(result.least, result.most)
        return (
            f"  {result.measure:<16} {figure} {result.unit}  {wanted}  {verdict}"
            f"  (n = {result.n}; {result.source})"
        )

    def aid(self, aid: Aid) -> str:
        """Return the live figure and what to turn, in one line."""
        turn = self("turns", aid.turn.value)
        if aid.figure is None:
            why = f" ({self('reasons', aid.reason)})" if aid.reason else ""
            return f"  {turn}{why}"
        wanted = limit_of(aid.least, aid.most)
        figure = self("lines", "figure", value=f"{aid.figure:.3g}", unit=aid.unit, limit=wanted)
        best = (
            ""
            if aid.best is None
            else self("lines", "best", value=f"{aid.best:.3g}", unit=aid.unit)
        )
        return f"{figure}{best}  {turn}"


def limit_of(least: float | None, most: float | None) -> str:
    """Return a limit as figures have it: ">= 0.2", "-1.5 .. 1.5", "-"."""
    if least is not None and most is not None:
        return f"{least:g} .. {most:g}"
    if least is not None:
        return f">= {least:g}"
    return "-" if most is None else f"<= {most:g}"


def answer(live: Callable[[], str] | None = None) -> str:
    """Return what is typed next, "" for Enter; shows `live` meanwhile. "q" where input ended."""
    shown = ""
    while live is not None and sys.stdin.isatty():
        if select.select([sys.stdin], [], [], LOOK_S)[0]:
            break
        now = live()
        if now != shown:
            # Back to the line's beginning, and the rest of the old one wiped.
            click.echo(f"\r\x1b[K{now}", nl=False)
            shown = now
    if live is not None and not sys.stdin.isatty():
        click.echo(live())
    typed = sys.stdin.readline()
    if shown:
        click.echo()
    return typed.strip().lower() if typed else "q"

"""Bars as SVG geometry: what is drawn where, in a picture 400 units wide. Pure; templates draw it.

Colours are classes of the page's stylesheet, since its policy allows no inline style. Each plot has
its table beside it, so that no figure is told by a length alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final

WIDTH: Final = 400
HEIGHT: Final = 210
LEFT: Final = 46
RIGHT: Final = 6
TOP: Final = 10
BOTTOM: Final = 26
GRID_LINES: Final = 4
GAP_SHARE: Final = 0.25
COLUMN_MOST: Final = 60.0


@dataclass(frozen=True, slots=True)
class Series:
    """One row of figures: its name (a line's id) and a value for each label; None: no figure."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle; `series` is its number, for its colour."""

    x: float
    y: float
    width: float
    height: float
    series: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A word at a place."""

    x: float
    y: float
    words: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot, ready to be drawn.

    Attributes:
        code: of the plot; its lines stand under `plot.<code>`.
        unit: id of the unit's line.
        labels: of the columns, as the table has them.
        empty: there is no figure at all.
    """

    code: str
    unit: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    bars: tuple[Bar, ...]
    ticks: tuple[Mark, ...]
    marks: tuple[Mark, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to be seen."""
        return not any(value for row in self.series for value in row.values)


def bar_plot(
    code: str,
    unit: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    stacked: bool = False,
    short: Sequence[str] | None = None,
) -> Plot:
    """Return bars for each label, beside each other or stacked.

    Args:
        code: of the plot.
        unit: id of the unit's line.
        labels: one a column, for the table.
        series: values in the order of the labels.
        stacked: on top of each other.
        short: labels below the columns, where the table's are too long.
    """
    columns = [[row.values[n] or 0.0 for row in series] for n in range(len(labels))]
    heights = [sum(column) if stacked else max(column, default=0.0) for column in columns]
    top = nice_top(max(heights, default=0.0))
    bars: list[Bar] = []
    marks: list[Mark] = []
    width = min(COLUMN_MOST, (WIDTH - LEFT - RIGHT) / max(1, len(labels)))
    for n, column in enumerate(columns):
        left = LEFT + n * width
        bars += _column(column, left + width * GAP_SHARE / 2, width * (1 - GAP_SHARE), top, stacked)
        marks.append(Mark(left + width / 2, HEIGHT - 8, (short or labels)[n]))
    return Plot(code, unit, tuple(labels), tuple(series), tuple(bars), _ticks(top), tuple(marks))


def nice_top(most: float) -> float:
    """Return the end of the scale: 1, 2, 2.5 or 5 times a power of ten, times four steps."""
    if most <= 0:
        return float(GRID_LINES)
    step = most / GRID_LINES
    power = 10.0 ** floor(log10(step))
    factor = next(one for one in (1, 2, 2.5, 5, 10) if one * power >= step * (1 - 1e-9))
    # Counts have no halves.
    return GRID_LINES * max(1.0, factor * power) if most >= GRID_LINES else float(ceil(most))


def _column(
    column: Sequence[float], left: float, width: float, top: float, stacked: bool
) -> list[Bar]:
    scale, below = (HEIGHT - TOP - BOTTOM) / top, HEIGHT - BOTTOM
    if not stacked:
        each = width / max(1, len(column))
        return [
            Bar(left + n * each, below - value * scale, each * 0.94, value * scale, n)
            for n, value in enumerate(column)
            if value > 0
        ]
    bars, under = [], 0.0
    for n, value in enumerate(column):
        if value > 0:
            under += value
            bars.append(Bar(left, below - under * scale, width, value * scale, n))
    return bars


def _ticks(top: float) -> tuple[Mark, ...]:
    lines = min(GRID_LINES, int(top)) or 1
    span = HEIGHT - TOP - BOTTOM
    return tuple(
        Mark(LEFT, HEIGHT - BOTTOM - span * n / lines, f"{top * n / lines:g}")
        for n in range(lines + 1)
    )

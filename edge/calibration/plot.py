"""One plot of curves with its limits: the same drawing for a page and for a screen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reportlab.graphics.shapes import Circle, Drawing, Line, PolyLine, Rect, String  # type: ignore[import-untyped]
from reportlab.lib.colors import Color, HexColor  # type: ignore[import-untyped]

from edge.calibration.plot_letters import FONT, font, printable

MM: Final = 72 / 25.4
INK: Final = HexColor("#1f2937")
FAINT: Final = HexColor("#d1d5db")
LIMIT: Final = HexColor("#b3261e")
CURVES: Final = tuple(map(HexColor, ("#0b5cad", "#c2410c", "#15803d", "#7e22ce", "#a16207")))
TICKS: Final = 5
LETTERS: Final = 6.5
_LEFT, _RIGHT, _LOW, _HIGH = 30.0, 6.0, 22.0, 12.0

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes:
        label: with its unit.
        least, most: what it shows; None: what the curves need.
        write: makes a tick's words.
    """

    label: str
    least: float | None = None
    most: float | None = None
    write: Callable[[float], str] = "{:g}".format


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an axis, on the page."""

    low: float
    high: float
    from_pt: float
    to_pt: float

    def place(self, value: float) -> float:
        """Return where a value lies, in points; what is outside lies on the rim."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.from_pt + min(1.0, max(0.0, share)) * (self.to_pt - self.from_pt)


def line_plot(
    width_mm: float,
    height_mm: float,
    curves: Mapping[str, Points],
    axes: tuple[Axis, Axis],
    *,
    limits: tuple[float | None, float | None] = (None, None),
    dots: bool = False,
) -> Drawing:
    """Return a plot.

    Args:
        width_mm: of the whole.
        height_mm: of the whole.
        curves: points (x, y) by name, which stand in the legend if there are several.
        axes: x, y.
        limits: least and most y, drawn as lines.
        dots: every point is marked.
    """
    font()
    drawing = Drawing(width_mm * MM, height_mm * MM)
    points = [point for curve in curves.values() for point in curve]
    across = _span([x for x, _ in points], axes[0], _LEFT, width_mm * MM - _RIGHT)
    ends = [end for end in limits if end is not None]
    up = _span([y for _, y in points] + ends, axes[1], _LOW, height_mm * MM - _HIGH)
    _frame(drawing, across, up, axes)
    for end in ends:
        y = up.place(end)
        drawing.add(
            Line(across.from_pt, y, across.to_pt, y, strokeColor=LIMIT, strokeDashArray=[3, 2])
        )
    for number, curve in enumerate(curves.values()):
        _curve(drawing, curve, (across, up), CURVES[number % len(CURVES)], dots=dots)
    if len(curves) > 1:
        _legend(drawing, tuple(curves), across.to_pt, up.to_pt)
    return drawing


def text(
    drawing: Drawing, x: float, y: float, words: str, *, anchor: str = "start",
    size: float = LETTERS, colour: Color = INK,
) -> None:  # fmt: skip
    """Write a line on a drawing, in points from its lower left corner."""
    drawing.add(
        String(
            x,
            y,
            printable(words),
            fontName=FONT,
            fontSize=size,
            textAnchor=anchor,
            fillColor=colour,
        )
    )


def ticks(low: float, high: float, about: int = TICKS) -> list[float]:
    """Return round numbers within a stretch, about so many. Source: P. Heckbert, "Nice numbers"."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def _span(values: Sequence[float], axis: Axis, from_pt: float, to_pt: float) -> Span:
    low = min(values, default=0.0) if axis.least is None else axis.least
    high = max(values, default=1.0) if axis.most is None else axis.most
    if not high > low:
        low, high = low - (abs(low) * 0.1 or 0.5), high + (abs(high) * 0.1 or 0.5)
    room = (high - low) * 0.05
    return Span(
        low - (room if axis.least is None else 0.0), high + (room if axis.most is None else 0.0),
        from_pt, to_pt,
    )  # fmt: skip


def _frame(drawing: Drawing, across: Span, up: Span, axes: tuple[Axis, Axis]) -> None:
    for tick in ticks(across.low, across.high):
        x = across.place(tick)
        drawing.add(Line(x, up.from_pt, x, up.to_pt, strokeColor=FAINT, strokeWidth=0.4))
        text(drawing, x, up.from_pt - 8, axes[0].write(tick), anchor="middle")
    for tick in ticks(up.low, up.high):
        y = up.place(tick)
        drawing.add(Line(across.from_pt, y, across.to_pt, y, strokeColor=FAINT, strokeWidth=0.4))
        text(drawing, across.from_pt - 3, y - 2, axes[1].write(tick), anchor="end")
    drawing.add(
        Rect(
            across.from_pt, up.from_pt, across.to_pt - across.from_pt, up.to_pt - up.from_pt,
            fillColor=None, strokeColor=INK, strokeWidth=0.6,
        )
    )  # fmt: skip
    text(drawing, (across.from_pt + across.to_pt) / 2, 4, axes[0].label, anchor="middle")
    text(drawing, 2, up.to_pt + 4, axes[1].label)


def _curve(
    drawing: Drawing, curve: Points, spans: tuple[Span, Span], colour: Color, *, dots: bool
) -> None:
    across, up = spans
    places = [(across.place(x), up.place(y)) for x, y in curve]
    if len(places) > 1:
        flat = [value for place in places for value in place]
        drawing.add(PolyLine(flat, strokeColor=colour, strokeWidth=1.0, fillColor=None))
    if dots or len(places) == 1:
        for x, y in places:
            drawing.add(Circle(x, y, 1.8, fillColor=colour, strokeColor=None))


def _legend(drawing: Drawing, names: tuple[str, ...], right: float, top: float) -> None:
    for number, name in enumerate(names):
        y = top - 8 - 8 * number
        text(drawing, right - 14, y, name, anchor="end")
        colour = CURVES[number % len(CURVES)]
        drawing.add(Line(right - 12, y + 2, right - 3, y + 2, strokeColor=colour, strokeWidth=1.2))

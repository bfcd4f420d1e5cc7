"""A measure over time as SVG, for a page of the technician's console: limits drawn as lines."""

from __future__ import annotations

import re
from typing import Final

from reportlab.graphics import renderSVG  # type: ignore[import-untyped]

from edge.calibration.certificate_words import words_of
from edge.calibration.plot import Axis, line_plot
from edge.calibration.plot_letters import FONT
from edge.calibration.trend import DAY_MS, Series, day_of

SIZE_MM: Final = (150.0, 70.0)
_STYLE: Final = re.compile(r'style="([^"]*)"')
SCREEN_FONT: Final = "Noto Sans CJK SC, Noto Sans SC, sans-serif"


def trend_svg(series: Series, language: str) -> str:
    """Return the plot of one measure.

    Args:
        series: one point at least, or the plot is empty.
        language: "zh-CN" or "en".

    Raises:
        ValueError: there is no such language.
    """
    words = words_of(language)
    points = [(point.at_ms / DAY_MS, point.value) for point in series.points]
    last = series.points[-1] if series.points else None
    limits = (None, None) if last is None else (last.least, last.most)
    unit = "" if series.unit == "1" else words.named("unit", series.unit)
    name = words.named("measure", series.measure)
    axes = (
        Axis(words.line("trend.date"), write=day_of),
        Axis(words.line("trend.title", measure=name, unit=unit).rstrip(" :：")),
    )
    drawing = line_plot(*SIZE_MM, {series.measure: points}, axes, limits=limits, dots=True)
    return _for_a_screen(str(renderSVG.drawToString(drawing)))


def _for_a_screen(svg: str) -> str:
    """Return the drawing without what a strict page refuses: inline styles, a document type."""
    # A screen has the letters itself; our font's name would mean nothing to it.
    bare = svg[svg.index("<svg") :].replace(FONT, SCREEN_FONT)
    bare = re.sub(r"<(title|desc)>[^<]*</\1>\s*", "", bare)
    return _STYLE.sub(_as_attributes, bare)


def _as_attributes(style: re.Match[str]) -> str:
    pairs = (pair.partition(":") for pair in style[1].split(";") if ":" in pair)
    return " ".join(f'{name.strip()}="{value.strip()}"' for name, _, value in pairs)

"""Figures as a technician reads them: as many digits as they are worth, and a bar with the limits.

Pure. Every drawing is geometry for an SVG's attributes: no style, no words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

NOTHING: Final = "—"
BAR_PX: Final = 300.0
DIGITS: Final = 3
UNCERTAIN_DIGITS: Final = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """Where limits and figure lie on a bar of `BAR_PX`; None: not on it.

    Attributes:
        good_from, good_to: the stretch inside the limits.
        figure, best: marks, at the rim where they lie outside.
    """

    good_from: float
    good_to: float
    figure: float | None
    best: float | None


def figure_text(value: float | None, least: float | None = None, most: float | None = None) -> str:
    """Return a live figure with as many decimals as its limits are told with, never more than 3.

    The number of decimals depends on the limits alone: a figure that jumps is not readable.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    scale = max((abs(end) for end in (least, most) if end), default=abs(value))
    decimals = DIGITS - 1 - math.floor(math.log10(scale)) if scale else 1
    return signed(f"{value:.{min(3, max(0, decimals))}f}")


def value_text(value: float | None, uncertainty: float | None) -> str:
    """Return a measured value; its uncertainty has two digits, and the value as many places.

    Source: JCGM 100:2008 (GUM), 7.2.6.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if not uncertainty or not math.isfinite(uncertainty):
        return signed(f"{value:.4g}")
    places = max(0, UNCERTAIN_DIGITS - 1 - math.floor(math.log10(uncertainty)))
    return f"{signed(f'{value:.{places}f}')} ± {uncertainty:.{places}f}"


def limits_text(least: float | None, most: float | None) -> str:
    """Return the limits, "" where there are none."""
    if least is not None and most is not None:
        return f"{signed(f'{least:g}')} … {signed(f'{most:g}')}"
    if least is not None:
        return f"≥ {signed(f'{least:g}')}"
    return "" if most is None else f"≤ {signed(f'{most:g}')}"


def signed(text: str) -> str:
    """Return a number with a minus that is as wide as a plus; nothing is minus zero."""
    plain = text[1:] if text.startswith("-") and not text.strip("-0.") else text
    return plain.replace("-", "−") if plain.startswith("-") else plain


def bar(
    figure: float | None, least: float | None, most: float | None, best: float | None = None
) -> Bar | None:
    """Return the bar of a figure; None where there is no limit to draw."""
    if least is not None and most is not None:
        span = most - least or 1.0
        low, high = least - span / 2, most + span / 2
    elif least is not None:
        span = abs(least) or 1.0
        low, high = least - span, least + span
    elif most is not None:
        span = abs(most) or 1.0
        low, high = most - span, most + span / 2
    else:
        return None

    def place(value: float | None) -> float | None:
        if value is None or not math.isfinite(value):
            return None
        return round(min(1.0, max(0.0, (value - low) / (high - low))) * BAR_PX, 1)

    return Bar(
        good_from=place(least) or 0.0,
        good_to=BAR_PX if most is None else place(most) or 0.0,
        figure=place(figure),
        best=place(best),
    )

"""How figures stand on paper: as many digits as their uncertainty is worth, and their unit."""

from __future__ import annotations

from math import floor, isfinite, log10

from edge.calibration.certificate_words import Words
from edge.calibration.record import StepResult


def decimals_of(value: float, uncertainty: float | None) -> int:
    """Return how many decimals are worth writing: two digits of the uncertainty.

    Without one, four digits of the value. Source: JCGM 100:2008 (GUM), 7.2.6.
    """
    known = uncertainty is not None and isfinite(uncertainty) and uncertainty > 0
    scale, digits = (uncertainty, 2) if known else (abs(value), 4)
    if not scale or not isfinite(scale):
        return 0
    return min(6, max(0, digits - 1 - floor(log10(scale))))


def figure(value: float, uncertainty: float | None) -> str:
    """Return a value with its uncertainty, without a unit; counts have none."""
    decimals = decimals_of(value, uncertainty)
    # A rounded nought has no sign.
    told = f"{round(value, decimals) + 0.0:.{decimals}f}"
    if not uncertainty:
        return told.rstrip("0").rstrip(".") if "." in told else told
    doubt = f"{uncertainty:.{decimals}f}"
    return f"{told} ± {doubt if float(doubt) else f'{uncertainty:.0e}'}"


def value_of(step: StepResult, words: Words) -> str:
    """Return what was measured, or why it was not."""
    if step.value is None:
        return words.named("reason", step.reason) if step.reason else "–"
    return f"{figure(step.value, step.uncertainty)} {unit_of(step, words)}".rstrip()


def limits_of(step: StepResult, words: Words) -> str:
    """Return the limits, whole and in words."""
    least, most = (None if end is None else f"{end:g}" for end in (step.least, step.most))
    if least is not None and most is not None:
        return words.line("table.both", least=least, most=most)
    if least is not None:
        return words.line("table.open_least", least=least)
    return words.line("table.none") if most is None else words.line("table.open_most", most=most)


def unit_of(step: StepResult, words: Words) -> str:
    """Return the unit as it is printed; a bare share has none."""
    return "" if step.unit == "1" else words.named("unit", step.unit)

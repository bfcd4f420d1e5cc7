"""The rules for causes that stood before worn and moved had measures of their own: to compare with.

Source: the same limits, in the same order, as on the real prints that they were first met on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from quality.finger.causes import Cause

Values = Mapping[str, float]

_RULES: Final[tuple[tuple[Callable[[Values], bool], Cause], ...]] = (
    (lambda v: v["ForegroundShare"] < 0.05 or v["GreyRange"] < 40, Cause.PLACE),
    (
        lambda v: (
            v.get("InkShare", 0.0) >= 0.60
            or (v["ForegroundShare"] < 0.70 and v["DarkShare"] >= 0.55)
        ),
        Cause.WET,
    ),
    (
        lambda v: v["ForegroundShare"] < 0.70 and v.get("ContactOffset", 0.0) >= 0.15,
        Cause.PARTIAL,
    ),
    (lambda v: v["ForegroundShare"] < 0.70, Cause.LIGHT),
    (
        lambda v: v.get("RidgeCoherence", 1.0) < 0.55 and v.get("InkShare", 1.0) < 0.335,
        Cause.DRY,
    ),
    (
        lambda v: (
            v.get("Contrast", 255.0) < 36
            and v.get("RidgeCoherence", 0.0) >= 0.50
            and v.get("RidgeFrequencyShare", 1.0) < 0.92
        ),
        Cause.MOVED,
    ),
    (lambda v: v.get("RidgeCoherence", 1.0) < 0.60, Cause.WORN),
)


def earlier_cause(values: Values) -> Cause | None:
    """Return what a press with these measures was called then."""
    return next((cause for rule, cause in _RULES if rule(values)), None)

"""OFIQ's way of rounding, and of mapping a native value to a component of 0 to 100.

Source: OFIQ 1.0.3, `utils.cpp` and `ofiq_config.jaxn`; checked against its conformance table.
"""

from __future__ import annotations

from math import copysign, exp, trunc

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def half_away(value: float) -> int:
    """Return the nearest whole number, halves away from zero."""
    # Python's and numpy's own rounding takes halves to even, which moves scores by one.
    return trunc(value + copysign(0.5, value))


def halves_away(values: npt.ArrayLike) -> Floats:
    """Round every value as `half_away` does; the result keeps the shape."""
    exact = np.asarray(values, dtype=np.float64)
    return np.trunc(exact + np.copysign(0.5, exact))


def sigmoid(value: float, x0: float, w: float) -> float:
    """Return 1 / (1 + exp((x0 - value) / w)), 0.0 where that would overflow."""
    exponent = (x0 - value) / w
    return 0.0 if exponent > 700 else 1 / (1 + exp(exponent))


def component_of(
    value: float, *, h: float = 100, a: float = 0, s: float = 1, x0: float, w: float
) -> int:
    """Return clip(round(h * (a + s * sigmoid)), 0, 100) with OFIQ's names of the parameters."""
    return min(100, max(0, half_away(h * (a + s * sigmoid(value, x0, w)))))

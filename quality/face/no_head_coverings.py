"""NoHeadCoverings: how much of the head's surroundings is hat or cloth."""

from __future__ import annotations

from typing import Final

import numpy as np

from quality.face.face import Face
from quality.face.scale import half_away, sigmoid
from quality.measure import CannotAssess, Measure, Range, Standing

_CLOTH: Final = 16
_HAT: Final = 18
_UPPER_ROWS: Final = 196
_ALL_COVERED: Final = 0.95


def no_head_coverings(face: Face) -> float:
    """Return the share of hat and cloth in the upper half of the parsed face, unit "1".

    Raises:
        CannotAssess: there is no face parsing, which nothing stands in for.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `NoHeadCoverings.cpp` (formula).
    """
    if face.parsing is None:
        raise CannotAssess("no face parsing")
    upper = face.parsing[:_UPPER_ROWS]
    return float(np.isin(upper, (_CLOTH, _HAT)).mean())


def component(native: float) -> int:
    """Return OFIQ's component: 100 bareheaded, 40 at a share of 0.15, 0 from 0.95."""
    if native <= 0 or native >= _ALL_COVERED:
        return 100 if native <= 0 else 0
    low, here, high = (sigmoid(share, 0.02, 0.1) for share in (0.0, native, _ALL_COVERED))
    return half_away(100 * (high - here) / (high - low))


MEASURE = Measure(
    "NoHeadCoverings", "1", Range(0.0, 1.0), no_head_coverings,
    Standing.OFIQ_LIKE, component, still_only=True,
)  # fmt: skip

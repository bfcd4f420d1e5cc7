"""Faults painted into good portraits, to see whether each is noticed and rightly named.

A painted picture is made for measuring only. Nothing of the station imports this room: what a
person gets is never painted on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.advice import Advice

Picture = npt.NDArray[np.uint8]
Landmarks = npt.NDArray[np.float64]
Painter = Callable[[Picture, Landmarks, Picture, float], Picture]
"""(bgr, landmarks_px (98, 2), person_mask 0..255, strength 0..1) -> a new bgr of the same size."""

STRENGTHS: Final = (0.4, 0.7, 1.0)
"""Weak, middle and strong; 0 leaves a picture as it is."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One fault that can be painted, and what the station must say of it.

    Attributes:
        name: in lower case, as the pages of figures show it.
        paint: pure and deterministic; never changes the picture that it is given.
        measure: whose native value must move.
        advice: the one hint that names the cause.
        rises: the measure's value grows with the strength; otherwise it falls.
        strengths: from the weakest on; the strongest must be refused.
    """

    name: str
    paint: Painter
    measure: str
    advice: Advice
    rises: bool = True
    strengths: tuple[float, ...] = STRENGTHS


DEFECTS: Final[Mapping[str, Defect]] = MappingProxyType({})
"""By name."""

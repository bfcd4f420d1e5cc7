"""A minutia as every format of ours starts from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class MinutiaKind(Enum):
    """ISO/IEC 19794-2:2005, 6.5.1: the two bits in front of x."""

    OTHER = 0
    ENDING = 1
    BIFURCATION = 2


@dataclass(frozen=True, slots=True)
class Minutia:
    """One minutia of one finger image.

    Attributes:
        x_px, y_px: from the top left of the image it was found in, y down.
        angle_deg: counter-clockwise from +x, 0..360; along the ridge of an ending, into the valley
            of a bifurcation (the convention of ANSI INCITS 378 and ISO/IEC 19794-2).
        quality: 1..100 as its finder says, 0 unknown.
    """

    x_px: int
    y_px: int
    angle_deg: float
    kind: MinutiaKind
    quality: int = 0

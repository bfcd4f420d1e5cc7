"""A reader's picture as an array, and the one regular pattern of lines in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.finger.print import FingerPicture
from quality.optics.refusal import Refusal, refused

Levels = npt.NDArray[np.float64]

SIDE_MIN_PX: Final = 48
CYCLES_MIN: Final = 4.0
STANDS_OUT: Final = 8.0
"""[ours] How many times the middle strength of the spectrum a pattern has."""
OTHER_STRONGER: Final = 2.0
"""[ours] Lines of another fineness that are so much stronger are what is really there."""
_FINER: Final = 2


def levels_of(picture: FingerPicture) -> Levels:
    """Return (height, width) of grey, 0..255."""
    pixels = np.frombuffer(picture.pixels, np.uint8)
    return pixels.reshape(picture.height_px, picture.width_px).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Lines:
    """Parallel lines.

    Attributes:
        across_cy_per_px, down_cy_per_px: their frequency along rows and columns, with sign.
    """

    across_cy_per_px: float
    down_cy_per_px: float

    @property
    def cycles_per_px(self) -> float:
        """Across the lines."""
        return float(np.hypot(self.across_cy_per_px, self.down_cy_per_px))

    @property
    def angle_deg(self) -> float:
        """Of the lines against the vertical, -90 to 90."""
        angle = np.degrees(np.arctan2(self.down_cy_per_px, self.across_cy_per_px))
        return float((angle + 90) % 180 - 90)


def strongest_lines(levels: Levels, expected_cy_per_px: float, slack: float) -> Lines:
    """Return the strongest lines about the expected frequency.

    Args:
        levels: (height, width).
        expected_cy_per_px: across them.
        slack: how far beside it is searched, as a share of it.

    Raises:
        CannotAssess: no_pattern; too_small where fewer than 4 lines are in view.
    """
    if min(levels.shape) < SIDE_MIN_PX or expected_cy_per_px * min(levels.shape) < CYCLES_MIN:
        raise refused(Refusal.TOO_SMALL)
    window = np.hanning(levels.shape[0])[:, None] * np.hanning(levels.shape[1])
    size = tuple(_FINER * side for side in levels.shape)
    centred = (levels - np.average(levels, weights=window)) * window
    spectrum = np.abs(np.fft.rfft2(centred, size))
    down, across = np.fft.fftfreq(size[0]), np.fft.rfftfreq(size[1])
    cycles = np.hypot(down[:, None], across)
    near = np.abs(cycles - expected_cy_per_px) <= slack * expected_cy_per_px
    if not near.any():
        raise refused(Refusal.NO_PATTERN)
    row, column = np.unravel_index(int(np.argmax(np.where(near, spectrum, 0))), spectrum.shape)
    strength = float(spectrum[row, column])
    if strength <= 1e-9 or strength < STANDS_OUT * float(np.median(spectrum[near])):
        raise refused(Refusal.NO_PATTERN)
    others = spectrum[~near & (cycles * min(levels.shape) >= CYCLES_MIN)]
    if others.size and float(others.max()) > OTHER_STRONGER * strength:
        raise refused(Refusal.NO_PATTERN)
    up = _peak([spectrum[(row + step) % size[0], column] for step in (-1, 0, 1)])
    # The spectrum of a real picture is its own mirror image about the axis.
    beside = [spectrum[row, column + step] if 0 <= column + step < spectrum.shape[1]
              else spectrum[-row, abs(column + step)] for step in (-1, 0, 1)]  # fmt: skip
    return Lines(float(across[column] + _peak(beside) / size[1]), float(down[row] + up / size[0]))


def _peak(three: list[float]) -> float:
    """Return where between three equally spaced strengths the peak is, -0.5 to 0.5."""
    low, middle, high = np.log(np.maximum(three, 1e-12))
    bend = low - 2 * middle + high
    return 0.0 if bend >= 0 else float(np.clip((low - high) / bend / 2, -0.5, 0.5))

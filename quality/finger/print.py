"""What every finger measure is given: one print at 500 ppi, with its skin and its ridges found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from quality.finger.spectra import spectra_of

Field = npt.NDArray[np.float32]

PPI: Final = 500
BLOCK_PX: Final = 17
FLAT_DEVIATION: Final = 10.0
SKIN_SHARE_OF_P95: Final = 0.25
COARSE_PX: Final = 8.0
"""Detail is what a Gaussian this wide takes away: ridges, not the shade of the glass."""


class FingerPicture(Protocol):
    """What a reader delivers: 8-bit grey, rows from the top, ridges dark."""

    @property
    def pixels(self) -> bytes:
        """Width times height bytes."""

    @property
    def width_px(self) -> int:
        """Columns."""

    @property
    def height_px(self) -> int:
        """Rows."""

    @property
    def resolution_ppi(self) -> int:
        """Pixels per inch of what was captured."""


@dataclass(frozen=True, eq=False)
class Print:
    """One print and what all measures need of it; every array is (height_px, width_px).

    What several measures need is worked out once, when the first asks.

    Attributes:
        grey: 0..255 at 500 ppi, ridges dark.
        deviation: local deviation of grey in a box of 17 px.
        foreground: where there is skin.
        flow_x, flow_y: ridge flow as a doubled angle; its length is the coherence, 0..1.

    Source: the formulas of `anxin-ridge-1` (`quality/finger/score.py`), all our own.
    """

    grey: Field
    deviation: Field
    foreground: npt.NDArray[np.bool_]
    flow_x: Field
    flow_y: Field

    @cached_property
    def coherence(self) -> Field:
        """How parallel the ridges run, 0..1 at every pixel."""
        return np.hypot(self.flow_x, self.flow_y)

    @cached_property
    def skin(self) -> Field:
        """Grey of all skin, as one row."""
        return self.grey[self.foreground]

    @cached_property
    def skin_extremes(self) -> tuple[float, float]:
        """The 5th and 95th percentile of the skin's grey: ridge and valley."""
        low, high = np.percentile(self.skin, (5, 95))
        return float(low), float(high)

    @cached_property
    def spectra(self) -> Field:
        """Power of each window of skin: `quality.finger.spectra`."""
        return spectra_of(self.grey, self.foreground)

    @cached_property
    def detail(self) -> Field:
        """Grey less its surroundings, mean 0: what a latent print shares with its finger."""
        detail = self.grey - cv2.GaussianBlur(self.grey, (0, 0), COARSE_PX)
        return np.asarray(detail - detail.mean(), np.float32)


@dataclass(frozen=True, slots=True)
class Presentation:
    """One print beside the last pictures of the same reader, newest last, five at most."""

    seen: Print
    earlier: tuple[Print, ...] = ()


def print_of(picture: FingerPicture) -> Print:
    """Find skin and ridges in what a reader delivered."""
    grey = _at_500_ppi(picture)
    deviation = _local_deviation(grey)
    flow_x, flow_y = _ridge_flow(grey)
    return Print(grey, deviation, _skin(deviation), flow_x, flow_y)


def _at_500_ppi(picture: FingerPicture) -> Field:
    pixels = np.frombuffer(picture.pixels, np.uint8)
    grey = pixels.reshape(picture.height_px, picture.width_px).astype(np.float32)
    scale = PPI / picture.resolution_ppi
    if scale == 1.0:
        return grey
    size = (round(picture.width_px * scale), round(picture.height_px * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(np.clip(cv2.resize(grey, size, interpolation=how), 0, 255), np.float32)


def _local_deviation(grey: Field) -> Field:
    mean = cv2.boxFilter(grey, cv2.CV_32F, (BLOCK_PX, BLOCK_PX))
    mean_of_squares = cv2.sqrBoxFilter(grey, cv2.CV_32F, (BLOCK_PX, BLOCK_PX))
    return np.asarray(np.sqrt(np.maximum(mean_of_squares - mean * mean, 0.0)), np.float32)


def _skin(deviation: Field) -> npt.NDArray[np.bool_]:
    limit = max(FLAT_DEVIATION, SKIN_SHARE_OF_P95 * float(np.percentile(deviation, 95)))
    mask = np.asarray(deviation > limit, np.uint8)
    square = np.ones((BLOCK_PX, BLOCK_PX), np.uint8)
    for step in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE):
        mask = np.asarray(cv2.morphologyEx(mask, step, square), np.uint8)
    return mask.astype(np.bool_)


def _ridge_flow(grey: Field) -> tuple[Field, Field]:
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    xx, yy, xy = (
        cv2.GaussianBlur(product, (0, 0), 7.0)
        for product in (across * across, down * down, across * down)
    )
    energy = xx + yy + 0.001
    return np.asarray((xx - yy) / energy, np.float32), np.asarray(2 * xy / energy, np.float32)

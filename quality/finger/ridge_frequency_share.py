"""RidgeFrequencyShare: how much of the print has ridges as far apart as a finger's."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from quality.finger.print import Field, Print
from quality.measure import CannotAssess, Measure, Range, Standing

WINDOW_PX: Final = 48
STEP_PX: Final = 24
SKIN_SHARE_MIN: Final = 0.75
DC_CYCLES_PER_PX: Final = 0.03
RIDGES_CYCLES_PER_PX: Final = (0.08, 0.16)

_ACROSS: Final = np.fft.rfftfreq(WINDOW_PX)[None, :]
_DOWN: Final = np.fft.fftfreq(WINDOW_PX)[:, None]
_FREQUENCY: Final = np.hypot(_ACROSS, _DOWN)
_HANN: Final = np.outer(np.hanning(WINDOW_PX), np.hanning(WINDOW_PX)).astype(np.float32)


def ridge_frequency_share(seen: Print) -> float:
    """Return the share of windows whose strongest frequency is that of ridges, 0..1.

    A ridge every 6 to 12 px at 500 ppi; windows of 48 px every 24 px that are mostly skin.

    Raises:
        CannotAssess: no window is mostly skin.
    """
    windows = _windows_of_skin(seen)
    if not len(windows):
        raise CannotAssess("no window is mostly skin")
    levelled = (windows - windows.mean(axis=(1, 2), keepdims=True)) * _HANN
    power = np.abs(np.fft.rfft2(levelled))
    power[:, _FREQUENCY <= DC_CYCLES_PER_PX] = 0
    strongest = _FREQUENCY.ravel()[power.reshape(len(power), -1).argmax(axis=1)]
    low, high = RIDGES_CYCLES_PER_PX
    return float(np.mean((strongest >= low) & (strongest <= high)))


def _windows_of_skin(seen: Print) -> npt.NDArray[np.float32]:
    return np.asarray(
        [
            grey
            for grey, skin in zip(_windows(seen.grey), _windows(seen.foreground), strict=True)
            if skin.mean() >= SKIN_SHARE_MIN
        ],
        np.float32,
    )


def _windows(picture: Field | npt.NDArray[np.bool_]) -> npt.NDArray[np.generic]:
    if min(picture.shape) < WINDOW_PX:
        return np.empty((0, WINDOW_PX, WINDOW_PX), picture.dtype)
    every = np.lib.stride_tricks.sliding_window_view(picture, (WINDOW_PX, WINDOW_PX))
    return every[::STEP_PX, ::STEP_PX].reshape(-1, WINDOW_PX, WINDOW_PX)


MEASURE = Measure("RidgeFrequencyShare", "1", Range(0.0, 1.0), ridge_frequency_share, Standing.OWN)

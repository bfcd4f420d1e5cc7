"""What each small window of skin is made of: its power over frequency and direction.

Several measures ask for it, and it is the dearest thing they need: so it is worked out once.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]

WINDOW_PX: Final = 48
STEP_PX: Final = 24
SKIN_SHARE_MIN: Final = 0.75
DC_CYCLES_PER_PX: Final = 0.03
"""Below this lies the shade of the window, not its texture."""

_ACROSS: Final = np.fft.rfftfreq(WINDOW_PX)[None, :]
_DOWN: Final = np.fft.fftfreq(WINDOW_PX)[:, None]
_HANN: Final = np.outer(np.hanning(WINDOW_PX), np.hanning(WINDOW_PX)).astype(np.float32)

FREQUENCY: Final = np.hypot(_ACROSS, _DOWN).ravel()
"""Cycles per pixel of each bin."""

DOUBLED_ANGLE: Final = 2 * np.arctan2(_DOWN, _ACROSS).ravel()
"""Twice the direction of each bin: a direction and its opposite are one."""

BINS_OF_PLANE: Final = np.repeat(
    np.where((_ACROSS > 0) & (_ACROSS < 0.5), 2.0, 1.0), WINDOW_PX, axis=0
).ravel()
"""How many bins of the whole plane each stands for: half of it is not computed."""


def spectra_of(grey: Field, skin: npt.NDArray[np.bool_]) -> Field:
    """Return power as (windows, bins), one row for each window that is mostly skin.

    Windows of 48 px every 24 px, levelled and tapered; power below texture is 0.

    Source: ours.
    """
    windows = _windows_of_skin(grey, skin)
    levelled = (windows - windows.mean(axis=(1, 2), keepdims=True)) * _HANN
    plane = np.fft.rfft2(levelled)
    power = np.square(plane.real) + np.square(plane.imag)
    flat = power.reshape(len(power), FREQUENCY.size)
    flat[:, FREQUENCY <= DC_CYCLES_PER_PX] = 0
    return np.asarray(flat, np.float32)


def band(low: float, high: float) -> npt.NDArray[np.bool_]:
    """Return which bins lie above `low` and up to `high` cycles per pixel."""
    return np.asarray((low < FREQUENCY) & (high >= FREQUENCY), np.bool_)


def _windows_of_skin(grey: Field, skin: npt.NDArray[np.bool_]) -> Field:
    if min(grey.shape) < WINDOW_PX:
        return np.empty((0, WINDOW_PX, WINDOW_PX), np.float32)
    mostly_skin = _windows(skin).mean(axis=(2, 3)) >= SKIN_SHARE_MIN
    return np.asarray(_windows(grey)[mostly_skin], np.float32)


def _windows(picture: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    every = np.lib.stride_tricks.sliding_window_view(picture, (WINDOW_PX, WINDOW_PX))
    return every[::STEP_PX, ::STEP_PX]

"""How loud a line is, and all lines equally loud: integrated loudness after ITU-R BS.1770.

The measure is the gated one of BS.1770-4 for one channel, in LUFS; its K-weighting is taken from
the recommendation's own coefficients at 48 kHz, evaluated at each frequency, so that any rate fits.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float64]

TARGET_LUFS: Final = -18.0
PEAK_MAX: Final = 0.89
"""-1 dB below full scale: what Opus adds still fits."""
_BLOCK_S: Final = 0.4
_STEP_S: Final = 0.1
_SHELF: Final = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (1.0, -1.69065929318241, 0.73248077421585),
)
_HIGH_PASS: Final = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
_QUIETEST_LUFS: Final = -70.0
_BELOW_MEAN_LU: Final = 10.0


def loudness(samples: npt.ArrayLike, rate: int) -> float:
    """Return the integrated loudness of a mono sound in LUFS, `-inf` for silence."""
    weighted = _weighted(np.asarray(samples, dtype=np.float64), rate)
    block, step = int(_BLOCK_S * rate), int(_STEP_S * rate)
    starts = range(0, max(len(weighted) - block, 0) + 1, step)
    powers = np.array([np.mean(weighted[start : start + block] ** 2) for start in starts])
    loud = powers[_lufs(powers) > _QUIETEST_LUFS]
    if not loud.size:
        return float("-inf")
    gate = _lufs(np.array([loud.mean()]))[0] - _BELOW_MEAN_LU
    return float(_lufs(np.array([loud[_lufs(loud) > gate].mean()]))[0])


def levelled(samples: npt.ArrayLike, rate: int) -> Samples:
    """Return the sound at `TARGET_LUFS`; peaks above `PEAK_MAX` are bent, not cut.

    Raises:
        ValueError: there is nothing to hear.
    """
    sound = np.asarray(samples, dtype=np.float64)
    # Bending takes a little loudness away: three rounds bring it back within 0.1 LU.
    for _ in range(3):
        now = loudness(sound, rate)
        if not np.isfinite(now):
            raise ValueError("a silent line")
        sound = _bent(sound * 10 ** ((TARGET_LUFS - now) / 20))
    return sound


def _bent(sound: Samples) -> Samples:
    knee = 0.6
    over = np.abs(sound) > knee
    room = PEAK_MAX - knee
    bent = sound.copy()
    bent[over] = np.sign(sound[over]) * (knee + room * np.tanh((np.abs(sound[over]) - knee) / room))
    return bent


def _weighted(sound: Samples, rate: int) -> Samples:
    # Zeros behind, so that the end does not ring into the beginning; a power of two is quick.
    size = 1 << (len(sound) + rate // 2).bit_length()
    turns = np.exp(-2j * np.pi * np.fft.rfftfreq(size, 1 / rate) / 48_000)
    weight = np.abs(_response(_SHELF, turns) * _response(_HIGH_PASS, turns))
    return np.fft.irfft(np.fft.rfft(sound, size) * weight, size)[: len(sound)]


def _response(
    section: tuple[tuple[float, ...], tuple[float, ...]], turns: npt.NDArray[np.complex128]
) -> npt.NDArray[np.complex128]:
    above, below = section
    powers = np.stack([turns**n for n in range(3)])
    return np.asarray(np.array(above) @ powers / (np.array(below) @ powers))


def _lufs(powers: Samples) -> Samples:
    with np.errstate(divide="ignore"):
        return np.asarray(-0.691 + 10 * np.log10(powers), dtype=np.float64)

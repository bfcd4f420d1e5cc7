"""A moment as 24 black and white cells between four marks: drawn on a screen, read by a camera."""

from __future__ import annotations

from typing import Final

import numpy as np

from quality.optics.colour_patches import COLUMNS, ROWS
from quality.optics.held_cells import read_cells
from quality.optics.light import Picture
from quality.optics.marks import TIME_MARKS
from quality.optics.refusal import Refusal, refused

VALUE_BITS: Final = 18
CHECK_BITS: Final = 6
PERIOD_MS: Final = 1 << VALUE_BITS
"""262 s: then the code begins anew."""
_POLYNOMIAL: Final = 0b1000011
"""x^6 + x + 1. Source: ITU-T G.704, the check of six bits."""
_UNDECIDED: Final = (0.35, 0.65)
_CONTRAST_MIN: Final = 0.1


def cells_of(milliseconds: int) -> tuple[bool, ...]:
    """Return the 24 cells by rows, True for white: 18 bits of the moment, then 6 of its check."""
    value = milliseconds % PERIOD_MS
    whole = (value << CHECK_BITS) | _check(value)
    return tuple(bool(whole >> (23 - place) & 1) for place in range(COLUMNS * ROWS))


def read_time_code(picture: Picture) -> int:
    """Return the moment on the screen in view, in ms modulo 262 144.

    Raises:
        CannotAssess: no_chart, wrong_chart, partly_hidden, mirrored, too_small, over_exposed,
            under_exposed; moving where two codes lie over each other, as between two pictures of
            the screen.
    """
    light = read_cells(picture, TIME_MARKS).means[:, 1]
    low, high = float(light.min()), float(light.max())
    if high - low < _CONTRAST_MIN:
        raise refused(Refusal.UNDER_EXPOSED if high < 0.3 else Refusal.OVER_EXPOSED)
    relative = (light - low) / (high - low)
    if ((relative > _UNDECIDED[0]) & (relative < _UNDECIDED[1])).any():
        raise refused(Refusal.MOVING)
    whole = int("".join("1" if one else "0" for one in np.asarray(relative > 0.5)), 2)
    value, check = whole >> CHECK_BITS, whole & ((1 << CHECK_BITS) - 1)
    if _check(value) != check:
        raise refused(Refusal.MOVING)
    return value


def _check(value: int) -> int:
    # Nothing shown at all, all black or all white, must not pass as a moment.
    rest = ((value << CHECK_BITS) | 0b101010) ^ (0b110011 << VALUE_BITS)
    for place in range(VALUE_BITS + CHECK_BITS - 1, CHECK_BITS - 1, -1):
        if rest >> place & 1:
            rest ^= _POLYNOMIAL << (place - CHECK_BITS)
    return rest

"""A clock that stands in the picture, so that whoever sees the picture knows how old it is.

A row of black and white fields at the lower edge: the machine's monotonic clock in milliseconds,
lowest bit leftmost, then one field that makes the number of white ones even. The fields are several
of a JPEG's blocks wide and survive it, and being made smaller.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from drivers.camera import Picture

BITS: Final = 31
FIELDS: Final = BITS + 1
WIDTH_SHARE: Final = 0.8
"""Of the picture's width, for all fields together."""
_WHITE: Final = 235
_BLACK: Final = 20
_MIDDLE: Final = 128


def draw_clock(bgr: Picture, now_s: float) -> Picture:
    """Return the picture with the clock at this time: (height, width, 3)."""
    marked = bgr.copy()
    number = round(now_s * 1000) % (1 << BITS)
    bits = [number >> bit & 1 for bit in range(BITS)]
    side_px, left_px, top_px = _place(bgr)
    for place, bit in enumerate([*bits, sum(bits) % 2]):
        x = left_px + place * side_px
        marked[top_px : top_px + side_px, x : x + side_px] = _WHITE if bit else _BLACK
    return marked


def read_clock(bgr: Picture) -> float | None:
    """Return the time in seconds that a picture shows; None if there is no clock to be read."""
    side_px, left_px, top_px = _place(bgr)
    middle = side_px // 2
    row = bgr[top_px + middle, left_px + middle :: side_px].astype(np.int32)[:FIELDS].mean(axis=1)
    bits = [int(level > _MIDDLE) for level in row]
    if len(bits) < FIELDS or sum(bits) % 2:
        return None
    return sum(bit << place for place, bit in enumerate(bits[:BITS])) / 1000


def age_s(shown_s: float, now_s: float) -> float:
    """Return how old a picture that shows this time is; the clock begins anew every 24 days."""
    return ((now_s - shown_s) * 1000 % (1 << BITS)) / 1000


def _place(bgr: Picture) -> tuple[int, int, int]:
    height_px, width_px = bgr.shape[:2]
    side_px = max(1, int(width_px * WIDTH_SHARE) // FIELDS)
    return side_px, (width_px - FIELDS * side_px) // 2, height_px - side_px

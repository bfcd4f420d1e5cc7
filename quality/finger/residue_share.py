"""ResidueShare: how much of what looks like skin is an earlier print left on the glass."""

from __future__ import annotations

from typing import Final

import numpy as np

from quality.finger.print import Field, Presentation, Print
from quality.measure import CannotAssess, Measure, Range, Standing

TILE_PX: Final = 32
SAME_DETAIL: Final = 0.85
PALER: Final = 0.65
"""Residue shows at most this share of the contrast that the finger had. Without it, two presses
that happen to lie alike in one corner would count."""


def residue_share(presentation: Presentation) -> float:
    """Return the largest share of skin that repeats an earlier picture's detail, paler, 0..1.

    Where a finger covers part of the window only, what was left there before shows beside it; the
    picture then holds ridges of two presses, and looks complete.

    Raises:
        CannotAssess: there is no earlier picture of this size, or no skin.

    Source: ours; the whole-frame gate G7 does not see a part of the frame.
    """
    seen = presentation.seen
    skin = _tiles(np.asarray(seen.foreground, np.float32)).mean(axis=(1, 3)) >= 0.5
    known = [one for one in presentation.earlier if one.grey.shape == seen.grey.shape]
    if not known or not skin.any():
        raise CannotAssess("no skin, or no earlier picture to compare with")
    return max(float(_is_residue(seen, before)[skin].mean()) for before in known)


def _is_residue(seen: Print, before: Print) -> Field:
    here, there = _levelled(seen.detail), _levelled(before.detail)
    power_here = np.einsum("aibj,aibj->ab", here, here)
    power_there = np.einsum("aibj,aibj->ab", there, there)
    both = np.sqrt(power_here * power_there)
    alike = np.einsum("aibj,aibj->ab", here, there) >= SAME_DETAIL * np.maximum(both, 1e-6)
    return np.asarray(alike & (power_here <= PALER**2 * power_there), np.float32)


def _levelled(detail: Field) -> Field:
    tiles = _tiles(detail)
    return np.asarray(tiles - tiles.mean(axis=(1, 3), keepdims=True), np.float32)


def _tiles(field: Field) -> Field:
    """Return (rows, TILE_PX, columns, TILE_PX); what is left over at the edges is cut off."""
    rows, columns = field.shape[0] // TILE_PX, field.shape[1] // TILE_PX
    cut = field[: rows * TILE_PX, : columns * TILE_PX]
    return cut.reshape(rows, TILE_PX, columns, TILE_PX)


BESIDE_EARLIER = Measure("ResidueShare", "1", Range(0.0, 1.0), residue_share, Standing.OWN)
"""Not in the folder's listing of measures of one print: it needs those before."""

"""The 6 x 4 cells of a sheet with four marks, brought upright out of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.optics.colour_patches import COLUMNS, HOLDER, ROWS
from quality.optics.light import Picture, grey_of, linear
from quality.optics.marks import find_marks, why_none
from quality.optics.refusal import Refusal, refused

CELL_MIN_PX: Final = 6.0
UPRIGHT_PX: Final = 24
"""Side of one cell once upright."""
INNER_SHARE: Final = 0.4
"""Of a cell's side: the rest is for a chart that lies a little beside its place."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """What each cell holds in its middle, in linear light of blue, green, red.

    Attributes:
        means, deviations: (24, 3), 0..1.
        clipped: (24,), share of pixels with a channel at white.
        cell_px: side of one cell in the picture.
        pixels: how many were averaged in each, in the picture's own pixels.
    """

    means: npt.NDArray[np.float64]
    deviations: npt.NDArray[np.float64]
    clipped: npt.NDArray[np.float64]
    cell_px: float
    pixels: float


def read_cells(picture: Picture, marks: range) -> Cells:
    """Return the cells of the sheet with these four marks.

    Raises:
        CannotAssess: no_chart, wrong_chart, partly_hidden, mirrored, too_small, over_exposed,
            under_exposed.
    """
    grey = grey_of(picture)
    found = find_marks(grey)
    if any(number not in found for number in marks):
        raise refused(why_none(grey, marks, found))
    side = HOLDER.mark
    there = [
        (x + dx, y + dy)
        for x, y in HOLDER.mark_corners()
        for dx, dy in ((0, 0), (side, 0), (side, side), (0, side))
    ]
    here = np.concatenate([found[number] for number in marks]).astype(np.float64)
    # OpenCV counts from a pixel's middle, a sheet from its corner.
    map_, _ = cv2.findHomography(np.array(there) * UPRIGHT_PX - 0.5, here)
    if map_ is None:
        raise refused(Refusal.WRONG_CHART)
    cell_px = float(np.linalg.norm(here[4] - here[0])) / (HOLDER.width - side)
    if cell_px < CELL_MIN_PX:
        raise refused(Refusal.TOO_SMALL)
    return _cells(picture, np.asarray(map_, np.float64), cell_px)


def _cells(picture: Picture, map_: npt.NDArray[np.float64], cell_px: float) -> Cells:
    size = (round(HOLDER.width * UPRIGHT_PX), round(HOLDER.height * UPRIGHT_PX))
    # Nearest, so that levels stay those of pixels and clipping stays seen.
    upright = np.asarray(
        cv2.warpPerspective(
            picture, map_, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0),
        ),
        np.uint8,
    )  # fmt: skip
    if upright.ndim == 2:
        upright = np.repeat(upright[..., None], 3, axis=2)
    half = round(INNER_SHARE * UPRIGHT_PX / 2)
    pieces = []
    for number in range(COLUMNS * ROWS):
        x, y = (round(one * UPRIGHT_PX) for one in HOLDER.cell(number))
        pieces.append(upright[y - half : y + half, x - half : x + half].reshape(-1, 3))
    levels = np.stack(pieces)
    light = np.asarray(linear(levels), np.float64)
    clipped = np.asarray((levels == 255).any(axis=2).mean(axis=1), np.float64)
    pixels = max(1.0, min(levels.shape[1], (INNER_SHARE * cell_px) ** 2))
    return Cells(light.mean(axis=1), light.std(axis=1), clipped, cell_px, pixels)

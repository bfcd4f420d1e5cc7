"""The sheets before the simulated lens, flat: how much light each point of them gives back.

What they look like comes from where it is measured: the one place of the board's geometry and of
the chart's values. How they come into the picture is drawn here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from drivers.camera import Picture
from drivers.peers.lens_bench_truth import Target
from quality.optics.board import BOARD
from quality.optics.colour_chart import reference_xyz
from quality.optics.colour_patches import COLUMNS, HOLDER, ROWS, XYZ_TO_RGB
from quality.optics.focus_chart import FOCUS_SHEET
from quality.optics.marks import CHART_MARKS, DICTIONARY, TIME_MARKS
from quality.optics.time_code import cells_of

Light = npt.NDArray[np.float32]

WHITE: Final = 0.86
BLACK: Final = 0.04
WALL: Final = 0.30
GREY: Final = 0.18
CELL_MM: Final = 35.0
MARGIN_MM: Final = 15.0
PATCH_SHARE: Final = 0.85
CARD_MM: Final = (400.0, 300.0)
SHEET_MM: Final = (4000.0, 3000.0)
PORTRAIT_MM: Final = 500.0
_FINE: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One sheet: reflectance, (height, width) or (height, width, 3) of blue, green, red."""

    light: Light
    px_per_mm: float

    @property
    def width_mm(self) -> float:
        """Of the whole."""
        return float(self.light.shape[1] / self.px_per_mm)

    @property
    def height_mm(self) -> float:
        """Of the whole."""
        return float(self.light.shape[0] / self.px_per_mm)


@cache
def sheet_of(target: Target, px_per_mm: int) -> Sheet | None:
    """Return a sheet that never changes; None for the bare wall, the screen and the portrait."""
    if target is Target.CHARUCO:
        return Sheet(_board(px_per_mm), px_per_mm)
    if target is Target.SLANTED_EDGE:
        return Sheet(_focus(px_per_mm), px_per_mm)
    if target is Target.COLOUR_CHART:
        rgb = np.clip(reference_xyz() @ np.array(XYZ_TO_RGB).T, 0.0, 1.0)
        return Sheet(_held(px_per_mm, CHART_MARKS, rgb[:, ::-1]), px_per_mm)
    if target is Target.WRONG_CHART:
        return Sheet(_chessboard(px_per_mm), px_per_mm)
    if target in {Target.GREY_CARD, Target.GREY_SHEET}:
        (width, height), scale = (CARD_MM, 1.0) if target is Target.GREY_CARD else (SHEET_MM, 0.02)
        # Alike everywhere: few pixels say it all.
        size = (round(height * scale), round(width * scale))
        return Sheet(np.full(size, GREY, np.float32), scale)
    return None


def screen(shown_ms: int, px_per_mm: int) -> Sheet:
    """Return the station's screen with the time code of this moment."""
    shown = np.repeat(np.where(np.array(cells_of(shown_ms)), WHITE, BLACK)[:, None], 3, axis=1)
    return Sheet(_held(px_per_mm, TIME_MARKS, shown), px_per_mm)


def portrait(photograph: Picture) -> Sheet:
    """Return a photograph as if it were a person of that size: 50 cm from edge to edge."""
    levels = np.asarray(photograph, np.float32) / 255
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return Sheet(light.astype(np.float32), photograph.shape[0] / PORTRAIT_MM)


def _board(px_per_mm: int) -> Light:
    pattern = np.where(BOARD.drawn(px_per_mm) > 127, WHITE, BLACK).astype(np.float32)
    return _margin(pattern, px_per_mm)


def _focus(px_per_mm: int) -> Light:
    scale = px_per_mm * _FINE
    sheet = FOCUS_SHEET
    size = (round(sheet.height_mm * scale), round(sheet.width_mm * scale))
    drawn = np.full(size, WHITE, np.float32)
    half = sheet.side_mm * scale / 2
    for x, y in sheet.middles_mm:
        square = ((x * scale, y * scale), (2 * half, 2 * half), sheet.turned_deg)
        corners = cv2.boxPoints(square) - 0.5
        # A thousandth of a pixel, or the squares' sides would run in steps.
        cv2.fillConvexPoly(drawn, np.rint(corners * 1024).astype(np.int32), sheet.dark, shift=10)
    return _reduced(drawn)


def _held(px_per_mm: int, marks: range, bgr: npt.NDArray[np.float64]) -> Light:
    scale = px_per_mm * CELL_MM
    size = (round(HOLDER.height * scale), round(HOLDER.width * scale))
    drawn = np.full((*size, 3), WHITE, np.float32)
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    side = round(HOLDER.mark * scale)
    for number, (x, y) in zip(marks, HOLDER.mark_corners(), strict=True):
        mark = cv2.aruco.generateImageMarker(dictionary, number, side)
        left, top = round(x * scale), round(y * scale)
        drawn[top : top + side, left : left + side] = np.where(mark > 127, WHITE, BLACK)[..., None]
    half = PATCH_SHARE / 2 * scale
    for number in range(COLUMNS * ROWS):
        x, y = (one * scale for one in HOLDER.cell(number))
        rows, columns = (slice(round(one - half), round(one + half)) for one in (y, x))
        drawn[rows, columns] = bgr[number]
    return _margin(drawn, px_per_mm)


def _chessboard(px_per_mm: int) -> Light:
    rows, columns = np.indices((7, 5))
    squares = np.where((rows + columns) % 2 == 0, BLACK, WHITE).astype(np.float32)
    side = 36 * px_per_mm
    return _margin(np.kron(squares, np.ones((side, side), np.float32)), px_per_mm)


def _margin(pattern: Light, px_per_mm: int) -> Light:
    edge = round(MARGIN_MM * px_per_mm)
    around = ((edge, edge), (edge, edge), (0, 0))[: pattern.ndim]
    return np.pad(pattern, around, constant_values=WHITE)


def _reduced(drawn: Light) -> Light:
    size = (drawn.shape[1] // _FINE, drawn.shape[0] // _FINE)
    return np.asarray(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA), np.float32)

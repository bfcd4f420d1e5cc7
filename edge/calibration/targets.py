"""The targets of a calibration as PDFs to print, true to scale, with rulers to check the printer.

Their geometry is the one that the measures look for (`quality/optics`): nothing of it stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import cos, radians, sin
from typing import Final

import cv2
import numpy as np
from reportlab.lib.colors import Color  # type: ignore[import-untyped]

from edge.calibration.certificate_sheet import HEIGHT_MM, INK, SOFT, WIDTH_MM, Sheet
from edge.calibration.certificate_words import Words, words_of
from quality.optics.board import BOARD
from quality.optics.colour_patches import (
    COLUMNS,
    D50_TO_D65,
    HOLDER,
    PATCHES,
    ROWS,
    XYZ_TO_RGB,
    Patch,
)
from quality.optics.focus_chart import FOCUS_SHEET
from quality.optics.marks import CHART_MARKS, DICTIONARY

RULER_MM: Final = 100
CELL_MM: Final = (8.0, 36.0)
"""Least and most side of a cell: smaller nobody sees, larger leaves the sheet."""
GREY_SHARE: Final = 0.18
DRAWN_PER_MM: Final = 2
"""The board's finest part is 4.5 mm: in halves of a millimetre it has no rounding."""
MARK_CELLS: Final = 6
"""Of a mark of 4 x 4 with its black border."""
BLACK: Final = Color(0, 0, 0)


def draw_targets(names: Sequence[str], language: str, *, cell_mm: float = CELL_MM[1]) -> bytes:
    """Return the sheets as one PDF, a page each.

    Args:
        names: of `TARGETS`.
        language: "zh-CN" or "en".
        cell_mm: of the holder: from patch to patch of the chart that was bought.

    Raises:
        ValueError: no such sheet or language, or a chart that fits on no sheet of A4.
    """
    unknown = [name for name in names if name not in TARGETS]
    if unknown or not names:
        raise ValueError(f"no target {unknown}; there are: {', '.join(TARGETS)}")
    if not CELL_MM[0] <= cell_mm <= CELL_MM[1]:
        raise ValueError(f"a cell of {CELL_MM[0]:g} to {CELL_MM[1]:g} mm")
    words = words_of(language)
    sheet = Sheet("Anxin Station", ", ".join(words.line(f"target.{name}") for name in names))
    for name in names:
        TARGETS[name](sheet, words, cell_mm)
        sheet.end_page()
    return sheet.content()


def _board(sheet: Sheet, words: Words, _: float) -> None:
    sheet.lie(lying=False)
    left, top = (WIDTH_MM - BOARD.width_mm) / 2, 14.0
    _runs(sheet, left, top)
    sheet.text(left, 8, words.line("target.charuco"), 9.0)
    _ruler(sheet, left, 273)
    _ruler(sheet, WIDTH_MM - 6, 90, down=True)
    told = " ".join(words.line(f"target.{one}") for one in ("charuco_check", "ruler", "print"))
    sheet.paragraph(left, 281, BOARD.width_mm, told, 7.0, SOFT)


def _runs(sheet: Sheet, left: float, top: float) -> None:
    """Draw the board's dark parts as boxes, rows that are alike as one."""
    drawn = BOARD.drawn(DRAWN_PER_MM) < 128
    starts = [0, *(np.flatnonzero((drawn[1:] != drawn[:-1]).any(axis=1)) + 1), len(drawn)]
    for begins, ends in pairwise(starts):
        row = np.concatenate([[False], drawn[begins], [False]])
        changes = np.flatnonzero(row[1:] != row[:-1])
        for dark, light in zip(changes[::2], changes[1::2], strict=True):
            sheet.box(
                left + dark / DRAWN_PER_MM, top + begins / DRAWN_PER_MM,
                (light - dark) / DRAWN_PER_MM, (ends - begins) / DRAWN_PER_MM, BLACK,
            )  # fmt: skip


def _edges(sheet: Sheet, words: Words, _: float) -> None:
    sheet.lie(lying=False)
    turned, half = radians(FOCUS_SHEET.turned_deg), FOCUS_SHEET.side_mm / 2
    dark = _level(FOCUS_SHEET.dark)
    for x, y in FOCUS_SHEET.middles_mm:
        corners = [
            (x + across * cos(turned) - down * sin(turned),
             y + across * sin(turned) + down * cos(turned))
            for across, down in ((-half, -half), (half, -half), (half, half), (-half, half))
        ]  # fmt: skip
        sheet.polygon(corners, Color(dark, dark, dark))
    # Right of each square and below it nothing may stand for a third of its side: it is measured.
    sheet.text(18, 108, words.line("target.slanted_edge"), 9.0)
    told = " ".join(words.line(f"target.{one}") for one in ("slanted_edge_check", "ruler", "print"))
    sheet.paragraph(18, 114, 46, told, 7.0, SOFT)
    _ruler(sheet, 55, 207.5)
    _ruler(sheet, 12, 105, down=True)


def _grey(sheet: Sheet, words: Words, _: float) -> None:
    sheet.lie(lying=False)
    level = _level(GREY_SHARE)
    sheet.box(10, 12, WIDTH_MM - 20, 250, Color(level, level, level))
    sheet.text(15, 8, words.line("target.grey_sheet"), 9.0)
    _ruler(sheet, 15, 268)
    _ruler(sheet, WIDTH_MM - 5, 90, down=True)
    told = " ".join(words.line(f"target.{one}") for one in ("grey_sheet_check", "print"))
    sheet.paragraph(15, 278, WIDTH_MM - 30, told, 7.0, SOFT)


def _chart(sheet: Sheet, words: Words, _: float) -> None:
    left, top, cell = _held(sheet, words, "colour_chart", CELL_MM[1])
    for number, patch in enumerate(PATCHES):
        x, y = HOLDER.cell(number)
        side = 0.86 * cell
        place = left + x * cell - side / 2, top + y * cell - side / 2
        sheet.box(*place, side, side, Color(*printed_rgb(patch)))


def _holder(sheet: Sheet, words: Words, cell_mm: float) -> None:
    left, top, cell = _held(sheet, words, "colour_holder", cell_mm)
    x, y = left + HOLDER.grid_left * cell, top + HOLDER.grid_top * cell
    right, low = x + COLUMNS * cell, y + ROWS * cell
    for from_x, from_y, to_x, to_y in (
        (x, y, right, y), (right, y, right, low), (right, low, x, low), (x, low, x, y)
    ):  # fmt: skip
        sheet.line(from_x, from_y, to_x, to_y, dashed=True)


def _held(sheet: Sheet, words: Words, name: str, cell: float) -> tuple[float, float, float]:
    """Draw marks, words and ruler of a holder; return where it begins, and its cell's side."""
    sheet.lie(lying=True)
    left, top = (HEIGHT_MM - HOLDER.width * cell) / 2, (WIDTH_MM - HOLDER.height * cell) / 2
    for number, (x, y) in zip(CHART_MARKS, HOLDER.mark_corners(), strict=True):
        _mark(sheet, number, left + x * cell, top + y * cell, HOLDER.mark * cell)
    # Between the two upper marks, or above them where the chart is small.
    room = (left + HOLDER.mark * cell + 4, top + 1.0) if top < 30 else (20.0, 8.0)
    wide = HEIGHT_MM - 2 * room[0]
    sheet.text(room[0], room[1] + 3, words.line(f"target.{name}"), 9.0)
    told = [words.line(f"target.{name}_check", cell=f"{cell:g}")]
    told += [words.line(f"target.{one}") for one in ("ruler", "print")]
    sheet.paragraph(room[0], room[1] + 7, wide, " ".join(told), 6.5, SOFT)
    _ruler(sheet, (HEIGHT_MM - RULER_MM) / 2, room[1] + 18.5)
    _ruler(sheet, HEIGHT_MM - 5 if top < 30 else HEIGHT_MM - 12, 55, down=True)
    return left, top, cell


def _mark(sheet: Sheet, number: int, x: float, y: float, side: float) -> None:
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    bits = np.asarray(cv2.aruco.generateImageMarker(dictionary, number, MARK_CELLS)) < 128
    bit = side / MARK_CELLS
    sheet.box(x, y, side, side, BLACK)
    for row, column in zip(*np.nonzero(~bits), strict=True):
        sheet.box(x + column * bit, y + row * bit, bit, bit, Color(1, 1, 1))


def _ruler(sheet: Sheet, x: float, y: float, *, down: bool = False) -> None:
    """Draw 100 mm with a tick each, from its first tick's middle to its last's."""

    def line(along: float, across: float, to_along: float, to_across: float) -> None:
        if down:
            sheet.line(x + across, y + along, x + to_across, y + to_along, width_mm=0.12)
        else:
            sheet.line(x + along, y - across, x + to_along, y - to_across, width_mm=0.12)

    line(0, 0, RULER_MM, 0)
    for mm in range(RULER_MM + 1):
        long = 3.0 if mm % 10 == 0 else 2.2 if mm % 5 == 0 else 1.4
        line(mm, 0, mm, -long)
    if not down:
        for mm in (0, 50, RULER_MM):
            sheet.text(x + mm, y - 1.0, f"{mm} mm", 5.5, INK, "middle")


def _level(light: float) -> float:
    """Return the level, 0..1, of a share of light. Source: IEC 61966-2-1."""
    return 12.92 * light if light <= 0.0031308 else 1.055 * float(light ** (1 / 2.4)) - 0.055


def printed_rgb(patch: Patch) -> tuple[float, float, float]:
    """Return the nearest levels, 0..1, of sRGB; cyan lies outside of it and is cut."""
    xyz = np.array([patch.x / patch.y, 1.0, (1 - patch.x - patch.y) / patch.y]) * patch.luminance
    light = np.clip(np.array(XYZ_TO_RGB) @ np.array(D50_TO_D65) @ xyz, 0.0, 1.0)
    red, green, blue = (min(1.0, max(0.0, _level(float(one)))) for one in light)
    return red, green, blue


TARGETS: Final[Mapping[str, Callable[[Sheet, Words, float], None]]] = {
    "charuco": _board,
    "slanted_edge": _edges,
    "grey_sheet": _grey,
    "colour_chart": _chart,
    "colour_holder": _holder,
}
"""Every sheet by its name: the code by which a step asks for it, where it asks for one."""

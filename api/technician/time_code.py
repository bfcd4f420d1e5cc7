"""The time code that a screen shows to the camera for the latency step: the station's own clock.

The page draws marks and cells; its module paints the cells anew at every refresh of the screen. On
the station's own machine browser and station have one clock. On a phone the module asks the station
for the time eight times and takes the quickest answer: half its round trip is the error.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Final

import cv2
import numpy as np
from flask import Blueprint, Response, json

from api.technician.console import Console
from quality.optics.colour_patches import COLUMNS, HOLDER, ROWS
from quality.optics.marks import DICTIONARY, TIME_MARKS

PAGE: Final = "calibration.time_code"
UNIT: Final = 100
"""Of the drawing, a cell's side."""
CELL_SIDE: Final = 0.9
MARGIN: Final = 0.4
MARK_BITS: Final = 6

Box = tuple[float, float, float]
"""Left, top, side, in units of the drawing."""


def add_time_code(pages: Blueprint, console: Console) -> None:
    """Add the page and the clock to the calibration's blueprint."""
    pages.add_url_rule(
        "/calibration/time-code",
        "time_code",
        lambda: console.draw(
            "time_code.html", cells=cells(), marks=marks(), unit=UNIT, margin=MARGIN, holder=HOLDER
        ),
    )
    pages.add_url_rule("/calibration/clock", "clock", _clock)


@cache
def cells() -> tuple[Box, ...]:
    """Return where each cell is painted, by rows."""
    side = CELL_SIDE * UNIT
    middles = [HOLDER.cell(number) for number in range(COLUMNS * ROWS)]
    return tuple((x * UNIT - side / 2, y * UNIT - side / 2, side) for x, y in middles)


@cache
def marks() -> tuple[Box, ...]:
    """Return the black parts of the four marks, bit by bit."""
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    bit = HOLDER.mark * UNIT / MARK_BITS
    found: list[Box] = []
    for number, (x, y) in zip(TIME_MARKS, HOLDER.mark_corners(), strict=True):
        drawn = np.asarray(cv2.aruco.generateImageMarker(dictionary, number, MARK_BITS))
        for row, column in zip(*np.nonzero(drawn < 128), strict=True):
            found.append((x * UNIT + column * bit, y * UNIT + row * bit, bit))
    return tuple(found)


def _clock() -> Response:
    return Response(json.dumps({"ms": time.time() * 1000}), mimetype="application/json")

"""The ChArUco board's geometry in one place, and its corners found in a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.optics.light import Picture, grey_of
from quality.optics.marks import BOARD_MARKS, DICTIONARY, find_marks, why_none
from quality.optics.refusal import refused

Places = npt.NDArray[np.float32]

CORNERS_SHARE_MIN: Final = 0.75
SOFTENED_PX: Final = 1.0
"""Before a corner is fitted: sharp pixels draw it to their own middles."""
FINE_SQUARE_PX: Final = 80.0
"""Below this a square is looked at in twice as many pixels. [ours, measured] With neither, a board
that hangs nearly straight reads half a degree less tilted than it is."""
ENLARGED_PX: Final = 1600
"""Pictures up to this width are searched in twice their size, where not all was found."""
_UNTIL: Final = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-4)


@dataclass(frozen=True, slots=True)
class Board:
    """A board to print: dark squares from the top left corner on, a mark in every light one.

    Attributes:
        columns, rows: of squares.
        square_mm, mark_mm: sides.
        dictionary: OpenCV's number of the marks' set; they are numbered from 0 on, by rows.
    """

    columns: int = 5
    rows: int = 7
    square_mm: float = 36.0
    mark_mm: float = 27.0
    dictionary: int = DICTIONARY

    @property
    def width_mm(self) -> float:
        """Of the printed pattern."""
        return self.columns * self.square_mm

    @property
    def height_mm(self) -> float:
        """Of the printed pattern."""
        return self.rows * self.square_mm

    @property
    def corners(self) -> int:
        """How many inner corners it has."""
        return (self.columns - 1) * (self.rows - 1)

    def drawn(self, px_per_mm: int) -> Picture:
        """Return the pattern, (height, width) of black 0 and white 255, without a margin."""
        size = (round(self.width_mm * px_per_mm), round(self.height_mm * px_per_mm))
        return np.asarray(_opencv(self).generateImage(size, marginSize=0), np.uint8)


BOARD: Final = Board()
"""The station's one board: 180 x 252 mm, on a sheet of A4."""


@dataclass(frozen=True, slots=True, eq=False)
class BoardCorners:
    """Inner corners of the board in one picture.

    Attributes:
        numbers: (n,), by rows from the board's top left.
        places_px: (n, 2).
        size_px: width and height of the picture.
    """

    numbers: npt.NDArray[np.intp]
    places_px: npt.NDArray[np.float32]
    size_px: tuple[int, int]

    @property
    def places_mm(self) -> npt.NDArray[np.float32]:
        """(n, 3) on the board: x to its right, y down, z into it; 0 at its top left corner."""
        points = np.asarray(_opencv(BOARD).getChessboardCorners(), np.float32)
        return points[self.numbers]


def find_corners(picture: Picture) -> BoardCorners:
    """Return the board's inner corners.

    Raises:
        CannotAssess: no_chart, wrong_chart, partly_hidden, mirrored, over_exposed, under_exposed.
    """
    grey = grey_of(picture)
    numbers, places = _detected(grey)
    if 0 < len(numbers) < BOARD.corners and grey.shape[1] <= ENLARGED_PX:
        larger = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        more, there = _detected(np.asarray(larger, np.uint8))
        if len(more) > len(numbers):
            numbers, places = more, np.asarray((there + 0.5) / 2 - 0.5, np.float32)
    if len(numbers) < CORNERS_SHARE_MIN * BOARD.corners:
        raise refused(why_none(grey, BOARD_MARKS, find_marks(grey)))
    size_px = (int(grey.shape[1]), int(grey.shape[0]))
    return BoardCorners(numbers, _fitted(grey, numbers, places), size_px)


def _detected(grey: Picture) -> tuple[npt.NDArray[np.intp], Places]:
    places, numbers, _, _ = _detector().detectBoard(grey)
    if numbers is None:
        return np.zeros(0, np.intp), np.zeros((0, 2), np.float32)
    return np.asarray(numbers, np.intp).ravel(), np.asarray(places, np.float32).reshape(-1, 2)


def _fitted(grey: Picture, numbers: npt.NDArray[np.intp], places: Places) -> Places:
    """Return the corners to a few hundredths of a pixel."""
    square_px = _square_px(numbers, places)
    edge = int(square_px) + 4
    low = np.maximum(np.floor(places.min(axis=0)).astype(int) - edge, 0)
    high = np.ceil(places.max(axis=0)).astype(int) + edge
    part = grey[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    soft = cv2.GaussianBlur(part, (0, 0), SOFTENED_PX)
    scale = 2 if square_px < FINE_SQUARE_PX else 1
    if scale > 1:
        soft = cv2.resize(soft, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    # No further than the marks, which begin an eighth of a square from a corner.
    reach = max(3, round(0.11 * square_px * scale))
    start = ((places - low + 0.5) * scale - 0.5).astype(np.float32).reshape(-1, 1, 2)
    found = cv2.cornerSubPix(soft, start, (reach, reach), (-1, -1), _UNTIL).reshape(-1, 2)
    return np.asarray((found + 0.5) / scale - 0.5 + low, np.float32)


def _square_px(numbers: npt.NDArray[np.intp], places: Places) -> float:
    """Return the middle distance of neighbouring corners."""
    known = dict(zip(numbers.tolist(), places.astype(np.float64), strict=True))
    row = BOARD.columns - 1
    pairs = [(one, one + 1) for one in known if (one + 1) % row] + [
        (one, one + row) for one in known
    ]
    sides = [float(np.hypot(*(known[b] - known[a]))) for a, b in pairs if b in known]
    return float(np.median(sides)) if sides else 8.0


@cache
def _opencv(board: Board) -> Any:
    return cv2.aruco.CharucoBoard(
        (board.columns, board.rows), board.square_mm, board.mark_mm,
        cv2.aruco.getPredefinedDictionary(board.dictionary),
    )  # fmt: skip


@cache
def _detector() -> Any:
    marks, board = cv2.aruco.DetectorParameters(), cv2.aruco.CharucoParameters()
    # Marks of few pixels, or out of focus, are read by twice as many samples of each field, and
    # looked for where the others say that they must be.
    marks.perspectiveRemovePixelPerCell = 8
    board.tryRefineMarkers = True
    return cv2.aruco.CharucoDetector(_opencv(BOARD), board, marks)

"""The square marks (ArUco) on every sheet of this station: found, or told why not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.optics.light import Picture, exposure_fault
from quality.optics.refusal import Refusal

DICTIONARY: Final = cv2.aruco.DICT_4X4_50
OTHER_DICTIONARIES: Final = (
    cv2.aruco.DICT_5X5_250, cv2.aruco.DICT_6X6_250, cv2.aruco.DICT_ARUCO_ORIGINAL,
)  # fmt: skip
"""What other people's sheets carry: then a chart is there, and it is not ours."""
BOARD_MARKS: Final = range(17)
CHART_MARKS: Final = range(40, 44)
TIME_MARKS: Final = range(44, 48)
"""Of one dictionary, so that a sheet is never taken for another."""

Corners = npt.NDArray[np.float32]
"""(4, 2) px: the mark's own top left corner first, then clockwise."""


def find_marks(grey: Picture) -> Mapping[int, Corners]:
    """Return every mark of ours in view, by its number."""
    return _found(grey, DICTIONARY)


def why_none(grey: Picture, wanted: range, found: Mapping[int, Corners]) -> Refusal:
    """Return why a sheet's marks are not all in view.

    Args:
        grey: what was searched.
        wanted: the numbers of that sheet.
        found: what was found.
    """
    ours = sum(number in wanted for number in found)
    # In a mirror some marks look like others of the set: the way round that shows more is right.
    turned = _found(np.ascontiguousarray(grey[:, ::-1]), DICTIONARY)
    if sum(number in wanted for number in turned) > max(1, ours):
        return Refusal.MIRRORED
    if ours:
        return Refusal.PARTLY_HIDDEN
    if found:
        return Refusal.WRONG_CHART
    fault = exposure_fault(grey)
    if fault is not None:
        return fault
    # Two at least: noise and hair look like a mark of these large sets now and then.
    if any(len(_found(grey, one)) >= 2 for one in OTHER_DICTIONARIES) or _squares(grey):
        return Refusal.WRONG_CHART
    return Refusal.NO_CHART


@cache
def detector(dictionary: int) -> Any:
    """Return OpenCV's detector of one dictionary's marks."""
    settings = cv2.aruco.DetectorParameters()
    settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    return cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(dictionary), settings)


def _found(grey: Picture, dictionary: int) -> Mapping[int, Corners]:
    corners, numbers, _ = detector(dictionary).detectMarkers(grey)
    if numbers is None:
        return {}
    pairs = zip(numbers.ravel().tolist(), corners, strict=True)
    return {int(number): np.asarray(one, np.float32).reshape(4, 2) for number, one in pairs}


def _squares(grey: Picture) -> bool:
    """Return whether a bare chessboard is in view, of a usual size."""
    small = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return any(cv2.checkChessboard(small, size) for size in ((4, 6), (6, 4), (6, 9), (9, 6)))

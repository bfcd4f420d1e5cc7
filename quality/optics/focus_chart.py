"""Sharpness in the middle and in four corners at once: five dark squares turned by 5 degrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.optics.light import Picture, cut, exposure_fault, grey_of
from quality.optics.refusal import Refusal, refused
from quality.optics.slanted_edge import Edge, measure_edge

Points = npt.NDArray[np.float64]

SEARCHED_PX: Final = 800
SIDE_MIN_PX: Final = 20
"""Of a square in the picture that is searched."""
SIDES_APART_MAX: Final = 1.5
SEVERAL: Final = 5
FRAMES_MIN: Final = 3
WANDERED_PX: Final = 2.0
CHANGED_SHARE: Final = 0.1
EDGE_LONG: Final = 0.66
EDGE_WIDE: Final = 0.7
"""Of a square's side: what is cut out about an edge, along and across it."""


@dataclass(frozen=True, slots=True)
class FocusSheet:
    """The sheet: dark squares on white, in millimetres from its top left corner.

    Attributes:
        width_mm, height_mm: of the sheet.
        side_mm: of a square.
        turned_deg: clockwise.
        middles_mm: middle first, then the corners from the top left, clockwise.
        dark: reflectance of the squares; not black, so that their darkness is not clipped.
    """

    width_mm: float = 210.0
    height_mm: float = 297.0
    side_mm: float = 60.0
    turned_deg: float = 5.0
    middles_mm: tuple[tuple[float, float], ...] = (
        (105.0, 148.5), (48.0, 48.0), (162.0, 48.0), (162.0, 249.0), (48.0, 249.0),
    )  # fmt: skip
    dark: float = 0.12


FOCUS_SHEET: Final = FocusSheet()


@dataclass(frozen=True, slots=True)
class Focus:
    """Sharpness over the sheet.

    Attributes:
        centre_cy_per_px: MTF50 in the middle, mean across and down.
        centre_sd_cy_per_px: standard uncertainty.
        corner_share: worst corner over the middle.
        corner_sd: standard uncertainty of that share.
        worst_corner: 0 to 3: top left, top right, bottom right, bottom left.
        corners_cy_per_px: each corner, from the top left, clockwise.
        edges: the middle's two edges, across and down.
        roll_deg: how far the sheet is turned, clockwise.
        middle_px: of the middle square in the picture.
    """

    centre_cy_per_px: float
    centre_sd_cy_per_px: float
    corner_share: float
    corner_sd: float
    worst_corner: int
    corners_cy_per_px: tuple[float, float, float, float]
    edges: tuple[Edge, Edge]
    roll_deg: float
    middle_px: tuple[float, float]


def measure_focus(picture: Picture) -> Focus:
    """Return the sharpness that the sheet shows.

    Args:
        picture: (height, width, 3) or (height, width).

    Raises:
        CannotAssess: no_chart, wrong_chart, partly_hidden, mirrored, over_exposed, under_exposed,
            and as `measure_edge`.
    """
    grey = grey_of(picture)
    squares = find_squares(grey)
    middles = np.array([one.mean(axis=0) for one in squares])
    across = (middles[2] - middles[1] + middles[3] - middles[4]) / 2
    roll_deg = float(np.degrees(np.arctan2(across[1], across[0])))
    turned = float(np.median([_turn_deg(one) for one in squares])) - roll_deg
    if turned < 0:
        raise refused(Refusal.MIRRORED)
    edges = [_edges(grey, one) for one in squares]
    values = [(one.mtf50_cy_per_px + two.mtf50_cy_per_px) / 2 for one, two in edges]
    sds = [float(np.hypot(one.uncertainty_cy_per_px, two.uncertainty_cy_per_px)) / 2
           for one, two in edges]  # fmt: skip
    worst = int(np.argmin(values[1:]))
    share = values[1 + worst] / values[0]
    top_left, top_right, low_right, low_left = values[1:]
    return Focus(
        values[0], sds[0], share,
        share * float(np.hypot(sds[0] / values[0], sds[1 + worst] / values[1 + worst])), worst,
        (top_left, top_right, low_right, low_left), edges[0], roll_deg,
        (float(middles[0][0]), float(middles[0][1])),
    )  # fmt: skip


def settled_focus(foci: Sequence[Focus]) -> Focus:
    """Return the middle one of several frames' sharpness, by the middle of the sheet.

    Raises:
        CannotAssess: too_few_frames; moving where the sheet wandered or its sharpness changed.
    """
    if len(foci) < FRAMES_MIN:
        raise refused(Refusal.TOO_FEW_FRAMES)
    ordered = sorted(foci, key=lambda one: one.centre_cy_per_px)
    middle = ordered[len(ordered) // 2]
    wandered = float(np.ptp([one.middle_px for one in foci], axis=0).max())
    changed = ordered[-1].centre_cy_per_px - ordered[0].centre_cy_per_px
    if wandered > WANDERED_PX or changed > CHANGED_SHARE * middle.centre_cy_per_px:
        raise refused(Refusal.MOVING)
    return middle


def find_squares(grey: Picture) -> tuple[Points, ...]:
    """Return the corners (4, 2) px of the five squares: middle, then from the top left, clockwise.

    Raises:
        CannotAssess: no_chart, wrong_chart, partly_hidden, over_exposed, under_exposed.
    """
    scale = min(1.0, SEARCHED_PX / max(grey.shape))
    small = grey if scale == 1 else np.asarray(
        cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
    )  # fmt: skip
    found = [one / scale for one in _quadrangles(small)]
    fault = exposure_fault(grey)
    if len(found) > SEVERAL:
        raise refused(Refusal.WRONG_CHART)
    if len(found) < SEVERAL:
        hidden = Refusal.PARTLY_HIDDEN if len(found) >= 2 else Refusal.NO_CHART
        raise refused(fault or hidden)
    middles = np.array([one.mean(axis=0) for one in found])
    order = np.argsort(np.linalg.norm(middles - middles.mean(axis=0), axis=1))
    centre, corners = found[int(order[0])], [found[int(n)] for n in order[1:]]
    spread = middles[order[1:]] - middles[order[0]]
    # Four quarters, one corner in each, and about as far away: else it is some other pattern.
    quarters = {(bool(x > 0), bool(y > 0)) for x, y in spread}
    far = np.linalg.norm(spread, axis=1)
    if len(quarters) < 4 or far.max() > SIDES_APART_MAX * far.min():
        raise refused(Refusal.WRONG_CHART)
    turn = sorted(range(4), key=lambda n: float(np.arctan2(spread[n][1], spread[n][0])))
    return centre, *(corners[n] for n in turn)


def _quadrangles(grey: Picture) -> list[Points]:
    """Return dark squares of about one size, largest kind first."""
    block = max(31, round(max(grey.shape) / 6) | 1)
    dark = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, block, 12
    )
    outlines, _ = cv2.findContours(dark, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in outlines:
        area = cv2.contourArea(outline)
        if area < SIDE_MIN_PX**2:
            continue
        corners = cv2.approxPolyDP(outline, 0.06 * cv2.arcLength(outline, True), True)
        (_, sides, _) = cv2.minAreaRect(outline)
        if len(corners) != 4 or max(sides) > SIDES_APART_MAX * min(sides):
            continue
        square = corners.reshape(4, 2).astype(np.float64)
        if area > 0.85 * sides[0] * sides[1] and _is_dark(grey, square):
            found.append(square)
    if not found:
        return []
    largest = max(cv2.contourArea(one.astype(np.float32)) for one in found)
    return [one for one in found if cv2.contourArea(one.astype(np.float32)) > largest / 2.2]


def _is_dark(grey: Picture, square: Points) -> bool:
    """Return whether it is darker than what lies about it: else it is a gap."""
    middle = square.mean(axis=0)
    # At several depths: a sheet with dark squares on it is dark at some of them alone.
    inside = [
        _level(grey, middle + (one - middle) * far) for one in square for far in (0, 0.4, 0.75)
    ]
    outside = [_level(grey, middle + (one - middle) * 1.3) for one in square]
    return max(inside) < min(outside)


def _level(grey: Picture, place: Points) -> float:
    x, y = np.clip(np.rint(place).astype(int), 0, (grey.shape[1] - 1, grey.shape[0] - 1))
    return float(grey[y, x])


def _turn_deg(square: Points) -> float:
    """Return how far a square is turned, -45 to 45 degrees, clockwise in the picture."""
    sides = np.roll(square, -1, axis=0) - square
    angles = np.arctan2(sides[:, 1], sides[:, 0])
    # Four sides, a quarter turn apart: four times the angle is one angle.
    return float(np.degrees(np.angle(np.exp(4j * angles).mean())) / 4)


def _edges(grey: Picture, square: Points) -> tuple[Edge, Edge]:
    """Return the edges on the right of the square and below it."""
    middle = square.mean(axis=0)
    side = float(np.mean(np.linalg.norm(np.roll(square, -1, axis=0) - square, axis=1)))
    halves = np.roll(square, -1, axis=0) / 2 + square / 2 - middle
    right, below = (
        middle + halves[int(halves[:, 0].argmax())],
        middle + halves[int(halves[:, 1].argmax())],
    )
    long, wide = EDGE_LONG * side / 2, EDGE_WIDE * side / 2
    return _edge_at(grey, right, wide, long), _edge_at(grey, below, long, wide)


def _edge_at(grey: Picture, place: Points, half_x: float, half_y: float) -> Edge:
    x, y = place.tolist()
    box = (round(x - half_x), round(y - half_y), round(x + half_x), round(y + half_y))
    if min(box) < 0 or box[2] > grey.shape[1] or box[3] > grey.shape[0]:
        raise refused(Refusal.PARTLY_HIDDEN)
    return measure_edge(cut(grey, box))

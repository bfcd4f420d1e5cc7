"""Where a document's photo lies in a still: scale and offset nearest to the aim, limits kept.

All that remains free once the head is upright is the scale and how far down the eyes lie; the eyes'
middle is the photo's middle. Both are searched on a grid: the cost is flat near its least, and a
grid cannot miss a feasible corner as a descent could.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, radians, sin
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.advice import Advice
from quality.document import Document, Limit

Numbers = npt.NDArray[np.float64]
Transform = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Photo pixel (x, y) of a still pixel: rows of a 2x3 matrix, pixel middles at whole numbers."""

STEPS: Final = 121
HALF_RANGE_MIN_PX: Final = 1.0
_EDGES: Final = (Advice.MOVE_LEFT, Advice.MOVE_RIGHT, Advice.MOVE_DOWN, Advice.MOVE_UP)


class NoCrop(Exception):
    """No allowed crop lies in this still. Give the advice and take another."""

    def __init__(self, advice: Advice, reason: str) -> None:
        super().__init__(reason)
        self.advice = advice
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Head:
    """A head in still pixels, measured as if the still had been turned upright about the eyes."""

    middle_px: tuple[float, float]
    roll_deg: float
    hair_above_px: float
    chin_below_px: float
    head_width_px: float
    face_width_px: float
    eye_distance_px: float


@dataclass(frozen=True, slots=True)
class Crop:
    """A crop that was found.

    Attributes:
        transform: still pixel to photo pixel, 2x3.
        values: the limits' values on the photo, in photo pixels.
        given_way: limits that the document lets give way and that do not hold.
    """

    transform: Transform
    values: dict[str, float]
    given_way: frozenset[str]


def find_crop(head: Head, document: Document, still_px: tuple[int, int]) -> Crop:
    """Return the crop nearest to the document's aim that keeps its limits and never enlarges.

    Raises:
        NoCrop: with what the person can do about it.
    """
    limits = document.geometry.limits()
    reason = ""
    for dropped in range(len(document.on_conflict) + 1):
        given_way = frozenset(document.on_conflict[:dropped])
        kept = {name: limit for name, limit in limits.items() if name not in given_way}
        scales, eye_lines = _grid(head, kept, document.canvas_px)
        values = _values(head, scales, eye_lines)
        if scales.min() > 1:
            raise NoCrop(Advice.TOO_FAR, f"the {document.id} crop would have to be enlarged")
        allowed = scales <= 1
        for name, limit in kept.items():
            holds = _holds(values[name], limit)
            if not (allowed & holds).any():
                reason = f"{name} cannot hold together with the limits before it"
            allowed &= holds
        if not allowed.any():
            continue
        outside = _overflows(head, scales, eye_lines, document.canvas_px, still_px)
        inside = allowed & np.all([beyond <= 0 for beyond in outside.values()], axis=0)
        if not inside.any():
            least = {advice: float(beyond[allowed].min()) for advice, beyond in outside.items()}
            raise NoCrop(_cure(least), f"the {document.id} crop leaves the picture")
        cost = _cost(values, limits)
        best = int(np.argmin(np.where(inside, cost, np.inf)))
        transform = _transform(
            head, float(scales[best]), float(eye_lines[best]), document.canvas_px[0]
        )
        found = measured(head, transform)
        broken = frozenset(n for n in given_way if found[n] not in limits[n].range)
        return Crop(transform, found, broken)
    raise NoCrop(Advice.WAIT, f"{document.id}: {reason}")


def _grid(
    head: Head, limits: dict[str, Limit], canvas_px: tuple[int, int]
) -> tuple[Numbers, Numbers]:
    """Return (scale, eye line) pairs between the ends that the limits leave, flattened."""
    spans = {
        "head_height": head.hair_above_px + head.chin_below_px,
        "head_width": head.head_width_px,
        "face_width": head.face_width_px,
        "eye_distance": head.eye_distance_px,
    }
    low, high = 0.05, 1.0
    for name, span_px in spans.items():
        if name in limits and span_px > 0:
            low = max(low, (limits[name].min or 0.0) / span_px)
            high = min(high, (limits[name].max or np.inf) / span_px)
    eyes = limits.get("eye_line")
    top = (eyes.min if eyes else None) or 0.0
    bottom = (eyes.max if eyes else None) or float(canvas_px[1])
    scale, eye_line = np.meshgrid(
        np.linspace(low, max(low, high), STEPS), np.linspace(top, bottom, STEPS), indexing="ij"
    )
    return scale.ravel(), eye_line.ravel()


def _values(head: Head, scale: Numbers, eye_line: Numbers) -> dict[str, Numbers]:
    return {
        "head_height": (head.hair_above_px + head.chin_below_px) * scale,
        "head_width": head.head_width_px * scale,
        "face_width": head.face_width_px * scale,
        "eye_line": eye_line,
        "margin_top": eye_line - head.hair_above_px * scale,
        "eye_distance": head.eye_distance_px * scale,
    }


def _holds(value: Numbers, limit: Limit) -> npt.NDArray[np.bool_]:
    # The grid's ends are the limits themselves: what rounding could push out is not taken.
    low = -np.inf if limit.min is None else limit.min + 1e-9
    high = np.inf if limit.max is None else limit.max - 1e-9
    return (value >= low) & (value <= high)


def _cost(values: dict[str, Numbers], limits: dict[str, Limit]) -> Numbers:
    """Return the squared distances from the aim, each in halves of its own range."""
    return np.asarray(
        sum(
            ((values[name] - limit.aim) / _half_range(limit)) ** 2 for name, limit in limits.items()
        )
    )


def _half_range(limit: Limit) -> float:
    low = limit.aim if limit.min is None else limit.min
    high = limit.aim if limit.max is None else limit.max
    return max(HALF_RANGE_MIN_PX, (high - low) / 2)


def _overflows(
    head: Head,
    scale: Numbers,
    eye_line: Numbers,
    canvas_px: tuple[int, int],
    still_px: tuple[int, int],
) -> dict[Advice, Numbers]:
    """Return how far each crop reaches beyond each edge, by how the person cures it."""
    width_px, height_px = canvas_px
    c, s = cos(radians(head.roll_deg)), sin(radians(head.roll_deg))
    outside = {advice: np.full(scale.shape, -np.inf) for advice in _EDGES}
    for dx in (-width_px / 2, width_px / 2):
        for edge in (0, height_px):
            dy = edge - eye_line
            still_x = head.middle_px[0] + (c * dx + s * dy) / scale
            still_y = head.middle_px[1] + (-s * dx + c * dy) / scale
            # The still's left is the person's own right: they would have to move left.
            for advice, beyond in (
                (Advice.MOVE_LEFT, -0.5 - still_x),
                (Advice.MOVE_RIGHT, still_x - (still_px[0] - 0.5)),
                (Advice.MOVE_DOWN, -0.5 - still_y),
                (Advice.MOVE_UP, still_y - (still_px[1] - 0.5)),
            ):
                outside[advice] = np.maximum(outside[advice], beyond)
    return outside


def _cure(least_beyond_px: dict[Advice, float]) -> Advice:
    """Return how to move so that the crop comes inside."""
    wanted = {advice for advice, beyond in least_beyond_px.items() if beyond > 0}
    sides, ends = {Advice.MOVE_LEFT, Advice.MOVE_RIGHT}, {Advice.MOVE_UP, Advice.MOVE_DOWN}
    # Opposite edges are in the way, or each edge alone could be kept but not all at once.
    if sides <= wanted or ends <= wanted or not wanted:
        return Advice.TOO_NEAR
    return max(_EDGES, key=lambda advice: least_beyond_px[advice])


def _transform(head: Head, scale: float, eye_line: float, width_px: int) -> Transform:
    """Return still to photo: clockwise by the roll about the eyes, scaled, put in their place."""
    c, s = scale * cos(radians(head.roll_deg)), scale * sin(radians(head.roll_deg))
    x, y = head.middle_px
    # A distance from the edge is half a pixel more than the coordinate of a pixel's middle.
    return (
        (c, -s, width_px / 2 - 0.5 - c * x + s * y),
        (s, c, eye_line - 0.5 - s * x - c * y),
    )


def measured(head: Head, transform: Transform) -> dict[str, float]:
    """Return the limits' values on the photo that this transform makes, in photo pixels."""
    (a, b, _), (c, d, down) = transform
    scale = hypot(a, c)
    eye_line = c * head.middle_px[0] + d * head.middle_px[1] + down + 0.5
    # Rows of a true rotation: otherwise the photo would be sheared or mirrored.
    if abs(a - d) > 1e-9 or abs(b + c) > 1e-9:
        raise ValueError("not a rotation with one scale")
    return {
        name: float(value[0])
        for name, value in _values(head, np.array([scale]), np.array([eye_line])).items()
    }

"""Where a document's photo lies in a still: scale and offset nearest to the aim, limits kept.

All that remains free once the head is upright is the scale and how far down the eyes lie; the eyes'
middle is the photo's middle. Both are searched on a grid: the cost is flat near its least, and a
grid cannot miss a feasible corner as a descent could.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, hypot, radians, sin
from typing import Final

import numpy as np

from edge.crop_places import (
    Conflict,
    Head,
    NoCrop,
    Numbers,
    TooSmall,
    allowed_places,
    cost_of,
    places_on,
    values_at,
)  # fmt: skip
from quality.advice import Advice
from quality.document import Canvas, Document, PixelLimit

__all__ = ["Crop", "Head", "NoCrop", "Transform", "find_crop", "measured"]

Transform = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Photo pixel (x, y) of a still pixel: rows of a 2x3 matrix, pixel middles at whole numbers."""

_EDGES: Final = (Advice.MOVE_LEFT, Advice.MOVE_RIGHT, Advice.MOVE_DOWN, Advice.MOVE_UP)
_YIELD_TO_PRIORITY: Final = (
    "margin_top",
    "chin_to_bottom",
    "head_width",
    "face_width",
    "head_height",
)


@dataclass(frozen=True, slots=True)
class Crop:
    """A crop that was found.

    Attributes:
        transform: still pixel to photo pixel, 2x3.
        canvas: of the photo.
        values: the limits' values on the photo, in photo pixels.
        hair_margin_px: from the top edge down to the hair, whatever the crown is.
        given_way: limits that the document lets give way and that do not hold.
    """

    transform: Transform
    canvas: Canvas
    values: dict[str, float]
    hair_margin_px: float
    given_way: frozenset[str]


def find_crop(head: Head, document: Document, still_px: tuple[int, int]) -> Crop:
    """Return the crop nearest to the document's aim that keeps its limits and never enlarges.

    Where the sheet leaves the size open, the largest size that needs no enlarging is taken.

    Raises:
        NoCrop: which limit fails by how many px, and what the person can do about it.
    """
    canvases = document.canvases()
    for canvas in canvases[:-1]:
        try:
            return _crop_on(canvas, head, document, still_px)
        except TooSmall:
            continue
    return _crop_on(canvases[-1], head, document, still_px)


def _crop_on(canvas: Canvas, head: Head, document: Document, still_px: tuple[int, int]) -> Crop:
    """Return the crop on a canvas of this size. Raises `NoCrop`."""
    limits = document.limits_px(canvas)
    for given_way in _orders(limits, document.on_conflict):
        kept = {name: limit for name, limit in limits.items() if name not in given_way}
        places = places_on(canvas, head, document, kept)
        try:
            allowed = allowed_places(places, kept, document.id)
        except Conflict as conflict:
            if given_way == frozenset(document.on_conflict):
                # All that the sheet lets give way has given way: this is what to tell.
                refusal = conflict
                if not _priority_is_to_blame(canvas, head, document, kept):
                    break
            continue
        outside = _overflows(head, places.scale, places.eye_line, canvas.size_px, still_px)
        inside = allowed & np.all([beyond <= 0 for beyond in outside.values()], axis=0)
        if not inside.any():
            raise _leaves(document, {a: float(b[allowed].min()) for a, b in outside.items()})
        best = int(np.argmin(np.where(inside, cost_of(places.values, limits), np.inf)))
        transform = _transform(
            head, float(places.scale[best]), float(places.eye_line[best]), canvas.width_px
        )
        return _measured_crop(head, document, canvas, transform, given_way)
    raise refusal


def _orders(
    limits: dict[str, PixelLimit], on_conflict: tuple[str, ...]
) -> Iterator[frozenset[str]]:
    """Yield what may give way: nothing first, then more and more.

    After what the sheet names come the limits that a limit with priority wins over.
    """
    for dropped in range(len(on_conflict) + 1):
        yield frozenset(on_conflict[:dropped])
    if any(limit.priority for limit in limits.values()):
        yielding = [n for n in _YIELD_TO_PRIORITY if n in limits and not limits[n].priority]
        for dropped in range(1, len(yielding) + 1):
            yield frozenset((*on_conflict, *yielding[:dropped]))


def _priority_is_to_blame(
    canvas: Canvas, head: Head, document: Document, limits: dict[str, PixelLimit]
) -> bool:
    """Tell whether the other limits could hold together if only those with priority were not."""
    others = {name: limit for name, limit in limits.items() if not limit.priority}
    if len(others) == len(limits):
        return False
    try:
        allowed_places(places_on(canvas, head, document, others), others, document.id)
    except NoCrop:
        return False
    return True


def _leaves(document: Document, least_beyond_px: dict[Advice, float]) -> NoCrop:
    beyond = max(least_beyond_px.values())
    reason = f"the {document.id} crop leaves the picture by {max(0.0, beyond):.0f} px"
    return NoCrop(_cure(least_beyond_px), reason, "", max(0.0, beyond))


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


def _measured_crop(
    head: Head, document: Document, canvas: Canvas, transform: Transform, given_way: frozenset[str]
) -> Crop:
    """Measure what the transform really makes, rather than what was asked of it."""
    limits = document.limits_px(canvas)
    values = measured(head, document, canvas, transform)
    broken = frozenset(name for name in given_way if limits[name].short_px(values[name]) > 0)
    scale = hypot(transform[0][0], transform[1][0])
    hair_margin_px = values["eye_line"] - head.hair_above_px * scale
    return Crop(transform, canvas, values, hair_margin_px, broken)


def measured(
    head: Head, document: Document, canvas: Canvas, transform: Transform
) -> dict[str, float]:
    """Return the limits' values on the photo that this transform makes, in photo pixels."""
    (a, b, across), (c, d, down) = transform
    scale = hypot(a, c)
    x, y = head.middle_px
    eye_line = c * x + d * y + down + 0.5
    # Rows of a true rotation: otherwise the photo would be sheared or mirrored.
    if abs(a - d) > 1e-9 or abs(b + c) > 1e-9:
        raise ValueError("not a rotation with one scale")
    crown_px = head.crown_above_px(document)
    values = values_at(head, crown_px, canvas, np.array([scale]), np.array([eye_line]))
    return {
        **{name: float(value[0]) for name, value in values.items()},
        "eye_x": a * x + b * y + across + 0.5,
    }

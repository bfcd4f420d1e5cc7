"""Every place that a head could take on a photo's canvas, and which of them keep the limits.

All that remains free once the head is upright is the scale and how far down the eyes lie; the eyes'
middle is the photo's middle. Both are searched on a grid: the cost is flat near its least, and a
grid cannot miss a feasible corner as a descent could.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.advice import Advice
from quality.document import Canvas, Document, PixelLimit

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

STEPS: Final = 121
HALF_RANGE_MIN_PX: Final = 1.0
AIM_SLACK: Final = 0.4
"""How far from a bare aim the head may be, as a share of it: the sheet sets no limit there."""
_SPANS: Final = ("head_height", "head_width", "face_width", "eye_distance")


class NoCrop(Exception):
    """No allowed crop lies in this still. Give the advice and take another.

    Attributes:
        limit: which limit fails, or "" if the crop leaves the picture.
        short_px: by how many px at least; of the photo, or of the still where the still is short.
    """

    def __init__(self, advice: Advice, reason: str, limit: str, short_px: float) -> None:
        super().__init__(reason)
        self.advice = advice
        self.reason = reason
        self.limit = limit
        self.short_px = short_px


class TooSmall(NoCrop):
    """The still has too few pixels for this canvas; a smaller one may do."""


class Conflict(NoCrop):
    """This head's proportions fit no crop that keeps all limits; one may have to give way."""


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

    def crown_above_px(self, document: Document) -> float:
        """Return how far above the eyes the head ends, by the document's own definition."""
        if document.crown == "hair":
            return self.hair_above_px
        return document.skull_factor * self.chin_below_px


@dataclass(frozen=True, slots=True)
class Places:
    """Everything that the head could be on one canvas: scales and eye lines, and what they give."""

    scale: Numbers
    eye_line: Numbers
    values: dict[str, Numbers]


def places_on(
    canvas: Canvas, head: Head, document: Document, limits: dict[str, PixelLimit]
) -> Places:
    """Return the grid between the ends that the limits leave, flattened."""
    crown_px = head.crown_above_px(document)
    low, high = _scale_ends(head, crown_px, limits)
    if high < low <= 1:
        # No scale keeps all limits; all between are looked at to say which one fails, and by what.
        # A little beyond the ends, where rounding cannot decide whether a limit holds.
        low, high = high * (1 - 1e-6), low * (1 + 1e-6)
    high = max(low, high)
    top, bottom = _eye_ends(head, crown_px, canvas, limits, (low, high))
    scales, eye_lines = np.meshgrid(
        np.linspace(low, high, STEPS), np.linspace(top, bottom, STEPS), indexing="ij"
    )
    scale, eye_line = scales.ravel(), eye_lines.ravel()
    return Places(scale, eye_line, values_at(head, crown_px, canvas, scale, eye_line))


def _scale_ends(head: Head, crown_px: float, limits: dict[str, PixelLimit]) -> tuple[float, float]:
    low, high = 0.05, 1.0
    aims: list[float] = []
    for name, span_px in _spans(head, crown_px).items():
        if name not in limits or span_px <= 0:
            continue
        limit = limits[name]
        if limit.is_bare_aim:
            aims.append(limit.aim / span_px)
        else:
            low = max(low, (limit.min or 0.0) / span_px)
            high = min(high, (limit.max or np.inf) / span_px)
    for near in aims:
        smallest, largest = near * (1 - AIM_SLACK), near * (1 + AIM_SLACK)
        # What the sheet says comes first: an aim narrows its range and never empties it.
        if largest > low and (smallest < high or high == 1.0):
            low, high = max(low, smallest), min(high, largest)
    return low, high


def _eye_ends(
    head: Head,
    crown_px: float,
    canvas: Canvas,
    limits: dict[str, PixelLimit],
    scales: tuple[float, float],
) -> tuple[float, float]:
    """Return between which rows the eyes may lie; margins bound them where the sheet does not."""
    eyes, margin = limits.get("eye_line"), limits.get("margin_top")
    below = limits.get("chin_to_bottom")
    low, high = scales
    top, bottom = 0.0, float(canvas.height_px)
    if margin is not None:
        top = max(top, (margin.min or 0.0) + crown_px * low)
        bottom = min(bottom, (np.inf if margin.max is None else margin.max) + crown_px * high)
    if below is not None:
        bottom = min(bottom, canvas.height_px - (below.min or 0.0) - head.chin_below_px * low)
    if eyes is not None:
        top = top if eyes.min is None else eyes.min
        bottom = bottom if eyes.max is None else eyes.max
    return top, max(top, bottom)


def _spans(head: Head, crown_px: float) -> dict[str, float]:
    """Return the head's own measures, in px of the still."""
    return {
        "head_height": crown_px + head.chin_below_px,
        "head_width": head.head_width_px,
        "face_width": head.face_width_px,
        "eye_distance": head.eye_distance_px,
    }


def values_at(
    head: Head, crown_px: float, canvas: Canvas, scale: Numbers, eye_line: Numbers
) -> dict[str, Numbers]:
    return {
        **{name: span_px * scale for name, span_px in _spans(head, crown_px).items()},
        "eye_line": eye_line,
        "eye_x": np.full(scale.shape, canvas.width_px / 2),
        "margin_top": eye_line - crown_px * scale,
        "chin_to_bottom": canvas.height_px - eye_line - head.chin_below_px * scale,
    }


def allowed_places(places: Places, limits: dict[str, PixelLimit], document_id: str) -> Mask:
    """Return which places keep every limit without enlarging; at least one.

    Raises:
        TooSmall: every place would enlarge.
        Conflict: none does; it names the limit that alone is nearest to being kept.
    """
    if places.scale.min() > 1:
        short = {n: _pixels_short(places, limits, n) for n in limits if n in _SPANS}
        name = max(short, key=lambda n: short[n])
        short_px = short[name]
        reason = f"the {document_id} crop would have to be enlarged: {name}"
        raise TooSmall(Advice.TOO_FAR, f"{reason} is {short_px:.1f} px short", name, short_px)
    small = places.scale <= 1
    holds = {name: _holds(places.values[name], limit) for name, limit in limits.items()}
    allowed = np.logical_and.reduce([small, *holds.values()])
    if allowed.any():
        return np.asarray(allowed)
    name, short_px = _nearest_to_holding(places, limits, holds, small)
    reason = f"{document_id}: {name} cannot hold together with the other limits"
    raise Conflict(Advice.WAIT, f"{reason}: {short_px:.1f} px are lacking", name, short_px)


def _pixels_short(places: Places, limits: dict[str, PixelLimit], name: str) -> float:
    """Return how many px of the still are lacking to reach a limit's least without enlarging."""
    limit = limits[name]
    least = limit.aim * (1 - AIM_SLACK) if limit.is_bare_aim else limit.min
    return 0.0 if least is None else least - float(places.values[name][0] / places.scale[0])


def _nearest_to_holding(
    places: Places, limits: dict[str, PixelLimit], holds: dict[str, Mask], small: Mask
) -> tuple[str, float]:
    """Return the one limit whose breach is least where all others hold, and that breach in px.

    Where no single limit is to blame: the worst breach at the place that breaks the rules least.
    """
    breach = {name: _breach(places.values[name], limit) for name, limit in limits.items()}
    lone: dict[str, float] = {}
    for name in limits:
        others = np.logical_and.reduce([small, *(h for n, h in holds.items() if n != name)])
        if others.any():
            lone[name] = float(breach[name][others].min())
    if lone:
        name = min(lone, key=lambda n: lone[n])
        return name, lone[name]
    worst = np.where(small, np.max(list(breach.values()), axis=0), np.inf)
    best = int(np.argmin(worst))
    return max(breach, key=lambda n: float(breach[n][best])), float(worst[best])


def _breach(value: Numbers, limit: PixelLimit) -> Numbers:
    low = -np.inf if limit.min is None else limit.min
    high = np.inf if limit.max is None else limit.max
    return np.maximum(0.0, np.maximum(low - value, value - high))


def _holds(value: Numbers, limit: PixelLimit) -> Mask:
    # The grid's ends are the limits themselves: what rounding could push out is not taken.
    low = -np.inf if limit.min is None else limit.min + 1e-9
    high = np.inf if limit.max is None else limit.max - 1e-9
    return np.asarray((value >= low) & (value <= high))


def cost_of(values: dict[str, Numbers], limits: dict[str, PixelLimit]) -> Numbers:
    """Return the squared distances from the aim, each in halves of its own range."""
    return np.asarray(
        sum(
            ((values[name] - limit.aim) / _half_range(limit)) ** 2 for name, limit in limits.items()
        )
    )


def _half_range(limit: PixelLimit) -> float:
    if limit.is_bare_aim:
        return max(HALF_RANGE_MIN_PX, limit.aim * AIM_SLACK)
    low = limit.aim if limit.min is None else limit.min
    high = limit.aim if limit.max is None else limit.max
    return max(HALF_RANGE_MIN_PX, (high - low) / 2)

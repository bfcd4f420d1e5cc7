"""What a sheet asks of a finished photo's geometry, in the sheet's own units, and the same in px.

A sheet speaks of pixels, of millimetres or of shares of the photo, from the top or from the bottom.
`Limit.in_px` turns all of them into pixels from the top left; nothing after it knows of units.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from quality.measure import Range

MM_PER_INCH: Final = 25.4
STANDINGS: Final = ("official", "secondary", "design")
_STANDING: Final = re.compile(rf"\b({'|'.join(STANDINGS)})\b", re.IGNORECASE)
_VERTICAL: Final = frozenset({"head_height", "eye_line", "margin_top", "chin_to_bottom"})

Unit = Literal["px", "mm", "ratio"]


def standings(source: str) -> tuple[str, ...]:
    """Return how a source stands, strongest first: official, secondary (a copy), design (ours)."""
    said = {word.lower() for word in _STANDING.findall(source)}
    return tuple(standing for standing in STANDINGS if standing in said)


def _says_its_standing(source: str) -> str:
    if not standings(source):
        raise ValueError(f"a source says how it stands: {', '.join(STANDINGS)}")
    return source


Source = Annotated[str, Field(min_length=8), AfterValidator(_says_its_standing)]
"""Where numbers were read, and how that stands: the issuer's text, a copy of it, or our design."""


class Section(BaseModel):
    """A table of a document's file: frozen, and refusing what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(Section):
    """An inclusive interval; an end that is left out is open."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self

    @property
    def range(self) -> Range:
        """The same as the measures' interval."""
        return Range(self.min, self.max)


@dataclass(frozen=True, slots=True)
class Canvas:
    """The size of one finished photo and the density that is written into its file."""

    width_px: int
    height_px: int
    dpi: int

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.width_px, self.height_px

    def px_per(self, unit: Unit, *, vertical: bool) -> float:
        """Return how many pixels one of this unit is; "ratio" is the whole side along it."""
        if unit == "mm":
            return self.dpi / MM_PER_INCH
        side_px = self.height_px if vertical else self.width_px
        return float(side_px) if unit == "ratio" else 1.0


@dataclass(frozen=True, slots=True)
class PixelLimit:
    """A limit in the finished photo's pixels, from its top left; an end of None is open."""

    min: float | None
    max: float | None
    aim: float
    priority: bool = False

    @property
    def is_bare_aim(self) -> bool:
        """The sheet sets no limit."""
        return self.min is None and self.max is None

    def short_px(self, value: float) -> float:
        """Return how far a value lies outside, in px: 0.0 inside."""
        below = 0.0 if self.min is None else self.min - value
        above = 0.0 if self.max is None else value - self.max
        return max(0.0, below, above)


class Childrens(Span):
    """What holds instead for children, where the sheet says so.

    Attributes:
        age_max_years: completed years up to which it holds, inclusive.
    """

    aim: float
    age_max_years: Annotated[int, Field(ge=0, le=17)]
    source: Source


class Limit(Span):
    """What the finished photo must satisfy, in the sheet's own unit, and the value to aim at.

    Without `min` and `max` it is a bare aim: the sheet says nothing, but the crop must lie
    somewhere. Then the source says "design".

    Attributes:
        unit: "ratio" is the share of the photo's height, or width for what lies across.
        measured_from: `from` in the file; only the eye line may count from the bottom edge.
        priority: the sheet lets this limit win over any other.
    """

    aim: float
    unit: Unit = "px"
    measured_from: Annotated[Literal["top", "bottom"], Field(alias="from")] = "top"
    priority: bool = False
    children: Childrens | None = None
    source: Source

    @model_validator(mode="after")
    def _in_order(self) -> Limit:
        if self.min is None and self.max is None and "design" not in standings(self.source):
            raise ValueError("give min, max or both; an aim alone is our design and says so")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        for limit in (self, self.children or self):
            if limit.aim not in limit.range:
                raise ValueError(f"aim {limit.aim:g} lies outside its own limits")
        return self

    @property
    def is_bare_aim(self) -> bool:
        """The sheet sets no limit."""
        return self.min is None and self.max is None

    def for_age(self, age_years: int) -> Limit:
        """Return what holds at this age, in completed years."""
        young = self.children
        if young is None or age_years > young.age_max_years:
            return self
        changed = {"min": young.min, "max": young.max, "aim": young.aim, "source": young.source}
        return self.model_copy(update={**changed, "children": None})

    def in_px(self, name: str, canvas: Canvas) -> PixelLimit:
        """Return the same in this canvas's pixels, from its top left."""
        unit_px = canvas.px_per(self.unit, vertical=name in _VERTICAL)
        low, high = (None if end is None else end * unit_px for end in (self.min, self.max))
        aim = self.aim * unit_px
        if self.measured_from == "bottom":
            whole = canvas.height_px
            low, high = (None if end is None else whole - end for end in (high, low))
            aim = whole - aim
        return PixelLimit(low, high, aim, self.priority)

    def in_own_unit(self, name: str, value_px: float, canvas: Canvas) -> float:
        """Return a value of the finished photo, in px from the top left, as the sheet counts it."""
        if self.measured_from == "bottom":
            value_px = canvas.height_px - value_px
        return value_px / canvas.px_per(self.unit, vertical=name in _VERTICAL)


class Geometry(Section):
    """Limits of the finished photo. The crown is the hair's or the skull's, as the document says.

    Attributes:
        head_height: chin to crown.
        head_width: ear to ear with hair; None where the sheet says nothing.
        face_width: ear to ear without hair; None where the sheet says nothing.
        eye_line: from the top (or bottom) edge to the middle between the eyes.
        eye_x: from the left edge to the middle between the eyes.
        margin_top: from the top edge down to the crown.
        chin_to_bottom: from the chin down to the bottom edge.
        eye_distance: between the eyes.
    """

    head_height: Limit
    head_width: Limit | None = None
    face_width: Limit | None = None
    eye_line: Limit
    eye_x: Limit | None = None
    margin_top: Limit | None = None
    chin_to_bottom: Limit | None = None
    eye_distance: Limit | None = None

    @model_validator(mode="after")
    def _only_eyes_from_below(self) -> Geometry:
        for name, limit in self.limits().items():
            if limit.measured_from == "bottom" and name != "eye_line":
                raise ValueError(f"{name} cannot count from the bottom; only eye_line may")
        return self

    def limits(self) -> dict[str, Limit]:
        """Return the limits that the document has, by name."""
        named = {name: getattr(self, name) for name in Geometry.model_fields}
        return {name: limit for name, limit in named.items() if limit is not None}

    def for_age(self, age_years: int) -> Geometry:
        """Return what holds at this age, in completed years."""
        changed = {name: limit.for_age(age_years) for name, limit in self.limits().items()}
        return self.model_copy(update=changed)

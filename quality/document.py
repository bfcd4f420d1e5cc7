"""A photo document's requirements, and the judgement of a face against them.

One file of `firmware_configs/documents` is one document. Every number in it carries the source it
was read from; `verified` says whether the issuer's own sheet was signed off.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from quality.face import MEASURES
from quality.measure import Native, Range, Reading, assess

MEASURE_OF: Final = {measure.name: measure for measure in MEASURES}
MM_PER_INCH: Final = 25.4

Source = Annotated[str, Field(min_length=8)]
Pixels = Annotated[int, Field(ge=1, le=10000)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(_Section):
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


class Limit(Span):
    """What the finished photo must satisfy, in its own pixels, and the value to aim at."""

    aim: float
    source: Source

    @model_validator(mode="after")
    def _aim_inside(self) -> Limit:
        if self.aim not in self.range:
            raise ValueError(f"aim {self.aim:g} lies outside its own limits")
        return self


class Geometry(_Section):
    """Limits of the finished photo.

    Attributes:
        head_height: chin to hair top.
        head_width: ear to ear with hair; None where the sheet says nothing.
        face_width: ear to ear without hair; None where the sheet says nothing.
        eye_line: from the top edge down to the middle between the eyes.
        margin_top: from the top edge down to the hair.
        eye_distance: between the eyes.
    """

    head_height: Limit
    head_width: Limit | None = None
    face_width: Limit | None = None
    eye_line: Limit
    margin_top: Limit
    eye_distance: Limit | None = None

    def limits(self) -> dict[str, Limit]:
        """Return the limits that the document has, by name."""
        named = {name: getattr(self, name) for name in Geometry.model_fields}
        return {name: limit for name, limit in named.items() if limit is not None}


class FileLimits(_Section):
    """What the file must be: baseline JPEG, 24 bit, sRGB.

    Attributes:
        quality_aim: the encoder's quality is set lower only if nothing else fits the size.
        quality_min: it is never set lower than this.
        kb_max_at_quality_min: a wider limit that the sheets allow when quality and size collide.
    """

    kb_min: Annotated[float, Field(gt=0)]
    kb_max: Annotated[float, Field(gt=0)]
    quality_aim: Annotated[int, Field(ge=30, le=98)]
    quality_min: Annotated[int, Field(ge=30, le=98)]
    kb_max_at_quality_min: float | None = None
    source: Source

    @model_validator(mode="after")
    def _in_order(self) -> FileLimits:
        widest = self.kb_max_at_quality_min or self.kb_max
        if not self.kb_min < self.kb_max <= widest:
            raise ValueError("kb_min < kb_max <= kb_max_at_quality_min is wanted")
        if self.quality_min > self.quality_aim:
            raise ValueError("quality_min is above quality_aim")
        return self


class Gate(_Section):
    """When one measure's value is good enough.

    Attributes:
        live_enter: from "not good" to good, on the preview; None for a measure of stills.
        live_leave: from good to "not good"; wider, so that advice does not flicker.
        still: on the captured still.
        hard: must hold. A gate that is not hard is advisory: it gives way when nothing else helps.
    """

    live_enter: Span | None = None
    live_leave: Span | None = None
    still: Span
    hard: bool
    source: Source

    @model_validator(mode="after")
    def _leave_is_wider(self) -> Gate:
        inner, outer = self.live_enter, self.live_leave
        if inner is None or outer is None:
            if inner is not outer:
                raise ValueError("give live_enter and live_leave, or neither")
            return self
        low_ok = outer.min is None or (inner.min is not None and inner.min >= outer.min)
        high_ok = outer.max is None or (inner.max is not None and inner.max <= outer.max)
        if not (low_ok and high_ok):
            raise ValueError("live_leave must enclose live_enter")
        return self

    def accept(self, *, live: bool, passed: bool) -> Range:
        """Return the limits that hold now; `passed` says that the last look was good."""
        live_span = self.live_leave if passed else self.live_enter
        return live_span.range if live and live_span is not None else self.still.range


class Title(_Section):
    """The document's name as the pages show it."""

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Document(_Section):
    """One photo document.

    Attributes:
        canvas_px, print_mm: width and height of the finished photo; with `dpi` they agree.
        crown: where the head ends on top. Only "hair" can be measured so far.
        on_conflict: limits that give way, the first one first, where not all can hold.
        verified: the issuer's own sheet was read and signed off.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Title
    issuer: Annotated[str, Field(min_length=2)]
    verified: bool
    checked_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    canvas_px: tuple[Pixels, Pixels]
    print_mm: tuple[float, float]
    dpi: Annotated[int, Field(ge=72, le=1200)]
    canvas_source: Source
    crown: Literal["hair"]
    on_conflict: tuple[str, ...] = ()
    geometry: Geometry
    file: FileLimits
    gates: Mapping[str, Gate]

    @model_validator(mode="after")
    def _is_coherent(self) -> Document:
        for side_px, side_mm in zip(self.canvas_px, self.print_mm, strict=True):
            if abs(side_px - side_mm * self.dpi / MM_PER_INCH) > 1:
                raise ValueError(f"{side_px} px are not {side_mm:g} mm at {self.dpi} dpi")
        for unknown in self.gates.keys() - MEASURE_OF.keys():
            raise ValueError(f"no measure {unknown!r}; there are: {', '.join(sorted(MEASURE_OF))}")
        for name, gate in self.gates.items():
            if (gate.live_enter is None) != MEASURE_OF[name].still_only:
                raise ValueError(
                    f"{name}: live limits are for what is measured live, and only that"
                )
        for unknown in set(self.on_conflict) - self.geometry.limits().keys():
            raise ValueError(f"on_conflict: {unknown!r} is no limit of this document")
        return self


def judge(
    document: Document,
    natives: Mapping[str, Native],
    *,
    live: bool,
    passed: Collection[str] = (),
) -> tuple[Reading, ...]:
    """Judge a face's values by a document's gates, in the order of the document's file.

    Live, a gate of a measure that only stills have is passed over: it is judged once there is one.

    Args:
        document: whose gates.
        natives: by measure; what is missing is not assessed.
        live: by the preview's limits, else by the still's.
        passed: measures that were good at the last look and may use the wider limits.
    """
    return tuple(
        assess(
            MEASURE_OF[name],
            natives.get(name, Native(None, "not measured")),
            gate.accept(live=live, passed=name in passed),
            advisory=not gate.hard,
        )
        for name, gate in document.gates.items()
        if not (live and MEASURE_OF[name].still_only)
    )

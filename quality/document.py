"""A photo document's requirements, and the judgement of a face against them.

One file of `firmware_configs/documents` is one document. Every number in it carries the source it
was read from; `verified` says whether the issuer's own sheet was signed off.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from quality.face import MEASURES
from quality.limits import (
    MM_PER_INCH,
    Canvas,
    Geometry,
    Limit,
    PixelLimit,
    Section,
    Source,
    Span,
    standings,
)  # fmt: skip
from quality.measure import ANY, Native, Range, Reading, assess

__all__ = ["Canvas", "Document", "FileLimits", "Gate", "Limit", "PixelLimit", "judge"]

_UNMEASURED: Final = Native(None, "not measured")
MEASURE_OF: Final = {measure.name: measure for measure in MEASURES}
CANVASES_MAX: Final = 8
"""How many sizes are tried at most where a sheet leaves the size open."""

Pixels = Annotated[int, Field(ge=1, le=10000)]
Millimetres = Annotated[float, Field(gt=0, le=300)]


class FileLimits(Section):
    """What the file must be: baseline JPEG, 24 bit, sRGB.

    Attributes:
        kb_min, kb_max: None where the sheet says nothing.
        quality_aim: the encoder's quality is set lower only if nothing else fits the size.
        quality_min: it is never set lower than this.
        kb_max_at_quality_min: a wider limit that the sheets allow when quality and size collide.
        compression_max: raw bytes over the file's, at most.
        print_only: the issuer takes paper; the file is what the printer gets.
    """

    kb_min: Annotated[float, Field(gt=0)] | None = None
    kb_max: Annotated[float, Field(gt=0)] | None = None
    quality_aim: Annotated[int, Field(ge=30, le=98)]
    quality_min: Annotated[int, Field(ge=30, le=98)]
    kb_max_at_quality_min: float | None = None
    compression_max: Annotated[float, Field(gt=1)] | None = None
    print_only: bool = False
    source: Source

    @model_validator(mode="after")
    def _in_order(self) -> FileLimits:
        least, most = self.kb_min or 0.0, self.kb_max or float("inf")
        if not least < most <= (self.kb_max_at_quality_min or most):
            raise ValueError("kb_min < kb_max <= kb_max_at_quality_min is wanted")
        if self.quality_min > self.quality_aim:
            raise ValueError("quality_min is above quality_aim")
        return self

    def bytes_min(self, canvas: Canvas) -> float:
        """Return the least file, by size and by compression."""
        # A sheet's kB may mean 1000 or 1024 bytes: stay inside both.
        return max((self.kb_min or 0.0) * 1024, self.compressed_bytes_min(canvas))

    def compressed_bytes_min(self, canvas: Canvas) -> float:
        """Return the least file by compression alone: 0.0 where the sheet sets no limit."""
        if self.compression_max is None:
            return 0.0
        return canvas.width_px * canvas.height_px * 3 / self.compression_max

    @property
    def bytes_max(self) -> float:
        """The largest file; infinite where the sheet says nothing."""
        return float("inf") if self.kb_max is None else self.kb_max * 1000


class FaceLab(Section):
    """The mean colour of the face's region, CIE Lab (D65), as some sheets want it.

    Advice only: such a range presumes one skin and one light, and never refuses a person.
    """

    l: Span  # noqa: E741 - CIE's own name
    a: Span
    b: Span
    source: Source

    def ranges(self) -> dict[str, Range]:
        """Return the three ranges as named readings."""
        return {f"face_lab_{axis}": getattr(self, axis).range for axis in ("l", "a", "b")}


class Background(Section):
    """What the wall should be; recorded and shown, never painted.

    Attributes:
        colour: in the sheet's words.
        rgb_mean_min: least mean of each channel, 0..255.
        rgb_spread_max: largest standard deviation of a channel.
    """

    colour: Annotated[str, Field(min_length=3)]
    rgb_mean_min: Annotated[int, Field(ge=0, le=255)] | None = None
    rgb_spread_max: Annotated[float, Field(ge=0, le=128)] | None = None
    source: Source

    def ranges(self) -> dict[str, tuple[str, Range]]:
        """Return the sheet's limits by rule, each with the measure that reads it."""
        limits = {
            "background_rgb_mean": ("BackgroundLightness", Range(low=self.rgb_mean_min)),
            "background_rgb_spread": ("BackgroundColourSpread", Range(high=self.rgb_spread_max)),
        }
        return {rule: limit for rule, limit in limits.items() if limit[1] != ANY}


class Rules(Section):
    """What attendants look after, in words; nothing of this is measured."""

    glasses: str = ""
    expression: str = ""
    head_covering: str = ""
    clothes: str = ""
    age_of_photo: str = ""
    other: str = ""
    source: Source


class Bounds(Section):
    """Between which values one measure is good enough.

    Attributes:
        live_enter: from "not good" to good, on the preview; None for a measure of stills.
        live_leave: from good to "not good"; wider, so that advice does not flicker.
        still: on the captured still.
    """

    live_enter: Span | None = None
    live_leave: Span | None = None
    still: Span
    source: Annotated[str, Field(min_length=8)]

    @model_validator(mode="after")
    def _leave_is_wider(self) -> Bounds:
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


class Gate(Bounds):
    """When one measure's value is good enough, and whether that must be.

    Attributes:
        hard: must hold. A gate that is not hard is advisory: it gives way when nothing else helps.
        calibrated: what holds instead, and must, at a station that has calibrated the measure.
    """

    hard: bool
    calibrated: Bounds | None = None

    def accept(self, *, live: bool, passed: bool) -> Range:
        """Return the limits that hold now; `passed` says that the last look was good."""
        live_span = self.live_leave if passed else self.live_enter
        return live_span.range if live and live_span is not None else self.still.range


class Title(Section):
    """The document's name as the pages show it."""

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Document(Section):
    """One photo document.

    Attributes:
        standing: "official" where the issuer's own text was read by whoever `source`s name.
        verified: the issuer's own sheet was read and signed off by us.
        canvas_px: width and height of the finished photo; with `print_mm` and `dpi` they agree.
        canvas_min_px, canvas_max_px: where the sheet leaves the size open. A head with too few
            pixels gets a smaller canvas of the same form, down to the least.
        aspect: width and height that any canvas must be in proportion to.
        print_mm, print_max_mm: the printed photo, and the largest print that the sheet allows.
        crown: where the head ends on top.
        crown_verified: the sheet itself says so.
        skull_factor: skull's top above the eyes over chin below the eyes; only for "skull".
        on_conflict: limits that give way, the first one first, where not all can hold.
        gates_of: the document whose gates hold here too, unless named again.
        good_frames: so many good frames at least take the picture; None leaves it to the preset.
        fingers: the fingers that go with it, a file of `firmware_configs/fingers`; None leaves them
            to the order and the station.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Title
    issuer: Annotated[str, Field(min_length=2)]
    standing: Literal["official", "secondary"] = "secondary"
    verified: bool
    checked_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    canvas_px: tuple[Pixels, Pixels]
    canvas_min_px: tuple[Pixels, Pixels] | None = None
    canvas_max_px: tuple[Pixels, Pixels] | None = None
    aspect: tuple[Pixels, Pixels] | None = None
    print_mm: tuple[Millimetres, Millimetres] | None = None
    print_max_mm: tuple[Millimetres, Millimetres] | None = None
    dpi: Annotated[int, Field(ge=72, le=1200)]
    canvas_source: Source
    crown: Literal["hair", "skull"]
    crown_verified: bool = False
    skull_factor: Annotated[float, Field(ge=0.5, le=1.5)] = 1.0
    on_conflict: tuple[str, ...] = ()
    geometry: Geometry
    background: Background | None = None
    face_lab: FaceLab | None = None
    file: FileLimits
    rules: Rules | None = None
    gates_of: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    good_frames: Annotated[int, Field(ge=1, le=60)] | None = None
    fingers: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    gates: Mapping[str, Gate]

    @model_validator(mode="after")
    def _is_coherent(self) -> Document:
        self._check_canvas()
        limits = self.geometry.limits()
        for unknown in self.gates.keys() - MEASURE_OF.keys():
            raise ValueError(f"no measure {unknown!r}; there are: {', '.join(sorted(MEASURE_OF))}")
        for name, gate in self.gates.items():
            if (gate.live_enter is None) != MEASURE_OF[name].still_only:
                raise ValueError(
                    f"{name}: live limits are for what is measured live, and only that"
                )
        for unknown in set(self.on_conflict) - limits.keys():
            raise ValueError(f"on_conflict: {unknown!r} is no limit of this document")
        for name in self.on_conflict:
            if limits[name].priority:
                raise ValueError(f"on_conflict: {name!r} has priority and cannot give way")
        if self.verified and (self.standing != "official" or self.is_secondary):
            raise ValueError("verified, but secondary copies are among its sources")
        return self

    def _check_canvas(self) -> None:
        for name, sides_px, sides_mm in (
            ("canvas_px", self.canvas_px, self.print_mm),
            ("canvas_max_px", self.canvas_max_px, self.print_max_mm),
        ):
            for px, mm in zip(sides_px or (), sides_mm or (), strict=False):
                if abs(px - mm * self.dpi / MM_PER_INCH) > 1:
                    raise ValueError(f"{name}: {px} px are not {mm:g} mm at {self.dpi} dpi")
        least, most = self.canvas_min_px or self.canvas_px, self.canvas_max_px or self.canvas_px
        for low, px, high in zip(least, self.canvas_px, most, strict=True):
            if not low <= px <= (high if self.canvas_max_px else px):
                raise ValueError(f"canvas_px: {px} px is not from {low} to {high}")
        if self.aspect is not None:
            (w, h), (a, b) = self.canvas_px, self.aspect
            if abs(w * b - h * a) > max(a, b):
                raise ValueError(f"canvas_px: {w}x{h} is not {a}:{b}")

    @property
    def is_secondary(self) -> bool:
        """Some number of the geometry or the file was read in a copy only."""
        sources = [limit.source for limit in self.geometry.limits().values()]
        sources += [self.canvas_source, self.file.source]
        return any("secondary" in standings(source) for source in sources)

    @property
    def canvas(self) -> Canvas:
        """The size that is delivered if the still has pixels enough."""
        return Canvas(*self.canvas_px, self.dpi)

    def canvases(self) -> tuple[Canvas, ...]:
        """Return the sizes to try, largest first; only one where the sheet fixes it.

        A print keeps its millimetres, so a smaller canvas has a smaller density.
        """
        if self.canvas_min_px is None:
            return (self.canvas,)
        (width, height), (width_min, height_min) = self.canvas_px, self.canvas_min_px
        least = max(width_min / width, height_min / height)
        sizes = []
        for n in range(CANVASES_MAX):
            # Whole densities, so that px, mm and dpi agree to half a pixel on every size.
            dpi = round(self.dpi * (1 - n * (1 - least) / (CANVASES_MAX - 1)))
            share = dpi / self.dpi
            sides = max(width_min, round(width * share)), max(height_min, round(height * share))
            sizes.append(Canvas(*sides, dpi if self.print_mm else self.dpi))
        return tuple(dict.fromkeys(sizes))

    def limits_px(self, canvas: Canvas | None = None) -> dict[str, PixelLimit]:
        """Return the limits in this canvas's pixels (the preferred one's), by name."""
        where = canvas or self.canvas
        return {name: limit.in_px(name, where) for name, limit in self.geometry.limits().items()}

    def with_gates(self, gates: Mapping[str, Gate]) -> Document:
        """Return the document with these gates in place of its own of the same measures."""
        return self.model_copy(update={"gates": {**self.gates, **gates}})

    def for_age(self, age_years: int) -> Document:
        """Return what holds for a person of this age, in completed years."""
        return self.model_copy(update={"geometry": self.geometry.for_age(age_years)})


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

    On a still the sheet's own limits on the background follow, as advice.
    """
    gates = tuple(
        assess(
            MEASURE_OF[name],
            natives.get(name, _UNMEASURED),
            gate.accept(live=live, passed=name in passed),
            advisory=not gate.hard,
        )
        for name, gate in document.gates.items()
        if not (live and MEASURE_OF[name].still_only)
    )
    return gates if live else gates + _judged_background(document, natives)


def _judged_background(document: Document, natives: Mapping[str, Native]) -> tuple[Reading, ...]:
    """Return the sheet's own limits on the wall: for the record and the technician, never hard.

    Copies of sheets ask for 250 of 255 without saying how that is measured; whom a wall refuses
    can do nothing about it.
    """
    limits = {} if document.background is None else document.background.ranges()
    return tuple(
        replace(
            assess(MEASURE_OF[name], natives.get(name, _UNMEASURED), accept, advisory=True),
            measure=rule,
        )
        for rule, (name, accept) in limits.items()
    )

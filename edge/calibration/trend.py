"""How each measure went from calibration to calibration, and what drifted: pure, with CSV and SVG.

A drift is told against the first full calibration that passed with the same lens and device: what
a technician can put right, not what another lens brought.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from edge.calibration.record import Calibration, Recorded, StepResult
from edge.utc import rfc3339

DAY_MS: Final = 24 * 3600 * 1000
SAME: Final = ("camera_model", "camera_serial", "lens", "reader_model", "reader_serial")
"""While these stay, it is the same device with the same lens."""
SHARPNESS: Final = ("focus", "mtf50_centre")
COLOUR: Final = ("colour", "delta_e_mean")
LAMP: Final = "lamp.light"
"""Of the grey card in linear light over exposure and gain: only where both are known."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a measure.

    Attributes:
        at_ms: UTC.
        calibration_id: where it stands.
        uncertainty: standard, None where nobody knows it.
        least, most: the limits of that time.
        verdict: of that time; "" of what no limit judges.
    """

    at_ms: int
    calibration_id: str
    value: float
    uncertainty: float | None
    least: float | None
    most: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Series:
    """One measure of one device over time, oldest first; `measure` is "step.measure"."""

    measure: str
    unit: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """A measure that went too far.

    Attributes:
        code: "mtf50", "delta_e" or "lamp"; its line is `trend.drift_<code>`.
        measure: as in `Series`.
        change: in percent of the first, or in dE00; below 0: it fell.
        since_ms: of the calibration that it is held against.
    """

    code: Literal["mtf50", "delta_e", "lamp"]
    measure: str
    change: float
    since_ms: int


@dataclass(frozen=True, slots=True)
class Rule:
    """How far a measure may go: `limit` in percent of the first, or in its own unit."""

    code: Literal["mtf50", "delta_e", "lamp"]
    limit: float
    percent: bool


RULES: Final[Mapping[str, Rule]] = {
    ".".join(SHARPNESS): Rule("mtf50", -10.0, percent=True),
    ".".join(COLOUR): Rule("delta_e", 2.0, percent=False),
    LAMP: Rule("lamp", -15.0, percent=True),
}
"""Source: house, experience.md 8.3."""


def trend_of(records: Iterable[Recorded]) -> dict[str, Series]:
    """Return what was measured of one device, by measure, in the order of its first record.

    Args:
        records: of one device, in any order; what was not assessed is left out.
    """
    found: dict[str, list[Point]] = {}
    units: dict[str, str] = {}
    for one in _in_order(records):
        for step in one.calibration.steps:
            if step.value is not None:
                name = f"{step.step}.{step.measure}"
                found.setdefault(name, []).append(_point(one, step))
                units.setdefault(name, step.unit)
        light = lamp_light(one.calibration)
        if light is not None:
            point = Point(one.calibration.ended_at_ms, one.id, light, None, None, None, "")
            found.setdefault(LAMP, []).append(point)
            units[LAMP] = "1"
    return {name: Series(name, units[name], tuple(points)) for name, points in found.items()}


def drifts_of(records: Iterable[Recorded]) -> tuple[Drift, ...]:
    """Return what drifted by the newest record that has it, against the first of its kind.

    Args:
        records: of one device, in any order.
    """
    ordered = _in_order(records)
    found = []
    for measure, rule in RULES.items():
        values = [(one, value) for one in ordered if (value := _value(one, measure)) is not None]
        if not values:
            continue
        newest, now = values[-1]
        first = next(
            ((one, value) for one, value in values if _is_base(one, newest.calibration)), None
        )
        if first is None or first[0].id == newest.id:
            continue
        base = first[1]
        change = 100 * (now - base) / base if rule.percent and base else now - base
        if change <= rule.limit if rule.limit < 0 else change >= rule.limit:
            found.append(Drift(rule.code, measure, change, first[0].calibration.ended_at_ms))
    return tuple(found)


def lamp_light(calibration: Calibration) -> float | None:
    """Return how bright the lamp lit the grey card, in units of its own; None if nobody can say.

    Linear luminance over exposure and gain: auto-exposure would else hide a lamp that ages.
    Source: L* by CIE 15.
    """
    card = calibration.step("lightness")
    exposure, gain = (calibration.environment.get(name) for name in ("exposure_100us", "gain"))
    if card is None or card.value is None or not isinstance(exposure, int | float):
        return None
    if exposure <= 0 or not isinstance(gain, int | float) or gain <= 0:
        return None
    lightness = card.value
    light = ((lightness + 16) / 116) ** 3 if lightness > 8 else lightness / 903.3
    return light / (exposure * gain)


def csv_of(series: Iterable[Series]) -> str:
    """Return the points of several measures as CSV (RFC 4180), a head line first."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(
        ["measure", "unit", "at", "value", "uncertainty", "least", "most", "verdict",
         "calibration_id"]
    )  # fmt: skip
    for one in series:
        for point in one.points:
            writer.writerow(
                [one.measure, one.unit, rfc3339(point.at_ms), _told(point.value),
                 _told(point.uncertainty), _told(point.least), _told(point.most), point.verdict,
                 point.calibration_id]
            )  # fmt: skip
    return file.getvalue()


def day_of(at_days: float) -> str:
    """Return the day of a moment in days since 1970, as an axis carries it."""
    return datetime.fromtimestamp(at_days * DAY_MS / 1000, UTC).strftime("%Y-%m-%d")


def _in_order(records: Iterable[Recorded]) -> list[Recorded]:
    return sorted(records, key=lambda one: one.calibration.number)


def _point(one: Recorded, step: StepResult) -> Point:
    value = 0.0 if step.value is None else step.value
    return Point(
        one.calibration.ended_at_ms, one.id, value, step.uncertainty, step.least, step.most,
        step.verdict.value,
    )  # fmt: skip


def _value(one: Recorded, measure: str) -> float | None:
    if measure == LAMP:
        return lamp_light(one.calibration)
    steps: Sequence[StepResult] = one.calibration.steps
    return next((step.value for step in steps if f"{step.step}.{step.measure}" == measure), None)


def _is_base(one: Recorded, newest: Calibration) -> bool:
    first = one.calibration
    same = all(first.identity.get(name) == newest.identity.get(name) for name in SAME)
    return first.kind == "full" and first.overall.passed and same


def _told(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"

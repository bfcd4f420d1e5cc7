"""Trends and drifts: what went too far since the same lens was first calibrated."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from edge.calibration.certificate_words import words_of
from edge.calibration.plot_trend import trend_svg
from edge.calibration.record import Recorded, read_record, record_json
from edge.calibration.trend import LAMP, RULES, Series, csv_of, drifts_of, trend_of
from tests.calibration_kit import DAY_MS, NOW_MS, calibration

SHARP, COLOUR, CARD = "focus.mtf50_centre", "colour.delta_e_mean", "exposure.lightness"


def recorded(number: int, values: Mapping[str, float], **changes) -> Recorded:
    found = calibration(ended_at_ms=NOW_MS + number * 30 * DAY_MS, values=values, **changes)
    return read_record(record_json(replace(found, number=number)))


def codes(values: Sequence[Mapping[str, float]], **last) -> list[str]:
    """Return the drifts of records with these values; `last` changes the newest."""
    found = [recorded(number, one) for number, one in enumerate(values[:-1], 1)]
    found.append(recorded(len(values), values[-1], **last))
    return [drift.code for drift in drifts_of(reversed(found))]


@pytest.mark.parametrize(
    ("measure", "first", "within", "beyond", "code"),
    [(SHARP, 0.40, 0.361, 0.359, "mtf50"), (COLOUR, 1.0, 2.99, 3.01, "delta_e")],
)  # fmt: skip
def test_a_drift_is_told_from_its_limit_on(measure, first, within, beyond, code):
    """MTF50 10 % down, colour error 2 up; the other way is no drift."""
    assert codes([{measure: first}, {measure: within}]) == []
    assert codes([{measure: first}, {measure: beyond}]) == [code]
    assert codes([{measure: beyond}, {measure: first}]) == []
    # The newest counts, not the worst.
    assert codes([{measure: first}, {measure: beyond}, {measure: within}]) == []


def test_a_lamp_that_ages_is_told_though_exposure_follows_it():
    """The card looks as bright as ever; the exposure that it took says the rest."""
    card = {CARD: 50.0}
    longer = {"environment": {"exposure_100us": 100.0, "gain": 1.0}}
    louder = {"environment": {"exposure_100us": 80.0, "gain": 1.25}}
    little = {"environment": {"exposure_100us": 90.0, "gain": 1.0}}

    assert codes([card, card], **longer) == codes([card, card], **louder) == ["lamp"]
    assert codes([card, card], **little) == []


@pytest.mark.parametrize(
    "environment",
    [{}, {"exposure_100us": 100.0}, {"exposure_100us": "auto", "gain": 1.0},
     {"exposure_100us": 0.0, "gain": 1.0}, {"exposure_100us": 100.0, "gain": -1.0}],
)  # fmt: skip
def test_nothing_is_said_of_a_lamp_whose_exposure_nobody_knows(environment):
    """Auto-exposure would make a figure of it that means nothing."""
    assert LAMP not in trend_of([recorded(1, {CARD: 50.0}, environment=environment)])
    assert codes([{CARD: 50.0}, {CARD: 50.0}], environment=environment) == []


def test_another_lens_begins_anew():
    """What it brought is no drift, and what comes after it is held against it alone."""
    other = {"lens": "EF 50mm", "camera_model": "Canon EOS 2000D"}
    first, second = recorded(1, {SHARP: 0.4}), recorded(2, {SHARP: 0.3}, identity=other)
    third = recorded(3, {SHARP: 0.26}, identity=other)

    assert drifts_of([first, second]) == ()
    (drift,) = drifts_of([first, second, third])
    assert drift.change == pytest.approx(-13.33, abs=0.01)
    assert drift.since_ms == second.calibration.ended_at_ms


def test_what_failed_or_was_quick_is_no_beginning():
    """Only a full calibration that passed says how it should be."""
    bad = recorded(1, {SHARP: 0.4, "distortion.rms": 9.0})
    assert bad.calibration.overall.value == "fail"
    assert drifts_of([bad, recorded(2, {SHARP: 0.3})]) == ()
    assert drifts_of([]) == ()


def test_a_series_has_every_value_in_order_with_the_limits_of_its_time():
    """What was not assessed has no point."""
    series = trend_of([recorded(2, {SHARP: 0.3}), recorded(1, {SHARP: 0.4})])

    assert [point.value for point in series[SHARP].points] == [0.4, 0.3]
    assert {(point.least, point.most) for point in series[SHARP].points} == {(0.2, None)}
    assert "noise.flash" not in series
    assert set(RULES) <= set(series)


def test_the_csv_says_all_of_it_and_the_svg_draws_the_limits():
    """Both languages; and nothing that a strict page refuses."""
    series = trend_of([recorded(number, {SHARP: 0.4 - number / 50}) for number in (1, 2, 3)])
    rows = list(csv.DictReader(io.StringIO(csv_of([series[SHARP]]))))
    assert [float(row["value"]) for row in rows] == [0.38, 0.36, 0.34]
    assert rows[0]["at"] == "2026-12-22T17:52:53.000Z"
    assert {row["least"] for row in rows} == {"0.2"}
    for language in ("zh-CN", "en"):
        svg = trend_svg(series[SHARP], language)
        drawn = ET.fromstring(svg)
        name = words_of(language).line(f"measure.{SHARP}")
        assert any(name in (one.text or "") for one in drawn.iter() if one.tag.endswith("text"))
        assert "style=" not in svg
        assert "<script" not in svg
        assert svg.count("stroke-dasharray") == 1
        assert svg.count("<circle") == 3
    assert trend_svg(Series(SHARP, "cy/px", ()), "en").startswith("<svg")
    with pytest.raises(ValueError, match="fr"):
        trend_svg(series[SHARP], "fr")

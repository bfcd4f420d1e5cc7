"""Gates as readings: each has a picture that it alone is there for, and no finger fails them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accuracy.fingers.drawn import HARMS, PLAIN, image_of, pressed
from accuracy.fingers.no_fingers import KINDS, Shown, no_fingers
from drivers.fingerprint import FingerImage
from quality.finger import MEASURES
from quality.finger.causes import Cause, measured, poor_press_cause
from quality.finger.gates import BESIDE_EARLIER, doubt, gate_readings, refusal
from quality.finger.print import Print, print_of
from quality.finger.score import ridge_score
from quality.measure import Standing, Verdict
from tests.press_kit import retry_cause

DOUBTED = ("half a print", "moved")

SEEDS = (121, 123)


@cache
def all_shown() -> dict[str, Shown]:
    return no_fingers(0)


def seen(kind: str) -> tuple[Print, list[Print]]:
    picture = all_shown()[kind]
    return print_of(picture.image), [print_of(one) for one in picture.earlier]


def by_name(press: Print, earlier=()):
    return {one.measure: one for one in gate_readings(press, earlier)}


def waves(period_px: float, size: int = 192) -> Print:
    """Return parallel ridges of this period."""
    across = np.arange(size)[None, :] + np.zeros((size, 1))
    plane = np.rint(128 + 100 * np.sin(2 * np.pi * across / period_px)).astype(np.uint8)
    return print_of(image_of(plane, bits=8))


def specks(along: float, across: float, *, turned: bool = False) -> Print:
    """Return noise, blurred by so many pixels along and across the rows."""
    raw = np.random.default_rng(1).normal(0, 1, (192, 192))
    soft = cv2.GaussianBlur(raw, (0, 0), sigmaX=along, sigmaY=across)
    plane = np.clip(np.rint(128 + 40 * soft / soft.std()), 0, 255).astype(np.uint8)
    return print_of(image_of(plane.T.copy() if turned else plane, bits=8))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in DOUBTED])
def test_what_is_no_finger_never_gets_a_score(kind):
    """Noise, paper, cloth, what was left on the glass, a stuck sensor, a wrong resolution."""
    press, earlier = seen(kind)

    assert retry_cause(press, earlier) is not None


@pytest.mark.parametrize(
    ("kind", "cause"), [(DOUBTED[0], Cause.PARTIAL), (DOUBTED[1], Cause.MOVED)]
)
def test_half_a_print_and_a_moved_one_are_doubted_and_may_still_be_kept(kind, cause):
    """They are of a finger: better than none, yet not accepted at once whatever they score."""
    press, _ = seen(kind)
    readings = gate_readings(press)

    assert refusal(readings, press) is None
    assert doubt(readings) is cause


def test_a_good_press_is_not_doubted():
    """Nor is one that lies a little beside the middle."""
    assert doubt(gate_readings(print_of(image_of(pressed(121))))) is None
    assert doubt(gate_readings(print_of(image_of(pressed(121, condition="light"))))) is None


@pytest.mark.parametrize(
    "kind",
    ["stripes", "cloth", "rings", "inverted, finger fills the window", "the same frame again"],
)
def test_the_score_alone_would_let_it_through(kind):
    """That is what gates are for."""
    press, _ = seen(kind)

    assert ridge_score(press).value >= 45


@pytest.mark.parametrize(
    ("kind", "gate"),
    [
        ("faint", "GreyRange"),
        ("gradient", "ForegroundShare"),
        ("rings", "RidgeCoherence"),
        ("half size, called 500 ppi", "RidgeFrequencyShare"),
        ("cloth", "OrientationSpread"),
        ("inverted, some glass around it", "RidgePolarity"),
        ("noise over a print", "GrainShare"),
        ("the same frame again", "FrameLikeness"),
        ("left on the glass, beside a finger in part", "ResidueShare"),
    ],
)
def test_every_gate_has_a_picture_that_it_refuses(kind, gate):
    """A gate that nothing needs would only refuse fingers."""
    readings = by_name(*seen(kind))

    assert readings[gate].verdict is Verdict.REJECTED
    assert not readings[gate].advisory


@pytest.mark.parametrize("condition", [PLAIN, *HARMS])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_clearly_poor_press_of_a_finger_passes_every_gate(seed, condition):
    """Dry, wet, worn, light, in part or moved: scores judge fingers, gates only what is none."""
    press = print_of(image_of(pressed(seed, condition=condition)))
    earlier = [print_of(image_of(pressed(seed, number=n))) for n in (2, 3)]
    refused = [
        one.measure
        for one in gate_readings(press, earlier)
        if one.verdict is Verdict.REJECTED and not one.advisory
    ]

    assert refused == []
    assert retry_cause(press, earlier) is None


def test_a_reading_says_its_unit_its_limits_and_why_it_was_not_assessed():
    """Eleven readings, each under a name of its own; two have nothing to compare with yet."""
    readings = gate_readings(print_of(image_of(pressed(121))))
    unknown = {one.measure: one.reason for one in readings if one.native is None}

    assert len({one.measure for one in readings}) == len(readings) == 11
    assert all(one.standing is Standing.OWN and one.unit in {"1", "grey level"} for one in readings)
    assert all(one.accept.low is not None or one.accept.high is not None for one in readings)
    assert set(unknown) >= {"FrameLikeness", "ResidueShare"}
    assert all(unknown.values())
    assert {one.verdict for one in readings if one.native is not None} == {Verdict.ACCEPTED}


def test_what_a_needed_gate_cannot_assess_is_refused():
    """A strip of a good print, too narrow for a window of 48 px: its ridges are not known."""
    strip = print_of(image_of(pressed(121)[:, 100:146].copy()))
    readings = by_name(strip)
    rejected = [one for one in readings.values() if one.verdict is Verdict.REJECTED]

    assert readings["RidgeFrequencyShare"].verdict is Verdict.NOT_ASSESSED
    assert rejected == []
    assert retry_cause(strip) is not None


def test_residue_beside_a_finger_is_seen_only_beside_what_was_there():
    """The picture looks complete and scores well: ridges of two presses in one window."""
    press, earlier = seen("left on the glass, beside a finger in part")

    assert retry_cause(press) is None
    assert ridge_score(press).value >= 45
    assert by_name(press, earlier)["FrameLikeness"].verdict is Verdict.ACCEPTED
    assert retry_cause(press, earlier) is Cause.CLEAN_GLASS


@pytest.mark.parametrize(
    "kind", ["left on the glass, beside a finger in part", "the same frame again"]
)
def test_what_was_there_is_seen_whichever_of_the_last_pictures_it_was(kind):
    """The reader's last five, of whoever pressed in between."""
    press, earlier = seen(kind)
    between = print_of(image_of(pressed(123)))

    assert retry_cause(press, [*earlier, between]) is Cause.CLEAN_GLASS
    assert retry_cause(press, [between, *earlier]) is Cause.CLEAN_GLASS


@pytest.mark.parametrize("condition", ["light", "worn", "dry"])
def test_a_paler_press_of_the_same_finger_is_no_residue(condition):
    """Paler than before, but lifted: ridges lie elsewhere."""
    press = print_of(image_of(pressed(123, condition=condition)))
    earlier = [print_of(image_of(pressed(123, number=n))) for n in (1, 2, 3)]

    assert by_name(press, earlier)["ResidueShare"].native == 0.0


def test_a_press_that_lies_in_part_where_the_last_one_lay_is_no_residue():
    """Residue is paler than the finger that left it; a press again is not."""
    before, again = pressed(121), pressed(121, number=2)
    again[:, :128] = before[:, :128]
    readings = by_name(print_of(image_of(again)), [print_of(image_of(before))])

    assert readings["ResidueShare"].native == 0.0
    assert readings["FrameLikeness"].verdict is Verdict.ACCEPTED


def test_a_picture_of_another_size_is_not_compared():
    """Another reader, another window: nothing to say."""
    press = print_of(image_of(pressed(121)))
    other = print_of(image_of(pressed(121)[:200].copy()))

    readings = by_name(press, [other])

    assert readings["FrameLikeness"].native is None
    assert readings["ResidueShare"].native is None


@pytest.mark.parametrize(("period_px", "share"), [(9.0, "ridges"), (5.0, "fine"), (3.0, "grain")])
def test_a_wave_counts_where_its_period_belongs(period_px, share):
    """Ridges every 6 to 12 px, worn texture at 4 to 6, sensor noise below 4."""
    values = measured(waves(period_px))
    found = {
        "ridges": values["RidgeFrequencyShare"],
        "fine": values["FineDetailShare"],
        "grain": values["GrainShare"],
    }

    assert {name: round(value) for name, value in found.items()} == {
        name: int(name == share) for name in found
    }


@pytest.mark.parametrize("turned", [False, True])
def test_motion_leaves_detail_in_one_direction(turned):
    """Whichever way it went; detail that is alike every way leaves no trace."""
    moved, still = specks(4.0, 0.8, turned=turned), specks(1.0, 1.0, turned=turned)

    assert measured(moved)["MotionTrace"] > 0.7
    assert measured(still)["MotionTrace"] < 0.15


def test_few_dark_specks_skew_grey_to_one_side_and_few_light_ones_to_the_other():
    """One pixel in five stands out: (1 - 2p) / sqrt(p (1 - p)) = 1.5, by arithmetic."""
    dark = np.random.default_rng(2).random((192, 192)) < 0.2
    few_dark = print_of(image_of(np.where(dark, 0, 255).astype(np.uint8)))
    few_light = print_of(image_of(np.where(dark, 255, 0).astype(np.uint8)))

    assert measured(few_dark)["GreySkew"] == pytest.approx(-1.5, abs=0.05)
    assert measured(few_light)["GreySkew"] == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("severity", [0.7, 1.0, 1.4])
@pytest.mark.parametrize(
    ("condition", "cause"),
    [("worn", Cause.WORN), ("smear", Cause.MOVED), ("dry", Cause.DRY), ("wet", Cause.WET)],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_worn_and_moved_are_told_from_dry_and_wet_at_every_severity(
    seed, condition, cause, severity
):
    """Nobody is told to breathe on a finger that is worn."""
    press = print_of(image_of(pressed(seed, condition=condition, severity=severity)))

    assert poor_press_cause(press) is cause


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (47, 300), (48, 48), (300, 20)])
def test_no_size_of_picture_stops_the_gates(size):
    """A driver may deliver anything: what cannot be assessed is refused, and nothing is raised."""
    wide, high = size
    pixels = np.random.default_rng(3).integers(0, 256, (high, wide), np.uint8)
    press = print_of(FingerImage(pixels.tobytes(), wide, high, 500))

    assert retry_cause(press, [press]) is not None


def test_the_page_says_every_measure_and_every_gates_limits():
    """A technician who reads a record finds name, unit, range and limits of each reading."""
    page = (Path(__file__).parents[1] / "docs" / "measures.md").read_text(encoding="utf-8")
    finger = page[page.index("## Finger measures") :]
    measures = [*MEASURES, *(BESIDE_EARLIER)]

    for measure in measures:
        rows = [one for one in finger.splitlines() if one.startswith(f"| `{measure.name}`")]
        rows += [one for one in finger.splitlines() if f", `{measure.name}` |" in one]
        low, high = (f"{end:g}" for end in (measure.valid.low, measure.valid.high))

        assert any(f"| {measure.unit} | {low} to {high} |" in one for one in rows), measure.name
    for reading in gate_readings(print_of(image_of(pressed(121)))):
        low, high = reading.accept.low, reading.accept.high
        between = f"{low:.2f} to {high:.2f}" if None not in (low, high) else ""
        said = between or (f"at least {low:g}" if high is None else f"at most {high:g}")

        assert re.search(rf"^\| `{reading.measure}` \| {said}0? \|", finger, re.M), reading.measure


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(0, 255))
def test_every_reading_is_in_its_range_or_not_assessed(seed, low, high):
    """Whatever lies on the glass: a patch of noise between any two greys."""
    rng = np.random.default_rng(seed)
    plane = np.full((96, 96), low, np.uint8)
    top, left = rng.integers(0, 60, 2)
    plane[top : top + 36, left : left + 36] = rng.integers(
        min(low, high), max(low, high) + 1, (36, 36)
    )
    press = print_of(image_of(plane, bits=8))

    for one in gate_readings(press, [press]):
        assert (one.native is None) is (one.verdict is Verdict.NOT_ASSESSED)
        assert one.native is not None or one.reason not in {"", "value outside the measure's range"}

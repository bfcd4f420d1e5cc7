"""Each step against a lens, a light and a glass of known truth, and against what is no target."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from drivers.peers.glass import EmptyGlass
from drivers.peers.presses import Press
from edge.calibration import steps_fingers, steps_focus, steps_time
from edge.calibration.record import Verdict
from edge.calibration.steps import STEPS
from edge.calibration.steps_fingers import press
from tests.lens_kit import READER, LensEye, bench

BY_NAME = {step.name: step for step in STEPS}
FILM = {"width_px": 256, "height_px": 288, "ppi": 500}


@pytest.fixture
def eye(tmp_path):
    """A lens of known truth."""
    return LensEye(tmp_path)


@pytest.fixture
def glass(tmp_path):
    """A bench with a reader, and a film that was made for it."""
    with bench(tmp_path) as station:
        station.begin(READER, film=True)
        while not station.reader.status.working:
            station.camera.wait_frame(-1, 0.05)
        yield station


def near(result, truth, least):
    """Within what it says of its own uncertainty (3 sigma), or what a small picture allows."""
    return abs(result.value - truth) <= max(3 * (result.uncertainty or 0), least)


# The camera


def test_framing_reads_the_tilt_and_takes_its_sign_for_the_zeros(eye):
    """A camera that looks down sees a straight head lowered, and so its zero is positive; a board
    whose right side is nearer stands for a head that is turned to the picture's left.
    """
    found = eye.of(BY_NAME["framing"], "charuco", pitch_deg=6.0, yaw_deg=4.0, roll_deg=3.0)

    assert near(found["tilt_pitch"], 6.0, 0.4)
    assert near(found["tilt_yaw"], 4.0, 0.4)
    assert near(found["tilt_roll"], 3.0, 0.1)
    assert found["tilt_pitch"].verdict is Verdict.FAIL
    parameters = eye.measured.parameters
    assert parameters["pitch_zero_deg"] == pytest.approx(found["tilt_pitch"].value, abs=0.006)
    assert parameters["yaw_zero_deg"] == pytest.approx(-found["tilt_yaw"].value, abs=0.006)
    assert parameters["zero_of_a_head"] == 0.0


@pytest.mark.parametrize(
    ("truth", "turn"),
    [
        ({"pitch_deg": 5.0}, "tilt_camera_up"),
        ({"yaw_deg": -5.0}, "turn_camera_left"),
        ({"roll_deg": 5.0}, "roll_camera_right"),
        ({}, "hold"),
    ],
    ids=["down", "left", "turned", "straight"],
)
def test_the_aid_says_which_way_to_turn_the_camera(eye, truth, turn):
    """The worst angle first, with its figure; within half the limit nothing is to be turned."""
    aid = eye.aid(BY_NAME["framing"], "charuco", **truth)

    assert aid.turn.value == turn
    assert aid.figure == pytest.approx(max(truth.values(), key=abs, default=0.0), abs=0.6)


def test_distortion_collects_views_and_gives_the_distance_its_lens(eye):
    """Twelve views, taken by themselves as the board is turned; then a distance is no guess."""
    found = eye.turned(BY_NAME["distortion"], k1=-0.12)
    eye.scene = replace(eye.scene, earlier=eye.measured.parameters)
    framed = eye.of(BY_NAME["framing"], "charuco", k1=-0.12, distance_m=1.3)

    assert found["rms"].verdict is Verdict.PASS
    assert found["rms"].n == 12
    # Ray's reach in the face zone: 0.3 of the shorter side over the focal length.
    reach = 0.3 * 360 / (1.25 * 640)
    assert near(found["radial"], 100 * 0.12 * reach**2, 0.06)
    assert near(found["aspect"], 1.0, 0.005)
    assert near(framed["distance"], 1.3, 0.02)
    assert near(framed["magnification"], 100 * 0.1 / 1.3, 0.2)


def mtf50_of(sigma_px):
    """Where a Gaussian blur and the pixel's own width leave half the contrast."""
    f = np.linspace(1e-3, 1, 20_000)
    left = np.exp(-2 * (math.pi * sigma_px * f) ** 2) * np.sinc(f)
    return float(f[np.argmax(left < 0.5)])


@pytest.mark.parametrize(("sigma_px", "verdict"), [(1.0, Verdict.PASS), (2.4, Verdict.FAIL)])
def test_focus_reads_the_blur(eye, sigma_px, verdict):
    """MTF50 of a Gaussian blur is what theory says; sharp passes, blurred fails."""
    found = eye.of(BY_NAME["focus"], "slanted_edge", blur_sigma_px=sigma_px)

    # The lens bench counts in pixels of a preview twice as wide.
    assert found["mtf50_centre"].value == pytest.approx(mtf50_of(sigma_px / 2), rel=0.05)
    assert found["mtf50_centre"].verdict is verdict


def test_a_steady_focus_has_no_drift(eye, monkeypatch):
    """With nothing that moves the sharpness stays, and what remains is said as uncertainty."""
    monkeypatch.setattr(steps_focus, "SWEPT", 10)
    found = eye.of(BY_NAME["depth"], "slanted_edge", blur_sigma_px=1.6)

    assert found["drift"].value < 0.1
    assert found["drift"].uncertainty is not None


@pytest.mark.parametrize(
    ("truth", "measure", "verdict", "turn"),
    [
        ({}, "lightness", Verdict.PASS, "hold"),
        ({"exposure_ev": -1.0}, "lightness", Verdict.FAIL, "more_light"),
        ({"exposure_ev": 1.0}, "lightness", Verdict.FAIL, "less_light"),
        ({"cast": (1.2, 1.0, 1.0)}, "spread", Verdict.FAIL, "white_balance_less_red"),
        ({"cast": (1.0, 1.0, 1.25)}, "spread", Verdict.FAIL, "white_balance_less_blue"),
    ],
    ids=["right", "dark", "bright", "red", "blue"],
)
def test_exposure_and_cast_are_read_and_the_aid_says_what_to_turn(
    eye, truth, measure, verdict, turn
):
    """L* of a card of 18 % is 49.5 when it is exposed for."""
    found = eye.of(BY_NAME["exposure"], "grey_card", **truth)

    assert found[measure].verdict is verdict
    assert found["clipped"].verdict is Verdict.PASS
    assert eye.aid(BY_NAME["exposure"]).turn.value == turn
    if not truth:
        assert found["lightness"].value == pytest.approx(49.5, abs=0.3)


def test_colours_pass_as_they_are_and_fail_with_a_cast(eye):
    good = eye.of(BY_NAME["colour"], "colour_chart", distance_m=0.7)
    cast = eye.of(BY_NAME["colour"], "colour_chart", distance_m=0.7, cast=(1.25, 1.0, 0.7))

    assert {one.verdict for one in good.values()} == {Verdict.PASS}
    assert cast["delta_e_mean"].verdict is Verdict.FAIL
    assert len(cast["delta_e_mean"].details["patches"]) == 24


def test_the_brighter_lamp_is_named_and_fails_the_light(eye):
    found = eye.of(BY_NAME["uniformity"], "grey_sheet", lamp_left=0.4)

    assert found["ratio"].verdict is Verdict.FAIL
    assert found["cheeks"].value > 1.1
    assert eye.aid(BY_NAME["uniformity"]).turn.value == "lamp_left_down"


def test_noise_and_flicker_are_told_apart(eye):
    """The same frames: noise of each pixel is none of the lamp's flicker, and the reverse."""
    noisy = eye.of(BY_NAME["noise"], "grey_card", noise_sigma=4.0)
    lamp = eye.of(BY_NAME["noise"], "grey_card", flicker_depth=0.1, flicker_hz=103.0)

    assert noisy["snr"].value == pytest.approx(20 * math.log10(118 / 4.0), abs=0.7)
    assert (noisy["snr"].verdict, noisy["flicker"].verdict) == (Verdict.FAIL, Verdict.PASS)
    assert (lamp["snr"].verdict, lamp["flicker"].verdict) == (Verdict.PASS, Verdict.FAIL)
    assert (lamp["flash"].verdict, lamp["flash"].reason) == (Verdict.NOT_ASSESSED, "no_flash")


def test_latency_is_not_less_than_the_truth(eye, monkeypatch):
    """A camera 250 ms late is seen at least so late; a machine that is busy adds its own."""
    monkeypatch.setattr(steps_time, "CODES", 6)
    found = eye.of(BY_NAME["latency"], "time_code", latency_s=0.25, distance_m=0.7)

    assert found["shown_to_seen"].value >= 240
    assert found["trigger"].value > 0


ABSURD = [
    *((step, "none", {}, "no_chart") for step in ("framing", "focus", "colour")),
    *((step, "wrong_chart", {"distance_m": 0.6}, "wrong_chart") for step in ("framing", "colour")),
    *(
        (step, target, {"exposure_ev": 6.0}, "over_exposed")
        for step, target in (
            ("framing", "charuco"), ("exposure", "grey_card"),
            ("colour", "colour_chart"), ("uniformity", "grey_sheet"),
        )
    ),
    ("focus", "slanted_edge", {"blur_sigma_px": 8.0}, "too_blurred"),
    ("framing", "charuco", {"hidden": 0.5}, "partly_hidden"),
    ("framing", "charuco", {"sway_px": 40.0}, "moving"),
    ("framing", "charuco", {"mirrored": True}, "mirrored"),
    ("exposure", "grey_card", {"exposure_ev": -6.0}, "under_exposed"),
    ("exposure", "charuco", {"distance_m": 0.8}, "no_chart"),
    ("uniformity", "charuco", {"distance_m": 0.8}, "no_chart"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "target", "truth", "code"),
    ABSURD,
    ids=[f"{one[0]}-{one[3]}-{one[1]}" for one in ABSURD],
)
def test_what_cannot_be_measured_says_why_and_gives_no_figure(eye, step, target, truth, code):
    """No chart, another chart, too much light, a part hidden: never a number, always the reason."""
    found = eye.of(BY_NAME[step], target, **truth)
    seen = [one for one in found.values() if one.measure not in ("trigger", "flash")]

    assert {(one.verdict, one.value, one.reason) for one in seen} == {
        (Verdict.NOT_ASSESSED, None, code)
    }
    assert eye.aid(BY_NAME[step]) == code or code == "moving"


# The reader


def film(wave):
    """A film on the glass: noise of a sensor over it, for no line carries two packets alike."""
    noise = np.random.default_rng(5).normal(0, 12, (FILM["height_px"], FILM["width_px"]))
    return (wave + noise).round().clip(0, 255).astype(np.uint8).tobytes()


def lines(cycles_per_mm, low=60, high=200, ppi=500):
    """A film with vertical bars, as pixels of the glass."""
    x_mm = np.arange(FILM["width_px"]) * 25.4 / ppi
    return film((low + high) / 2 + (high - low) / 2 * np.cos(2 * np.pi * cycles_per_mm * x_mm))


def test_a_clean_glass_of_a_module_that_waits_for_a_finger_is_seen_empty(glass):
    """It gives no picture of an empty glass: pixels are not assessed, and that is said."""
    found = glass.of("blank")

    assert (found["seen"].value, found["seen"].verdict) == (0.0, Verdict.PASS)
    assert {found[one].reason for one in ("dead", "residue", "offset")} == {"no_blank"}


def test_a_print_that_was_left_on_the_glass_fails_it(glass):
    """A module that takes the last finger's trace for a finger shows it, and that is no clean
    glass: a figure that fails, or the reason why there is none.
    """
    glass.peer.put(lines(2.2))
    press(glass.wizard._scene(BY_NAME["blank"]), 0.0, "")
    glass.peer.lift()
    glass.peer.leave_glass(EmptyGlass.LATENT)
    found = glass.of("blank")

    assert Verdict.PASS not in {found["seen"].verdict, found["residue"].verdict}


@pytest.mark.parametrize(("ppi", "verdict"), [(500, Verdict.PASS), (515, Verdict.FAIL)])
def test_geometry_reads_the_resolution_off_a_film(glass, ppi, verdict):
    """A module that has 3 % more pixels than its maker says fails App. G's 1.5 %."""
    glass.peer.put(lines(2.0, ppi=ppi))
    found = glass.of("geometry")
    glass.peer.lift()

    assert found["deviation"].value == pytest.approx(100 * (ppi / 500 - 1), abs=0.2)
    assert found["deviation"].verdict is verdict


def test_a_glass_without_the_film_gives_no_figure(glass):
    """Something even lies there: no lines, no resolution."""
    glass.peer.put(film(128.0))
    found = glass.of("geometry")
    glass.peer.lift()

    assert {one.reason for one in found.values()} == {"no_pattern"}


def test_two_fingers_are_scored_and_matching_is_said_to_be_missing(glass, monkeypatch):
    """Good presses pass by their score; where nothing matches prints, that is no pass."""
    monkeypatch.setattr(steps_fingers, "PRESSES", 2)
    glass.peer.start_plan([Press(11, n) for n in range(1, 4)])
    found = glass.of("live")

    assert found["quality"].value >= 45
    assert found["quality"].n == 2
    assert len(found["quality"].details["scores"]) == 2
    assert (found["match"].verdict, found["match"].reason) == (Verdict.NOT_ASSESSED, "no_matcher")


def test_four_bits_a_pixel_fail_the_range_of_grey(glass, monkeypatch):
    """Sixteen levels are sixteen, whoever presses; three prints tell it as ten would."""
    monkeypatch.setattr(steps_fingers, "TEN", steps_fingers.TEN[:3])
    glass.peer.put(lines(2.2))
    found = glass.of("grey_range")

    assert found["share_150"].value == 0.0
    assert found["share_150"].verdict is Verdict.FAIL
    assert max(found["share_150"].details["levels"]) <= 16

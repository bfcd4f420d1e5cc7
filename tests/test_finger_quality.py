"""Measures, gates, score and causes of a print, on drawn prints and on what is no print at all."""

from __future__ import annotations

import struct
from functools import cache

import cv2
import numpy as np
import pytest

from drivers.fingerprint import FingerImage
from drivers.peers.presses import DEMO_PLAN
from drivers.peers.synthetic_prints import Finger, grow, press
from drivers.zfm_packets import pack_4bit, unpack_4bit
from formats.finger.png import finger_png
from quality.finger import MEASURES
from quality.finger.causes import Cause, measured, poor_press_cause
from quality.finger.print import Print, print_of
from quality.finger.score import FingerScore, ridge_score
from quality.measure import CannotAssess, natives
from tests.press_kit import retry_cause

WIDTH_PX, HEIGHT_PX = 256, 288
SEEDS = (1, 2, 3)


@cache
def finger(seed: int) -> Finger:
    """Grow a finger once for all tests."""
    return grow(seed, WIDTH_PX, HEIGHT_PX)


def image_of(pixels: np.ndarray) -> FingerImage:
    """Return the picture as a 4-bit reader delivers it."""
    grey = np.clip(pixels, 0, 255).astype(np.uint8)
    return FingerImage(unpack_4bit(pack_4bit(grey.tobytes())), grey.shape[1], grey.shape[0], 500)


def seen(pixels: np.ndarray) -> Print:
    """Return what the measures are given."""
    return print_of(image_of(pixels))


def pressed(seed: int, number: int = 1, condition: str = "plain", severity: float = 1.0) -> Print:
    """Return one press."""
    return seen(press(finger(seed), number, condition, severity))


def noise() -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 255, (HEIGHT_PX, WIDTH_PX))


def stripes() -> np.ndarray:
    rows = np.arange(HEIGHT_PX)[:, None] + np.zeros((1, WIDTH_PX))
    return 128 + 100 * np.sin(2 * np.pi * rows / 9)


def rings() -> np.ndarray:
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    return 128 + 100 * np.sin(2 * np.pi * np.hypot(x - WIDTH_PX / 2, y - HEIGHT_PX / 2) / 9)


NO_FINGERS = {
    "blank": lambda: np.full((HEIGHT_PX, WIDTH_PX), 240.0),
    "black": lambda: np.zeros((HEIGHT_PX, WIDTH_PX)),
    "gradient": lambda: np.linspace(0, 255, WIDTH_PX)[None, :] + np.zeros((HEIGHT_PX, 1)),
    "noise": noise,
    "blurred noise": lambda: cv2.GaussianBlur(noise(), (0, 0), 2.0) * 4 - 384,
    "stripes": stripes,
    "cloth": lambda: stripes() + np.random.default_rng(3).normal(0, 60, (HEIGHT_PX, WIDTH_PX)),
    "rings": rings,
    "faint": lambda: 230 + 0.1 * (press(finger(1), 1).astype(float) - 243),
    "pale": lambda: 230 + 0.19 * (press(finger(1), 1).astype(float) - 243),
    "inverted": lambda: 255.0 - press(finger(1), 1, "light"),
}


@pytest.mark.parametrize("name", NO_FINGERS)
def test_what_is_no_finger_is_refused(name):
    """Noise scores 33 with NFIQ 2 itself: gates come first."""
    assert retry_cause(seen(NO_FINGERS[name]())) is not None


@pytest.mark.parametrize("condition", ["plain", "worn", "partial", "smear"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_finger_in_any_state_passes_the_gates(seed, condition):
    """Gates catch what is no finger; scores judge fingers."""
    severity = 0.8 if condition == "partial" else 1.0

    assert retry_cause(pressed(seed, 1, condition, severity)) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_good_press_scores_high_and_a_dry_one_low(seed):
    """45 accepts and 25 stops, as with NFIQ 2."""
    good, worn, dry = (
        ridge_score(pressed(seed, 1, state)).value for state in ("plain", "worn", "dry")
    )

    assert good >= 55
    assert 15 <= worn < 45
    assert dry < 25


def test_a_score_names_its_algorithm():
    """Our own score is never mistaken for NFIQ 2."""
    assert ridge_score(pressed(1)) == FingerScore(ridge_score(pressed(1)).value, "anxin-ridge-1", 1)


def test_the_largest_score_is_62():
    """The weights add up to what the reference says."""
    perfect = seen(stripes())

    assert ridge_score(perfect).value == 62


@pytest.mark.parametrize(
    ("condition", "cause"),
    [
        ("plain", None),
        ("dry", Cause.DRY),
        ("wet", Cause.WET),
        ("light", Cause.LIGHT),
        ("partial", Cause.PARTIAL),
    ],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_cause_of_a_poor_press_is_named(seed, condition, cause):
    """One hint that fits: breathe on it, wipe it, the middle, a little more."""
    assert poor_press_cause(pressed(seed, 1, condition)) is cause


def test_a_finger_that_moved_is_told_from_one_that_is_dry():
    """A blurred print has parallel ridges and little contrast."""
    causes = [poor_press_cause(pressed(seed, 1, "smear")) for seed in SEEDS]

    assert causes.count(Cause.MOVED) >= 2


def test_a_print_left_on_the_glass_is_no_press():
    """The same picture again, faded to a third: the glass is dirty, nobody pressed."""
    first = press(finger(1), 1).astype(float)
    latent = 243 + 0.35 * (first - 243) + np.random.default_rng(2).normal(0, 1.5, first.shape)

    assert retry_cause(seen(latent)) is None
    assert retry_cause(seen(latent), [pressed(2), seen(first)]) is Cause.CLEAN_GLASS


def test_two_presses_of_one_finger_are_not_the_same_frame():
    """The finger was lifted: shifted, turned, stretched."""
    assert retry_cause(pressed(1, 2), [pressed(1, 1), pressed(1, 3)]) is None


def test_resolution_is_brought_to_500_ppi_first():
    """A 1000 ppi picture of a finger measures as the finger does."""
    plain = press(finger(1), 1)
    fine = cv2.resize(plain, (2 * WIDTH_PX, 2 * HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    twice = print_of(FingerImage(fine.tobytes(), 2 * WIDTH_PX, 2 * HEIGHT_PX, 1000))
    wrong = print_of(FingerImage(fine.tobytes(), 2 * WIDTH_PX, 2 * HEIGHT_PX, 500))

    assert abs(ridge_score(twice).value - ridge_score(seen(plain)).value) <= 3
    assert retry_cause(wrong) is not None


def test_an_empty_window_is_not_assessed_and_stops_nothing():
    """Each measure that needs skin says so; the others still have their value."""
    values = natives(MEASURES, seen(NO_FINGERS["blank"]()))

    assert values["RidgeCoherence"].value is None
    assert values["RidgeCoherence"].reason
    assert values["ForegroundShare"].value == 0.0
    with pytest.raises(CannotAssess):
        ridge_score(seen(NO_FINGERS["blank"]()))


def test_a_picture_smaller_than_a_window_is_not_assessed():
    """40 px of skin hold no window of 48."""
    small = print_of(FingerImage(bytes(range(40)) * 40, 40, 40, 500))

    assert natives(MEASURES, small)["RidgeFrequencyShare"].value is None
    assert retry_cause(small) is not None


def test_every_measure_stays_in_its_declared_range():
    """On fingers and on what is none; the names are ours and distinct."""
    samples = [pressed(1, 1, "wet", 2.0), seen(noise()), seen(stripes())]

    names = {measure.name for measure in MEASURES}

    assert len(names) == len(MEASURES)
    for sample in samples:
        # Where a print fills the window there is no glass to tell its polarity by.
        assert names - set(measured(sample)) <= {"RidgePolarity"}


def test_simple_pictures_measure_as_arithmetic_says():
    """A block of skin in the upper left quarter: share, offset, ink, without a second program."""
    picture = np.full((HEIGHT_PX, WIDTH_PX), 255.0)
    picture[: HEIGHT_PX // 2, : WIDTH_PX // 2] = np.where(
        np.arange(WIDTH_PX // 2)[None, :] % 8 < 2, 0.0, 255.0
    )
    values = measured(seen(picture))

    assert values["ForegroundShare"] == pytest.approx(0.25, abs=0.03)
    assert values["ContactOffset"] == pytest.approx(np.hypot(0.25, 0.25), abs=0.02)
    assert values["InkShare"] == pytest.approx(0.25, abs=0.03)
    assert values["DarkShare"] == pytest.approx(0.0625, abs=0.01)
    assert values["GreyRange"] == 255.0
    assert values["OrientationSpread"] == pytest.approx(0.0, abs=0.05)
    assert values["RidgeFrequencyShare"] == 1.0


def test_the_demos_person_is_poor_once_and_then_good():
    """The first press of the right thumb is dry, its hint says so, all others are accepted."""
    first, *others = (
        pressed(one.finger, one.number, one.condition, one.severity) for one in DEMO_PLAN
    )

    assert retry_cause(first) in (None, Cause.DRY)
    assert poor_press_cause(first) is Cause.DRY
    assert all(retry_cause(other) is None for other in others)
    assert min(ridge_score(other).value for other in others) >= 45


@pytest.mark.parametrize(("ppi", "per_metre"), [(500, 19685), (508, 20000)])
def test_a_png_gives_back_every_pixel_and_says_its_resolution(ppi, per_metre):
    """The master is lossless: 8-bit grey, pHYs in pixels per metre."""
    pixels = press(finger(1), 1)
    png = finger_png(FingerImage(pixels.tobytes(), WIDTH_PX, HEIGHT_PX, ppi))
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    physical = png[png.index(b"pHYs") + 4 :]

    assert np.array_equal(decoded, pixels)
    assert struct.unpack(">IIB", physical[:9]) == (per_metre, per_metre, 1)

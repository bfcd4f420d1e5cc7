"""Absurd input is answered with a reason and never with a figure."""

from __future__ import annotations

import numpy as np
import pytest

from accuracy.optics.absurd import answer, camera_cases
from drivers.peers.lens_bench import Target, Truth, render
from quality.measure import CannotAssess
from quality.optics.flash import count_flashes
from quality.optics.grey_card import measure_grey
from quality.optics.latency import measure_latency
from quality.optics.refusal import Refusal, refused
from quality.optics.time_code import PERIOD_MS, cells_of, read_time_code

CASES = {f"{one.measure}-{one.shown}".replace(" ", "_"): one for one in camera_cases(None)}
ASKED = [
    *(name for name in CASES if name.startswith("board-") and "sheet" not in name),
    *(name for name in CASES if name.startswith("grey_card-") and "sheet" not in name),
    "board-another_sheet:_wrong_chart", "board-another_sheet:_colour_chart",
    "grey_card-another_sheet:_charuco",
    "focus_chart-half_hidden", "focus_chart-seen_in_a_mirror", "colour_chart-half_hidden",
    "colour_chart-seen_in_a_mirror", "uniformity-half_hidden", "distortion-three_views",
    "distortion-views_without_the_board",
    "focus_chart-moving", "focus_chart-another_sheet:_charuco", "focus_chart-no_chart",
    "colour_chart-another_sheet:_time_code", "colour_chart-far_over-exposed",
    "colour_chart-far_under-exposed", "latency-a_frozen_picture", "noise-a_frozen_picture",
    "noise-two_sizes", "uniformity-noise_only", "flicker-frames_two_seconds_apart",
]  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_absurd_input_is_refused_for_a_reason_that_is_right(name):
    """The code says what is wrong; a figure, however small its claim, would be a lie."""
    assert answer(CASES[name]).said in CASES[name].right


@pytest.mark.parametrize("period_px", [20, 60])
def test_a_striped_cloth_is_no_grey_card_however_even_it_is_on_the_whole(period_px):
    """Stripes that every part of the picture shares leave its means alike; the card has none."""
    plain = render(Target.GREY_SHEET, Truth(), (640, 360)).astype(float)
    stripes = 6 * np.sign(np.sin(2 * np.pi * (np.arange(640) + 0.5) / period_px))
    cloth = np.rint(plain + stripes[None, :, None]).astype(np.uint8)

    with pytest.raises(CannotAssess, match="no_chart"):
        measure_grey(cloth, share=0.6)


def test_a_figure_where_a_refusal_is_due_is_told_as_not_honest():
    """The page's own check can fail."""
    case = next(iter(CASES.values()))

    assert not answer(type(case)("board", "anything", case.right, lambda: "0.1 deg")).honest


def test_every_code_tells_of_one_situation_in_words():
    """A refusal carries its code and nothing else: each surface has its own words for it."""
    assert [str(refused(one)) for one in Refusal] == [one.value for one in Refusal]
    assert len({one.value for one in Refusal}) == len(Refusal)


@pytest.mark.parametrize("moment", [0, 1, 77_777, PERIOD_MS - 1])
def test_a_time_code_is_read_as_it_was_shown(moment):
    """Of any value, and modulo its period."""
    truth = Truth(noise_sigma=2.0)
    picture = render(Target.TIME_CODE, truth, (960, 540), shown_ms=moment + PERIOD_MS)

    assert read_time_code(picture) == moment


def test_two_time_codes_over_each_other_are_never_read_as_a_third():
    """Between two pictures of the screen a camera sees both: the check refuses that moment."""
    before, after = (
        render(Target.TIME_CODE, Truth(noise_sigma=0.0), (960, 540), shown_ms=one)
        for one in (4095, 4096)
    )
    for share in (0.3, 0.5, 0.7):
        both = np.rint((1 - share) * before + share * after).astype(np.uint8)
        with pytest.raises(CannotAssess, match="moving"):
            read_time_code(both)


def test_one_wrong_cell_of_a_time_code_is_noticed():
    """Any one cell turned over breaks the check: a speck on the screen is not another moment."""
    whole = cells_of(123_456)
    codes = {cells_of(one) for one in range(120_000, 127_000)}
    for place in range(24):
        changed = tuple(one is not (number == place) for number, one in enumerate(whole))
        assert changed not in codes


def test_a_clock_that_is_not_the_codes_gives_no_latency():
    """Half a minute late is no camera: it is another clock."""
    frames = [render(Target.TIME_CODE, Truth(), (960, 540), shown_ms=one, frame=one)
              for one in range(100, 600, 100)]  # fmt: skip

    with pytest.raises(CannotAssess, match="wrong_chart"):
        measure_latency(frames, [30_000 + one for one in range(100, 600, 100)])


def test_a_flash_that_misses_a_still_is_counted():
    """Of four stills one has the room's light alone."""
    lit = Truth(exposure_ev=0.0, noise_sigma=0.5)
    dark = Truth(exposure_ev=-3.0, noise_sigma=0.5)
    stills = [render(Target.GREY_SHEET, one, (320, 180)) for one in (lit, lit, dark, lit)]
    found = count_flashes(stills, render(Target.GREY_SHEET, dark, (320, 180)))

    assert (found.lit, found.of) == (3, 4)
    with pytest.raises(CannotAssess, match="under_exposed"):
        count_flashes([stills[2]] * 3, stills[2])

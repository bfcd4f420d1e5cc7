"""Which still of a burst becomes the portrait."""

from __future__ import annotations

import pytest

from edge.burst import BLINK_SHARE, best
from edge.vision.client import Sight
from quality.measure import Native


def still(sequence: int, *, open_: float | None, sharpness: float) -> Sight:
    """What was seen in one still."""
    natives = {"EyesOpen": Native(open_), "FaceSharpness": Native(sharpness)}
    return Sight(sequence, float(sequence), 1, natives, None, 1.0)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_blink_is_never_the_portrait_however_sharp(place):
    """Of three stills the sharpest blinks: the sharper of the other two is taken."""
    awake = [still(1, open_=0.30, sharpness=5.0), still(2, open_=0.31, sharpness=7.0)]
    burst = [*awake[:place], still(3, open_=0.30 * BLINK_SHARE - 0.01, sharpness=90.0),
             *awake[place:]]  # fmt: skip

    assert burst[best(burst)].frame_sequence == 2


def test_small_differences_of_the_eyes_are_no_blink():
    """Sharpness decides among open eyes."""
    burst = [still(n, open_=0.30 - n / 100, sharpness=n) for n in (1, 2, 3)]

    assert burst[best(burst)].frame_sequence == 3


def test_a_burst_without_measured_eyes_still_has_abest():
    """The judgement of the still says what is wrong with it; choosing never fails."""
    burst = [still(n, open_=None, sharpness=n) for n in (1, 2, 3)]

    assert burst[best(burst)].frame_sequence == 3


def test_two_blinks_of_three_do_not_pass_for_usual():
    """The burst's median is a blink then; how the eyes were just before is not."""
    burst = [
        still(1, open_=0.045, sharpness=9.0),
        still(2, open_=0.070, sharpness=5.0),
        still(3, open_=0.046, sharpness=8.0),
    ]

    assert burst[best(burst)].frame_sequence == 1
    assert burst[best(burst, usual_openness=0.070)].frame_sequence == 2


def test_where_all_blink_the_widest_eyes_are_judged():
    """The judgement refuses them for their eyes, not for whatever the sharpest lacks."""
    burst = [still(n, open_=0.02 + n / 1000, sharpness=10 - n) for n in (1, 2, 3)]

    assert burst[best(burst, usual_openness=0.070)].frame_sequence == 3

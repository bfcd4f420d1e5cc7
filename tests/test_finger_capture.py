"""The presses of one finger, from real synthetic prints: what is kept, and what never is."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import count

import pytest

from drivers.fingerprint import FingerImage
from drivers.peers.presses import RIGHT_THUMB
from drivers.peers.synthetic_prints import grow, press
from edge.fingers.capture import FingerCapture, FingerMissing, FingerTaken
from edge.settings import Fingers
from edge.supervisor import DeviceState
from tests.test_device_owners import WiredReader, reader_owner, until

WIDTH_PX, HEIGHT_PX = 256, 288
LIMITS = Fingers()


@pytest.fixture(scope="module")
def thumb():
    return grow(RIGHT_THUMB, WIDTH_PX, HEIGHT_PX)


def presses(thumb, conditions: Iterable[str]) -> list[FingerImage]:
    """One print for each condition, no two alike."""
    return [
        FingerImage(press(thumb, number, condition).tobytes(), WIDTH_PX, HEIGHT_PX, 500)
        for number, condition in enumerate(conditions, 1)
    ]


def taken(images: list[FingerImage]) -> FingerTaken | FingerMissing:
    """Press after press, without waiting for the hint to be read."""
    left = iter(images)
    with reader_owner(WiredReader(lambda: next(left, None))) as owner:
        until(lambda: owner.status.state is DeviceState.READY)
        capture = FingerCapture(owner, LIMITS, "right_thumb", deque(maxlen=5))
        hours_s, outcomes = count(step=3600.0), []

        def settled() -> bool:
            outcome = capture.step(next(hours_s))
            outcomes.extend([outcome] if outcome else [])
            return bool(outcomes)

        until(settled)
    return outcomes[0]


def test_a_finger_that_never_scores_enough_is_missing(thumb):
    """Below the stop-loss no print is kept: it could not be matched, and says it was captured."""
    outcome = taken(presses(thumb, ["wet"] * LIMITS.presses_max))

    assert isinstance(outcome, FingerMissing)
    assert (outcome.position, outcome.reason) == ("right_thumb", "failed")
    scores = [press.score for press in outcome.presentations]
    assert len(scores) == LIMITS.presses_max
    # Scored presses: what is refused here is the score, not the press.
    assert all(score is not None and score < LIMITS.stop_loss_score for score in scores)


def test_a_poor_finger_above_the_stop_loss_is_kept_and_marked(thumb):
    """The best of all presses is better than none, and whoever reads it is told."""
    images = presses(thumb, ["worn", *["wet"] * (LIMITS.presses_max - 1)])
    outcome = taken(images)

    assert isinstance(outcome, FingerTaken)
    assert LIMITS.stop_loss_score <= outcome.score.value < LIMITS.accept_score
    assert (outcome.low_quality, outcome.image) == (True, images[0])


def test_a_good_press_settles_the_finger_at_once(thumb):
    """Nobody presses again who need not."""
    images = presses(thumb, ["wet", "plain", "plain"])
    outcome = taken(images)

    assert isinstance(outcome, FingerTaken)
    assert (outcome.low_quality, outcome.image) == (False, images[1])
    assert len(outcome.presentations) == 2

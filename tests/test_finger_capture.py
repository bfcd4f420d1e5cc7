"""The presses of one finger, from real synthetic prints: what is kept, and what never is."""

from __future__ import annotations

import time
from collections import deque
from contextlib import closing

import pytest

from drivers.fingerprint import Retry
from drivers.peers.presses import LEFT_THUMB, RIGHT_THUMB
from edge.fingers.capture import AGAIN, CONFIRM, FingerCapture, FingerFailed, FingerTaken
from edge.fingers.judge import PressJudge
from edge.fingers.presses import Agreement
from edge.settings import Fingers
from edge.supervisor import DeviceState
from tests.finger_kit import LIMITS, THUMB, WiredExaminer, finger, pressed, presses
from tests.test_device_owners import WiredReader, reader_owner, until


@pytest.fixture(scope="module")
def thumb():
    return finger(RIGHT_THUMB)


@pytest.fixture(scope="module")
def other():
    return finger(LEFT_THUMB)


def test_a_finger_that_never_scores_enough_fails(thumb):
    """Below the stop-loss no print is kept: it could not be matched, and says it was captured."""
    outcome = pressed(presses(thumb, ["wet"] * LIMITS.presses_max))

    assert isinstance(outcome, FingerFailed)
    assert outcome.position == "right_thumb"
    scores = [press.score for press in outcome.presentations]
    assert len(scores) == LIMITS.presses_max
    # Scored presses: what is refused here is the score, not the press.
    assert all(score is not None and score.value < LIMITS.stop_loss_score for score in scores)


def test_a_poor_finger_above_the_stop_loss_is_kept_and_marked(thumb):
    """The best of all presses is better than none, and whoever reads it is told."""
    images = presses(thumb, ["worn", *["wet"] * (LIMITS.presses_max - 1)])
    outcome = pressed(images)

    assert isinstance(outcome, FingerTaken)
    assert LIMITS.stop_loss_score <= outcome.best.score.value < LIMITS.accept_score
    assert (outcome.low_quality, outcome.best.image) == (True, images[0])


def test_two_good_presses_settle_the_finger_at_once(thumb):
    """Nobody presses again who need not; the better of the two is kept."""
    hints: list[str | None] = []
    images = presses(thumb, ["plain", "plain", "plain"])
    outcome = pressed(images, hints=hints)

    assert isinstance(outcome, FingerTaken)
    assert (outcome.low_quality, len(outcome.presentations)) == (False, 2)
    assert outcome.best.score.value == max(p.score.value for p in outcome.presentations if p.score)
    assert {view.number for view in outcome.views} == {1, 2}
    assert hints == [CONFIRM]


def test_one_good_press_alone_is_not_believed(thumb):
    """Nothing has shown that it was this finger, or the same one twice."""
    outcome = pressed([*presses(thumb, ["plain"]), *[Retry.SMEARED] * (LIMITS.presses_max - 1)])

    assert isinstance(outcome, FingerFailed)
    assert len(outcome.presentations) == LIMITS.presses_max


def test_without_matching_two_presses_do_and_the_record_says_so(thumb):
    """A station without the extra claims no agreement that it did not measure."""
    outcome = pressed(presses(thumb, ["plain"] * 2))

    assert isinstance(outcome, FingerTaken)
    assert outcome.agreement is Agreement.NOT_ASSESSED


def test_with_matching_two_presses_of_one_finger_agree(thumb):
    """The examiner's word is the record's."""
    outcome = pressed(presses(thumb, ["plain"] * 2), WiredExaminer())

    assert isinstance(outcome, FingerTaken)
    assert outcome.agreement is Agreement.MATCHED
    assert outcome.best.score.algorithm == "NFIQ2"


def test_another_finger_at_the_second_press_is_noticed_and_the_third_decides(thumb, other):
    """Two good presses that do not match are of two fingers; which was meant, the third shows."""
    right, wrong = presses(thumb, ["plain"] * 2), presses(other, ["plain"])
    hints: list[str | None] = []
    alike = WiredExaminer(match=lambda a, b: 7 if wrong[0] in (a, b) else 120)
    outcome = pressed([right[0], wrong[0], right[1]], alike, hints=hints)

    assert isinstance(outcome, FingerTaken)
    assert outcome.best.image in right
    assert wrong[0] not in [view.image for view in outcome.views]
    assert [p.cause for p in outcome.presentations] == ["", "finger.other_finger", ""]
    assert hints[:2] == [CONFIRM, "finger.other_finger"]


def test_presses_that_never_match_are_not_kept_however_good(thumb):
    """High scores of five different fingers are no finger."""
    outcome = pressed(presses(thumb, ["plain"] * 5), WiredExaminer(match=lambda a, b: 39))

    assert isinstance(outcome, FingerFailed)
    assert outcome.agreement is Agreement.NOT_MATCHED


def test_a_poor_press_is_never_called_another_finger(thumb):
    """A dry press may fail to match its own finger: it is told of the skin, not of a mix-up."""
    images = presses(thumb, ["dry", "plain", "plain"])
    examiner = WiredExaminer(
        score=lambda image: 20 if image == images[0] else 60,
        match=lambda a, b: 12 if images[0] in (a, b) else 150,
    )
    outcome = pressed(images, examiner)

    assert isinstance(outcome, FingerTaken)
    assert "finger.other_finger" not in [press.cause for press in outcome.presentations]


def test_a_finger_that_was_given_before_is_not_given_twice(thumb, other):
    """The same finger for two positions is noticed, press by press, and asked for once more."""
    again, left = presses(thumb, ["plain"], 4), presses(other, ["plain"] * 2)
    kept = presses(thumb, ["plain"])[0]
    alike = WiredExaminer(match=lambda a, b: 150 if {a, b} in ({again[0], kept}, {*left}) else 9)
    outcome = pressed([again[0], *left], alike, given={"left_thumb": kept})

    assert isinstance(outcome, FingerTaken)
    assert [p.cause for p in outcome.presentations] == ["finger.given_already", "", ""]
    assert outcome.best.image in left


def test_dry_twice_counts_as_worn_and_ends_the_finger(thumb):
    """Three more presses would bring nothing but shame."""
    outcome = pressed(presses(thumb, ["dry"] * 5), WiredExaminer(score=lambda image: 10))

    assert isinstance(outcome, FingerFailed)
    assert [press.cause for press in outcome.presentations] == ["finger.dry"] * 2


def test_a_worn_finger_above_the_stop_loss_may_still_find_its_best(thumb):
    """Worn is no reason to stop while what there is can be kept."""
    outcome = pressed(presses(thumb, ["worn"] * 5), WiredExaminer(score=lambda image: 30))

    assert isinstance(outcome, FingerTaken)
    assert (outcome.low_quality, len(outcome.presentations)) == (True, LIMITS.presses_max)


def test_no_hint_ever_says_worn_to_the_person(thumb):
    """What cannot be pressed any better is asked for once more, and nothing is said of it."""
    hints: list[str | None] = []
    pressed(presses(thumb, ["worn"] * 5), WiredExaminer(score=lambda image: 30), hints=hints)

    assert "finger.worn" not in hints
    assert AGAIN in hints


@pytest.mark.parametrize(
    ("retry", "cause"),
    [(retry, cause) for retry, cause in zip(
        [Retry.LIFTED_EARLY, Retry.OFF_CENTRE, Retry.SMEARED, Retry.OLD_PRINT],
        ["finger.hold", "finger.partial", "finger.moved", "finger.clean_glass"],
        strict=True,
    )],
    ids=lambda value: value if isinstance(value, str) else value.name,
)  # fmt: skip
def test_what_the_reader_itself_refuses_is_a_press_with_its_cause(thumb, retry, cause):
    """The module's own word costs a press, as ours does."""
    outcome = pressed([retry, *presses(thumb, ["plain"] * 2)])

    assert isinstance(outcome, FingerTaken)
    assert [press.cause for press in outcome.presentations] == [cause, "", ""]


def test_a_press_that_did_not_come_is_never_counted(thumb):
    """Time is without limit: whoever needs an hour has five presses all the same."""
    outcome = pressed([*[Retry.NO_FINGER] * 20, *presses(thumb, ["plain"] * 2)])

    assert isinstance(outcome, FingerTaken)
    assert len(outcome.presentations) == 2


def test_a_press_that_may_have_moved_ends_no_finger_however_well_it_scores(thumb):
    """NFIQ 2 hardly sees motion; a steady press is asked for, and is the one that is kept."""
    images = [*presses(thumb, ["smear"] * 2), *presses(thumb, ["plain"] * 2, 3)]
    examiner = WiredExaminer(score=lambda image: 80 if image in images[:2] else 50)
    outcome = pressed(images, examiner)

    assert isinstance(outcome, FingerTaken)
    assert (outcome.best.image, outcome.low_quality) == (images[2], False)
    assert [p.cause for p in outcome.presentations][:2] == ["finger.moved"] * 2


def test_presses_that_all_may_have_moved_are_kept_as_low_quality(thumb):
    """Better such a print than none; whoever reads it is told."""
    outcome = pressed(presses(thumb, ["smear"] * 5), WiredExaminer(score=lambda image: 80))

    assert isinstance(outcome, FingerTaken)
    assert (outcome.low_quality, len(outcome.presentations)) == (True, LIMITS.presses_max)


def test_no_press_of_the_record_holds_a_picture(thumb):
    """Score, algorithm, cause and time; nothing that could be looked at."""
    outcome = pressed(presses(thumb, ["plain"] * 2))

    for press in outcome.presentations:
        assert not {"image", "pixels", "seen"} & set(press.__slots__)


class LiftingReader(WiredReader):
    """A module that says when the finger may be lifted, and gives one press."""

    def __init__(self, image):
        left = iter([image])
        super().__init__(lambda: next(left, None))
        self.asked = 0

    def capture(self, timeout_s, progress):
        self.asked += 1
        progress(0, 100)
        return super().capture(timeout_s, progress)


@pytest.mark.parametrize(
    ("after_lift_s", "at_once"), [(3.3, True), (0.4, False)], ids=["slow-line", "fast-line"]
)
def test_the_next_press_is_looked_for_as_soon_as_the_finger_may_have_left(
    thumb, after_lift_s, at_once
):
    """While the picture is judged, on a line that gave the finger time; never before that."""
    module = LiftingReader(presses(thumb, ["plain"])[0])
    with closing(PressJudge(None, 45)) as judge, reader_owner(module) as owner:
        until(lambda: owner.status.state is DeviceState.READY)
        capture = FingerCapture(owner, judge, Fingers(), THUMB, earlier=deque(), given={})
        before_s = time.monotonic()
        capture.step(before_s)
        until(lambda: capture._press is not None and capture._press.done())
        # The finger was told that it may go between these two.
        now_s = (time.monotonic() if at_once else before_s) + after_lift_s
        capture.step(now_s)
        capture.step(now_s)
        asked_early = capture._press is not None
        until(lambda: (capture.step(now_s), capture.presentations)[1])
        capture.step(now_s)
        asked_late = capture._press is not None
        capture.step(time.monotonic() + 3600)
        asked_at_last = capture._press is not None
        capture.cancel()

    assert (asked_early, asked_late, asked_at_last) == (at_once, at_once, True)

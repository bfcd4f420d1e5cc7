"""Where the rules of a finger's presses turn: each limit from below, on it, and above."""

from __future__ import annotations

import pytest

from drivers.fingerprint import FingerImage
from edge.fingers.judge import MATCH_MIN
from edge.fingers.presses import (
    Agreement,
    GoodPress,
    Presentation,
    PressRules,
    Verdict,
    Weighed,
    weigh,
)
from quality.finger.score import FingerScore

IMAGE = FingerImage(bytes(64), 8, 8, 500)
RULES = PressRules(accept_score=45, stop_loss_score=25, presses_max=5)


def good(number: int, value: int = 60, doubted: bool = False, **matches: int) -> GoodPress:
    """A press that passed the gates; `p1=40` is its match with press 1."""
    found = {int(name[1:]): match for name, match in matches.items()}
    score = FingerScore(value, "NFIQ2", "2.3")
    return GoodPress(number, IMAGE, score, (), found, doubted=doubted)


def made(*causes_and_scores: str | int) -> list[Presentation]:
    """Presses by their score, or by their cause where a gate refused them."""
    return [
        Presentation(n, None, one, 0.0)
        if isinstance(one, str)
        else Presentation(n, FingerScore(one), "", 0.0)
        for n, one in enumerate(causes_and_scores, 1)
    ]


@pytest.mark.parametrize(
    ("match", "agreement"),
    [(MATCH_MIN - 1, Agreement.NOT_MATCHED), (MATCH_MIN, Agreement.MATCHED)],
)
def test_two_presses_agree_from_the_limit_on(match, agreement):
    """40 is a match, 39 is none."""
    weighed = weigh([good(1), good(2, p1=match)])

    assert MATCH_MIN == 40
    assert weighed.agreement is agreement
    assert len(weighed.views) == (2 if agreement is Agreement.MATCHED else 0)


@pytest.mark.parametrize(
    ("value", "verdict"), [(44, Verdict.GO_ON), (45, Verdict.KEEP), (100, Verdict.KEEP)]
)
def test_a_finger_is_accepted_at_once_from_the_accept_score_on(value, verdict):
    """45 ends it after two presses; 44 does not, and is then the best of the last."""
    weighed = weigh([good(1, 20), good(2, value, p1=99)])
    decided = RULES.decide(weighed, made(20, value))

    assert decided.verdict is verdict
    assert not decided.low_quality
    last = RULES.decide(weighed, made(20, value, "finger.wet", "finger.wet", "finger.wet"))
    assert (last.verdict, last.low_quality) == (Verdict.KEEP, value < 45)


@pytest.mark.parametrize(("value", "verdict"), [(24, Verdict.FAILED), (25, Verdict.KEEP)])
def test_after_the_last_press_the_best_is_kept_from_the_stop_loss_on(value, verdict):
    """25 is kept and marked, 24 is not."""
    weighed = weigh([good(1, 10), good(2, value, p1=MATCH_MIN)])
    decided = RULES.decide(weighed, made(10, value, "", "", ""))

    assert decided.verdict is verdict
    assert decided.low_quality is (verdict is Verdict.KEEP)


@pytest.mark.parametrize(("presses", "verdict"), [(4, Verdict.GO_ON), (5, Verdict.FAILED)])
def test_a_finger_is_pressed_five_times_at_the_most(presses, verdict):
    """Whatever they came to."""
    assert RULES.decide(
        Weighed(Agreement.NOT_ASSESSED), made(*["finger.wet"] * presses)
    ).verdict is (verdict)


@pytest.mark.parametrize(("best", "verdict"), [(24, Verdict.FAILED), (25, Verdict.GO_ON)])
def test_two_dry_presses_end_a_finger_only_if_none_is_worth_keeping(best, verdict):
    """From the stop-loss on the next press may find a second one that agrees."""
    pressed = made("finger.dry", best, "finger.worn")

    assert RULES.decide(Weighed(Agreement.NOT_ASSESSED), pressed).verdict is verdict


def test_one_dry_press_ends_nothing():
    """A breath on the finger may help."""
    assert RULES.decide(Weighed(Agreement.NOT_ASSESSED), made("finger.dry")).verdict is (
        Verdict.GO_ON
    )


def test_what_may_have_moved_is_not_accepted_at_once_however_well_it_scores():
    """The best that is beyond doubt is; after the last press the doubted one, marked."""
    weighed = weigh([good(1, 90, doubted=True), good(2, 44, p1=99)])

    assert RULES.decide(weighed, made(90, 44)).verdict is Verdict.GO_ON
    last = RULES.decide(weighed, made(90, 44, "", "", ""))
    assert (last.kept.number, last.low_quality) == (1, True)
    sure = weigh([good(1, 90, doubted=True), good(2, 45, p1=99)])
    assert RULES.decide(sure, made(90, 45)).kept.number == 2


def test_of_two_presses_that_score_alike_the_earlier_is_kept():
    """The same presses give the same package."""
    assert RULES.decide(weigh([good(1), good(2, p1=99)]), made(60, 60)).kept.number == 1


def test_a_press_of_another_finger_vouches_for_none_and_does_not_spoil_the_others():
    """One that matches nothing, and two that could not be compared."""
    weighed = weigh([good(1, 90), good(2, 50, p1=5), good(3, 50), good(4, 60)])

    assert weighed.agreement is Agreement.NOT_ASSESSED
    assert [press.number for press in weighed.views] == [4, 3]

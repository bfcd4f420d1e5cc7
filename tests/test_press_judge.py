"""A press judged: gates first, a score that names its giver, matches; and nothing kept."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import sys
import threading
import time
import weakref
from concurrent.futures import CancelledError
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from drivers.fingerprint import FingerImage
from drivers.peers.synthetic_prints import press
from edge.fingers import judge as judging
from edge.fingers.examiner import ExaminerState
from edge.fingers.judge import MATCH_MIN, JudgedPress, PressJudge
from edge.fingers.nbis import NbisExaminer
from quality.finger.causes import Cause
from quality.finger.print import print_of
from quality.finger.score import ridge_score
from quality.measure import Verdict
from tests.lying_worker import Liar, message
from tests.press_kit import HEIGHT_PX, WIDTH_PX, finger, image_of, pressed

ACCEPT = 45
PATIENCE_S = 60.0
"""For answers that must come: a busy machine is no failure."""
HANG_S = 0.5
"""For answers that cannot come."""

needs_nbis = pytest.mark.skipif(
    find_spec("nbis") is None, reason="nbis-py is not set up: python3.11 -m setup fingerprints"
)


@pytest.fixture(scope="module", autouse=True)
def _patient():
    """A press waits for the examiner, however busy the machine is."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(judging, "EXAMINE_TIMEOUT_S", PATIENCE_S)
        patched.setattr(judging, "MATCHING_TIMEOUT_S", PATIENCE_S)
        yield


@pytest.fixture
def alone():
    """A judge without an examiner, as on a station without the extra."""
    with contextlib.closing(PressJudge(None, ACCEPT)) as judge:
        yield judge


@pytest.fixture
def examiner():
    """Begun by whoever asks first; closed by its judge."""
    return NbisExaminer()


@pytest.fixture
def judge(examiner):
    with contextlib.closing(PressJudge(examiner, ACCEPT)) as judge:
        yield judge


@pytest.fixture(scope="module")
def steady():
    """A judge whose examiner is loaded and whom no test harms."""
    examiner = NbisExaminer()
    examiner.begin()
    awaited(lambda: examiner.state is ExaminerState.READY)
    with contextlib.closing(PressJudge(examiner, ACCEPT)) as judge:
        # Its thread begins with the first press; a test would be blamed for it.
        judged(judge, pressed(1))
        yield judge


def judged(judge: PressJudge, image: FingerImage, earlier=(), **against) -> JudgedPress:
    return judge.judge(image, earlier, against).result(PATIENCE_S)


def awaited(true) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not true() and time.monotonic() < until_s:
        gc.collect()
        time.sleep(0.01)

    assert true()


def test_without_an_examiner_a_press_has_our_own_score(alone):
    """Under its own name, with every gate's reading, unmatched; and the station says so."""
    found = judged(alone, pressed(1), other=pressed(1, 1))

    assert found.score == ridge_score(print_of(pressed(1)))
    assert found.score.algorithm == "anxin-ridge-1"
    assert (found.cause, found.matches, found.minutiae) == (None, {}, ())
    assert {one.measure for one in found.readings} >= {"GreyRange", "RidgeCoherence"}
    assert (alone.matching, alone.examiner_state) == (False, "none")


def test_a_poor_press_has_a_cause(alone):
    """Below what is accepted at once, one thing to do differently."""
    found = judged(alone, pressed(1, 1, "dry"))

    assert found.score.value < ACCEPT
    assert found.cause is Cause.DRY


@needs_nbis
def test_an_examiner_gives_score_minutiae_and_matches(steady):
    """NFIQ 2 by its name; by the caller's names, alike presses above the threshold, others not."""
    found = judged(steady, pressed(1), again=pressed(1, 1), other=pressed(2))

    assert (found.score.algorithm, found.score.version) == ("NFIQ2", "2.3")
    assert found.score.value >= ACCEPT
    assert found.cause is None
    assert len(found.minutiae) >= 30
    assert found.matches["again"] >= MATCH_MIN > found.matches["other"]
    assert (steady.matching, steady.examiner_state) == (True, "ready")


NOISE = np.random.default_rng(1).integers(0, 256, (HEIGHT_PX, WIDTH_PX)).astype(np.uint8)
STRIPES = np.tile(np.uint8([60] * 5 + [200] * 4), (HEIGHT_PX, WIDTH_PX // 9 + 1))[:, :WIDTH_PX]


@needs_nbis
@pytest.mark.parametrize(
    ("picture", "refusing"),
    [(NOISE, "RidgeCoherence"), (STRIPES, "OrientationSpread")],
    ids=["noise", "stripes"],
)
def test_what_is_no_finger_never_reaches_the_examiner(judge, examiner, picture, refusing):
    """NFIQ 2 would give noise 33. The gates come first: no score, no match, nobody asked."""
    found = judged(judge, image_of(picture), again=pressed(1))

    assert found.score is None
    assert found.cause is not None
    assert refusing in {one.measure for one in found.readings if one.verdict is Verdict.REJECTED}
    assert found.matches == {}
    assert examiner.state is ExaminerState.RESTING


def test_a_print_left_on_the_glass_is_refused(alone):
    """The earlier pictures of the reader are what a latent print is known by."""
    seen = judged(alone, pressed(1)).seen
    found = judged(alone, pressed(1), earlier=(seen,))

    assert found.score is None
    assert found.cause is Cause.CLEAN_GLASS


@needs_nbis
def test_a_press_that_nfiq_2_cannot_score_has_none_of_ours_instead(steady):
    """Too little of a finger: not assessed, where our own score would have given a number."""
    small = image_of(press(finger(1))[60:188, 60:188])
    found = judged(steady, small, other=pressed(1))

    assert ridge_score(print_of(small)).value > 0
    assert found.score is None
    assert found.matches == {}


@needs_nbis
def test_an_examiner_that_hangs_costs_its_time_and_the_press_is_judged(
    judge, examiner, monkeypatch
):
    """Stopped in mid-press: our own score, said so, unmatched; the next press is NFIQ 2's again."""
    judged(judge, pressed(1))
    monkeypatch.setattr(judging, "EXAMINE_TIMEOUT_S", HANG_S)
    os.kill(examiner.pid, signal.SIGSTOP)
    lost = judged(judge, pressed(1, 1), first=pressed(1))
    matching, state = judge.matching, judge.examiner_state
    monkeypatch.setattr(judging, "EXAMINE_TIMEOUT_S", PATIENCE_S)
    after = judged(judge, pressed(1, 2), first=pressed(1))

    assert lost.score == ridge_score(print_of(pressed(1, 1)))
    assert (lost.matches, lost.minutiae) == ({}, ())
    assert (matching, state) == (False, "lost")
    assert after.score.algorithm == "NFIQ2"
    assert after.matches["first"] >= MATCH_MIN


def test_an_examiner_lost_between_score_and_match_leaves_the_score(judge, monkeypatch, tmp_path):
    """What was measured stays; what was not, is missing, not 0."""
    script = Liar(tmp_path)
    # It repeats itself: an answer to the first question is a lie to the second.
    script.says(message({"id": 1, "score": 61, "minutiae": []}))
    monkeypatch.setattr(sys, "executable", str(script.path))
    found = judged(judge, pressed(1), again=pressed(1, 1), other=pressed(2))

    assert (found.score.value, found.score.algorithm) == (61, "NFIQ2")
    assert found.matches == {}


def test_an_extra_that_is_installed_but_does_not_load_is_as_good_as_none(judge, monkeypatch):
    """Another C library, another processor: its process ends at once, and every press is judged."""
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    judge.begin()
    found = [judged(judge, pressed(1, number), first=pressed(1)) for number in (1, 2)]

    assert {one.score.algorithm for one in found} == {"anxin-ridge-1"}
    assert [one.matches for one in found] == [{}, {}]
    assert (judge.matching, judge.examiner_state) == (False, "lost")


@needs_nbis
def test_judging_never_holds_up_who_asks_and_who_left_waits_for_nothing(judge, examiner):
    """While the examiner hangs, asking, cancelling, forgetting and health return at once."""
    judged(judge, pressed(1))
    os.kill(examiner.pid, signal.SIGSTOP)
    running = judge.judge(pressed(1, 1), (), {})
    awaited(running.running)
    given_up, waiting = (judge.judge(pressed(1, number), (), {}) for number in (2, 3))
    cancelled = given_up.cancel()
    judge.forget()
    states = judge.matching, judge.examiner_state

    assert not running.done()
    assert cancelled
    assert waiting.cancelled()
    assert states == (True, "ready")
    with pytest.raises(CancelledError):
        given_up.result(PATIENCE_S)
    # The rest of this test need not wait for the time-out.
    os.kill(examiner.pid, signal.SIGCONT)
    assert running.result(PATIENCE_S).score.algorithm == "NFIQ2"


class Watched(FingerImage):
    """An image of which one can tell whether anybody still holds it."""

    __slots__ = ("__weakref__",)


def watched(image: FingerImage) -> Watched:
    return Watched(image.pixels, image.width_px, image.height_px, image.resolution_ppi)


@pytest.mark.parametrize("which", ["alone", pytest.param("steady", marks=needs_nbis)])
def test_no_image_is_held_once_its_press_is_judged(request, which):
    """Neither the press nor those it was matched with; the verdict alone holds it, and goes."""
    judge = request.getfixturevalue(which)
    image, other = watched(pressed(1)), watched(pressed(1, 1))
    marks = weakref.ref(image), weakref.ref(other)
    found = judge.judge(image, (), {"other": other}).result(PATIENCE_S)
    held = found.image is image
    del image, other, found

    assert held
    awaited(lambda: all(mark() is None for mark in marks))


@needs_nbis
def test_the_examiner_comes_with_a_visit_and_ends_with_it(judge, examiner):
    """Not with the station, whose first page it would delay; and none that saw a print stays."""
    at_first = judge.examiner_state
    judge.begin()
    awaited(lambda: judge.examiner_state == "ready")
    first = examiner.pid
    judged(judge, pressed(1))
    judge.forget()
    awaited(lambda: examiner.pid not in (None, first))

    assert at_first == "resting"
    assert not Path(f"/proc/{first}").exists()


@needs_nbis
def test_closing_ends_thread_and_process_whatever_runs(examiner):
    """In the middle of a press, with another waiting; twice is once; nothing begins any more."""
    before = set(threading.enumerate())
    judge = PressJudge(examiner, ACCEPT)
    judged(judge, pressed(1))
    pid = examiner.pid
    running = judge.judge(pressed(1, 1), (), {})
    waiting = [judge.judge(pressed(1, n), (), {}) for n in (2, 3)]
    judge.close()
    judge.close()
    judge.begin()
    judge.forget()

    assert running.cancelled() or running.done()
    assert all(one.done() for one in waiting)
    assert not Path(f"/proc/{pid}").exists()
    assert set(threading.enumerate()) <= before
    with pytest.raises(RuntimeError):
        judge.judge(pressed(1), (), {})

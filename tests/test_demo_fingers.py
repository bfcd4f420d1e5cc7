"""The demo's finger stories: who presses how, what is touched and signed, what must come of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demo.badge import Badge
from demo.console.knobs import Knobs
from demo.director import Director
from demo.finger_stories import STORIES, cue_for, hand_for_story, hold_against, story_for
from demo.neighbours import DemoError
from demo.walk import Walk, both
from drivers.peers.reader_control import PRESSES
from edge.fingers.exceptions import ExceptionReason, Permanence, SignedReason
from edge.sitting import FROM_THE_PERSON, Event, FingerExceptionView, FingerPhase, Snapshot, State
from formats.finger.position import ISO_POSITIONS
from tests.browser.desk import PIN, SCENES, STAFF_ID, Desk, finger, scene

BADGE = Badge(STAFF_ID, PIN)
OPEN = FingerExceptionView("right_thumb", "03", "", "", confirmed=False)


@pytest.mark.parametrize("name", STORIES)
def test_every_story_can_be_told(name: str):
    """Its presses are the reader's, its touches the person's, what is signed can be signed."""
    story = STORIES[name]

    assert set(story.presses.values()) <= set(PRESSES)
    assert "*" in story.presses
    assert set(story.touches.values()) <= FROM_THE_PERSON
    named = {*story.touches, *story.fingers, *(position for position, _ in story.exceptions)}
    assert named <= set(ISO_POSITIONS)
    if story.reason:
        reason, permanence = ExceptionReason(story.reason), Permanence(story.permanence)
        assert SignedReason("1", reason, permanence, story.come_back_on)


def test_a_story_that_nobody_knows_is_refused_with_those_there_are():
    """One sentence; no name is no story."""
    assert story_for(None) is None
    with pytest.raises(DemoError, match="bandage"):
        story_for("sad")


def test_the_reader_s_person_presses_as_the_story_says(tmp_path: Path):
    """Finger by finger, in the reader's own control file."""
    knobs = Knobs(tmp_path, "suit")
    cue = cue_for(STORIES["worn"], knobs)
    pressed = []
    for position in ("right_thumb", "right_index", "left_thumb"):
        cue(position)
        pressed.append(knobs.stand()["reader.press"])

    assert pressed == ["dry", "plain", "plain"]


def test_the_story_s_hands_touch_once_and_sign_what_is_open():
    """The bandaged thumb is skipped; its exception is signed beside the next finger."""
    desk: Any = Desk(finger(FingerPhase.PLACE, "right_thumb"))
    hand = hand_for_story(STORIES["bandage"], BADGE)
    assert hand(desk, desk.snapshot) is not None
    assert [event for event, _ in desk.asked] == [Event.FINGER_SKIPPED]
    beside = finger(FingerPhase.PLACE, "right_index", finger_exceptions=(OPEN,))
    desk.put(beside)
    assert hand(desk, desk.snapshot) is not None
    wanted = f"right_thumb bandaged temporary {STORIES['bandage'].come_back_on}"
    assert desk.signed == [(wanted, STAFF_ID)]
    signed = replace(beside, finger_exceptions=(replace(OPEN, confirmed=True),))

    assert hand(desk, signed) is None
    assert hand(desk, SCENES["consent"]) is None


def test_the_first_hand_that_has_a_move_makes_it():
    """Hands are asked in their order, and the others not at all."""
    screen, asked = Snapshot(), []

    def hand(name: str, after: Snapshot | None) -> Callable[..., Snapshot | None]:
        return lambda desk, shown: asked.append(name) or after

    desk: Any = Desk()
    assert both(hand("a", None), hand("b", screen), hand("c", screen))(desk, screen) is screen
    assert asked == ["a", "b"]
    assert both()(desk, screen) is None


@pytest.mark.parametrize(
    ("fingers", "exceptions", "problem"),
    [
        (("right_index", "left_thumb"), (("right_thumb", "03"),), ""),
        (("right_thumb", "left_thumb"), (("right_thumb", "03"),), "the fingers came out otherwise"),
        (("right_index", "left_thumb"), (("right_thumb", "02"),), "the exceptions came out"),
        (("right_index", "left_thumb"), (), "the exceptions came out"),
    ],
    ids=["as-told", "other-fingers", "other-result", "no-exception"],
)
def test_a_walk_is_held_against_its_story(fingers, exceptions, problem: str):
    """What came out otherwise is the walk's problem, and its exit status."""
    told = Walk(
        fingers=[{"position": position} for position in fingers],
        finger_exceptions=[{"position": p, "result": result} for p, result in exceptions],
    )
    hold_against(STORIES["bandage"], told)

    assert told.problem.startswith(problem)
    assert bool(told.problem) == bool(problem)


class Script:
    """A desk that shows one screen after the other, however fast it is asked."""

    def __init__(self, *screens: Snapshot) -> None:
        self.snapshot = Snapshot()
        self.played = threading.Event()
        self._screens = iter(screens)

    def wait(self, after_revision: int, timeout_s: float) -> Snapshot:
        following = next(self._screens, None)
        if following is None:
            self.played.set()
            self.played.wait(timeout_s)
            time.sleep(0.01)
            return self.snapshot
        self.snapshot = following
        return following


def test_the_director_says_each_finger_once_and_again_for_the_next_person(tmp_path: Path):
    """A phase that changes is no other finger; a new sitting begins with its first."""
    screens = [
        replace(shown, sitting_id=sitting)
        for sitting in ("1", "2")
        for shown in (
            finger(FingerPhase.PLACE, "right_thumb"), finger(FingerPhase.READING, "right_thumb"),
            finger(FingerPhase.PLACE, "left_thumb"), scene(State.REVIEW),
        )
    ]  # fmt: skip
    desk: Any = Script(*screens, replace(screens[0], sitting_id="3"))
    told, people = [], []
    control = tmp_path / "camera.control"
    director = Director(desk, control, [lambda: people.append(1)], [told.append])
    director.start()
    try:
        assert desk.played.wait(60)
    finally:
        director.close()

    assert told == ["right_thumb", "left_thumb", "right_thumb", "left_thumb", "right_thumb"]
    assert len(people) == 3


def test_the_director_brings_the_finger_that_a_calibration_asks_for(tmp_path: Path):
    """Nobody presses an empty glass, and three presses in a row are those of one finger."""
    asks = iter([None, "", "right_index", None, "right_index", "left_index", None])
    told, asked_all = [], threading.Event()

    def calibration() -> str | None:
        following = next(asks, "over")
        if following == "over":
            asked_all.set()
            return None
        return following

    desk: Any = Script(scene(State.WELCOME))
    director = Director(
        desk, tmp_path / "camera.control", [], calibration=calibration, at_each_step=told.append
    )
    director.start()
    try:
        assert asked_all.wait(60)
    finally:
        director.close()

    # Twice the same word: the reader's other end takes the second for the same finger.
    assert told == ["", "right_index", "right_index", "left_index"]

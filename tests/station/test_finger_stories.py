"""What people's fingers are like, told on a real station: its reader, its judge, its record.

One station serves one person after the other, as it does in life. Whoever stands here gives no
photo: that the portrait is never held back by fingers, nor they by it, is part of every story.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.kiosk.catalogue import load_catalogue
from api.kiosk.look import Look
from api.kiosk.view import view
from drivers.peers.presses import LEFT_THUMB, RIGHT_THUMB, Press
from edge.fingers import judge as judging
from edge.fingers import nbis
from edge.settings import Settings
from edge.sitting import Event, IllegalMove, Overlay, Result, Snapshot, StaleToken, State
from edge.staff import WrongPin, add_staff
from tests.station.bed import LONG_S, Bed, station_bed
from tests.test_kiosk_catalogue import BLAME_EN, BLAME_ZH

CATALOGUE = load_catalogue()

STAFF_ID, PIN = "wu-7", "190604"
RIGHT_INDEX, LEFT_INDEX = 12, 17
SECRET = ("pixels", "image", "minutiae")


def two(finger: int, condition: str = "plain") -> list[Press]:
    """Two presses of one finger."""
    severity = 1.0 if condition == "plain" else 2.0
    return [Press(finger, number, condition, severity) for number in (1, 2)]


@dataclass
class Told:
    """What a package that is still open says."""

    sitting: dict[str, Any]
    facts: dict[str, dict[str, Any]]

    @property
    def exceptions(self) -> dict[str, dict[str, Any]]:
        return {row["position"]: row for row in self.sitting["exceptions"]}

    def presses(self, position: str) -> list[dict[str, Any]]:
        return self.sitting["presentations"][position]


class Visitor:
    """One person after the other at one station."""

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.desk = bed.station.desk
        self.screens: list[Snapshot] = []

    def press(self, *presses: Press) -> None:
        """Press so often, and no more."""
        self.bed.peer.start_plan([*presses[:-1], replace(presses[-1], last=True)])

    def come(self) -> Snapshot:
        """Begin a sitting and go to the fingers; nothing lies on the glass."""
        self.screens = []
        self.bed.peer.start_plan(())
        self.bed.until(lambda s: not s.out_of_service and s.overlay is None, "service")
        self.bed.ask(Event.START)
        self.bed.ask(Event.AGREE)
        self.bed.ask(Event.PORTRAIT_GIVEN_UP)
        return self.until_asked("right_thumb")

    def until(self, wanted, why: str) -> Snapshot:
        """Wait for a screen and take down what was shown on the way."""

        def seen(shown: Snapshot) -> bool:
            self.screens.append(shown)
            return wanted(shown)

        return self.bed.until(seen, why)

    def until_asked(self, position: str) -> Snapshot:
        return self.until(
            lambda s: s.finger is not None and s.finger.position == position, position
        )

    def until_review(self) -> Snapshot:
        return self.until(lambda s: s.state is State.REVIEW, "the review")

    def sign(self, position: str, reason: str, permanence: str, on: str | None = None) -> Snapshot:
        token = self.desk.snapshot.token
        return self.desk.confirm_exception(token, STAFF_ID, PIN, position, reason, permanence, on)

    @property
    def told(self) -> Told:
        sitting_id = self.desk.snapshot.sitting_id
        found = self.bed.station.store.open_packages()
        package = next(one for one in found if one.sitting_id == sitting_id)
        return Told(dict(package.sitting), {part.name: dict(part.facts) for part in package.parts})

    def asked(self) -> list[str]:
        """Every finger that was asked for, in order."""
        positions = [s.finger.position for s in self.screens if s.finger is not None]
        return [p for n, p in enumerate(positions) if n == 0 or p != positions[n - 1]]

    def hints(self) -> set[str]:
        return {s.finger.hint for s in self.screens if s.finger is not None and s.finger.hint}

    def words(self) -> set[str]:
        """Every hint and every line below it that was shown, in both languages."""
        shown = {replace(s, revision=0, speak_number=0) for s in self.screens}
        drawn = [
            view(replace(one, language=language), Look(), CATALOGUE)
            for one in shown
            for language in ("zh-CN", "en")
        ]
        return {line for one in drawn for line in (one.hint, one.aside) if line}

    def hand_in(self) -> Snapshot:
        result = self.bed.finish()
        self.bed.ask(Event.FINISH)
        return result


def stories(folder: Path, scenes: Path, examiner: str):
    """A station where one attendant may sign."""
    add_staff(folder / "staff.toml", STAFF_ID, PIN)

    def change(settings: Settings) -> Settings:
        reuse = settings.reuse.model_copy(update={"staff_file": folder / "staff.toml"})
        other = {"lift_s": 0.1, "positions": None, "examiner": examiner}
        fingers = settings.fingers.model_copy(update=other)
        return settings.model_copy(update={"reuse": reuse, "fingers": fingers})

    return station_bed(folder, scenes, subject="nobody", presses=(), centre=False, change=change)


@pytest.fixture(scope="module")
def bed(tmp_path_factory, scenes: Path) -> Iterator[Bed]:
    """One station for all stories that need no matching: its judge is our own."""
    with stories(tmp_path_factory.mktemp("fingers"), scenes, "none") as opened:
        # The first press begins threads that stay for all.
        first = Visitor(opened)
        first.come()
        first.press(Press(RIGHT_THUMB, 1))
        first.until(lambda s: s.finger is not None and s.finger.presentation == 2, "one press")
        opened.ask(Event.LEAVE)
        yield opened


@pytest.fixture
def visitor(bed: Bed) -> Iterator[Visitor]:
    visitor = Visitor(bed)
    yield visitor
    bed.peer.replug()
    state = bed.station.desk.snapshot.state
    if state is not State.WELCOME:
        bed.ask(Event.FINISH if state is State.RESULT else Event.LEAVE)
    spoken = " ".join(visitor.words()).lower()
    assert not [word for word in (*BLAME_ZH, *BLAME_EN) if word in spoken]


def test_good_thumbs_are_two_presses_each_and_nothing_is_missing(visitor: Visitor):
    """Right, then left; the same finger twice; score, algorithm and codes stand in the record."""
    visitor.come()
    visitor.press(*two(RIGHT_THUMB))
    visitor.until_asked("left_thumb")
    visitor.press(*two(LEFT_THUMB))
    shown = visitor.until_review()
    told = visitor.told

    assert visitor.asked() == ["right_thumb", "left_thumb"]
    assert shown.fingers_in == ("right_thumb", "left_thumb")
    assert [row.what for row in shown.missing] == ["portrait"]
    assert not shown.attendant_called
    for position, iso, card in (("right_thumb", 1, 11), ("left_thumb", 6, 16)):
        facts = told.facts[f"finger/{position}.png"]
        assert (facts["iso_position"], facts["resident_card_position"]) == (iso, card)
        assert (facts["result"], facts["agreement"]) == ("01", "not_assessed")
        assert (facts["low_quality"], facts["fallback_of"]) == (False, None)
        assert facts["score"]["value"] >= 45
        rows = told.presses(position)
        assert [row["number"] for row in rows] == [1, 2]
        assert all(row["algorithm"] == facts["score"]["algorithm"] for row in rows)
        assert all(row["at"].endswith("Z") and not {*SECRET} & row.keys() for row in rows)


def test_a_thumb_that_is_too_dry_gives_way_to_the_index_finger_of_its_hand(visitor: Visitor):
    """Dry twice counts as worn: no third press; the next finger stands in, and is said to."""
    visitor.come()
    visitor.press(*two(RIGHT_THUMB, "dry"))
    asked = visitor.until_asked("right_index")
    visitor.press(*two(RIGHT_INDEX))
    visitor.until_asked("left_thumb")
    visitor.press(*two(LEFT_THUMB))
    shown = visitor.until_review()
    told = visitor.told

    assert asked.finger.fallback_of == "right_thumb"
    assert asked.finger.hint == "finger.next_finger"
    assert visitor.asked() == ["right_thumb", "right_index", "left_thumb"]
    assert shown.fingers_in == ("right_index", "left_thumb")
    assert told.facts["finger/right_index.png"]["fallback_of"] == "right_thumb"
    assert [row["cause"] for row in told.presses("right_thumb")] == ["finger.dry"] * 2
    excepted = told.exceptions["right_thumb"]
    assert (excepted["result"], excepted["why"], excepted["reason"]) == ("02", "failed", "worn")
    assert (excepted["attempts"], excepted["confirmed_by"]) == (2, None)
    # The rule's own fallback was met: nothing of fingers is missing, nothing waits for staff.
    assert [row.what for row in shown.missing] == ["portrait"]
    assert [(e.position, e.confirmed, e.wanted) for e in shown.finger_exceptions] == [
        ("right_thumb", False, False)
    ]


def test_an_amputated_hand_is_one_touch_and_one_signature(visitor: Visitor):
    """The other hand gives two, so that none is missing; why is the attendant's word."""
    visitor.come()
    visitor.bed.ask(Event.HAND_SKIPPED)
    visitor.until_asked("left_thumb")
    visitor.press(*two(LEFT_THUMB))
    visitor.until_asked("left_index")
    visitor.press(*two(LEFT_INDEX))
    shown = visitor.until_review()
    waiting = [row.what for row in shown.missing]
    signed = visitor.sign("right_thumb", "amputated", "permanent")
    told = visitor.told

    assert visitor.asked() == ["right_thumb", "left_thumb", "left_index"]
    assert shown.fingers_in == ("left_thumb", "left_index")
    assert waiting == ["portrait"]
    assert [row.what for row in signed.missing] == ["portrait"]
    assert [(e.position, e.reason, e.confirmed) for e in signed.finger_exceptions] == [
        ("right_thumb", "amputated", True)
    ]
    excepted = told.exceptions["right_thumb"]
    assert (excepted["result"], excepted["attempts"]) == ("03", 0)
    assert (excepted["permanence"], excepted["confirmed_by"]) == ("permanent", STAFF_ID)
    assert "right_thumb" not in told.sitting["presentations"]


WRONG_WORDS = (
    ("sore", "temporary", None),
    ("bandaged", "for ever", None),
    ("bandaged", "permanent", "2026-12-24"),
    ("bandaged", "temporary", "24.12.2026"),
    ("bandaged", "temporary", "2020-02-29"),
    ("bandaged", "temporary", "+1000000000"),
)


def test_a_bandage_is_temporary_and_names_the_day_to_come_back(visitor: Visitor):
    """The attendant signs at the finger itself: it is skipped, and the next one asked for."""
    visitor.come()
    token = visitor.desk.snapshot.token
    for wrong in WRONG_WORDS:
        with pytest.raises(ValueError, match=r"."):
            visitor.sign("right_thumb", *wrong)
    with pytest.raises(WrongPin):
        visitor.desk.confirm_exception(
            token, STAFF_ID, "000000", "right_thumb", "bandaged", "temporary"
        )
    with pytest.raises(IllegalMove):
        visitor.sign("left_little", "bandaged", "temporary")
    in_two_weeks = (date.today() + timedelta(14)).isoformat()
    signed = visitor.sign("right_thumb", "bandaged", "temporary", in_two_weeks)
    with pytest.raises(StaleToken):
        visitor.desk.confirm_exception(
            f"{token}x", STAFF_ID, PIN, "right_thumb", "bandaged", "temporary"
        )
    visitor.until_asked("right_index")
    visitor.press(*two(RIGHT_INDEX))
    visitor.until_asked("left_thumb")
    visitor.press(*two(LEFT_THUMB))
    shown = visitor.until_review()

    assert signed.state is State.FINGER
    assert shown.fingers_in == ("right_index", "left_thumb")
    assert [row.what for row in shown.missing] == ["portrait"]
    excepted = visitor.told.exceptions["right_thumb"]
    assert (excepted["permanence"], excepted["come_back_on"]) == ("temporary", in_two_weeks)


def test_ten_worn_fingers_end_in_a_proper_exception_and_nobody_is_blamed(visitor: Visitor):
    """Two presses a finger and no more; after ten in all the attendant comes without a call."""
    value = visitor.bed.station.figures.registry.get_sample_value
    calls = value("anxin_help_calls_total")
    visitor.come()
    visitor.press(*(Press(RIGHT_THUMB, number, "worn", 2.0) for number in range(1, 41)))
    shown = visitor.until_review()
    told = visitor.told
    made = [row for rows in told.sitting["presentations"].values() for row in rows]

    assert len(visitor.asked()) == len(set(visitor.asked())) == 10
    assert shown.fingers_in == ()
    assert len(made) == 20
    assert {row["cause"] for row in made} == {"finger.worn"}
    assert "finger.worn" not in visitor.hints()
    assert shown.attendant_called
    assert value("anxin_help_calls_total") == calls + 1
    assert {row["reason"] for row in told.exceptions.values()} == {"worn"}
    # What was wanted is missing; that nothing could stand in for it is said beside.
    assert [r.what for r in shown.missing][1:] == ["finger:right_thumb", "finger:left_thumb"]
    visitor.sign("right_thumb", "worn", "permanent")
    signed = visitor.sign("left_thumb", "worn", "permanent")
    assert [row.what for row in signed.missing] == ["portrait"]


def test_a_refusal_is_one_touch_and_carries_no_reason(visitor: Visitor):
    """No more fingers: what is in stays in, nobody asks why, and nobody can write a reason in."""
    visitor.come()
    visitor.press(*two(RIGHT_THUMB))
    visitor.until_asked("left_thumb")
    shown = visitor.bed.ask(Event.FINGERS_REFUSED)
    excepted = visitor.told.exceptions

    assert (shown.state, shown.fingers_in) == (State.REVIEW, ("right_thumb",))
    assert set(excepted) == {"left_thumb"}
    row = excepted["left_thumb"]
    assert (row["result"], row["why"], row["reason"]) == ("03", "refused", None)
    assert (row["permanence"], row["causes"], row["best_score"]) == (None, [], None)
    assert shown.finger_exceptions[0].confirmed
    with pytest.raises(IllegalMove):
        visitor.sign("left_thumb", "amputated", "permanent")
    assert visitor.hand_in().result is Result.ACCEPTED_WITH_MISSING


def test_a_reader_that_goes_away_in_the_middle_costs_nobody_a_press(visitor: Visitor):
    """The calm screen, then on with the very finger; the good press before it still counts."""
    visitor.come()
    visitor.press(Press(RIGHT_THUMB, 1))
    visitor.until(lambda s: s.finger is not None and s.finger.presentation == 2, "one press")
    visitor.bed.peer.unplug()
    calm = visitor.until(lambda s: s.overlay is Overlay.CALM, "the calm screen")
    visitor.bed.peer.replug()
    visitor.until(lambda s: s.overlay is None, "the reader's return")
    visitor.press(Press(RIGHT_THUMB, 2))
    visitor.until_asked("left_thumb")

    assert (calm.state, calm.finger.position) == (State.FINGER, "right_thumb")
    assert [row["cause"] for row in visitor.told.presses("right_thumb")] == ["", ""]


def test_whoever_leaves_takes_every_print_along(visitor: Visitor):
    """In the middle of a finger: screen, memory and parts are gone."""
    visitor.come()
    visitor.press(*two(RIGHT_THUMB))
    visitor.until_asked("left_thumb")
    shown = visitor.bed.ask(Event.LEAVE)

    assert shown.state is State.WELCOME
    assert (shown.finger, shown.fingers_in, shown.finger_exceptions) == (None, (), ())
    assert visitor.bed.station.store.counts()["open"] == 0


@pytest.mark.skipif(nbis.missing() is not None, reason=f"no matching here: {nbis.missing()}")
def test_fingers_that_are_mixed_up_are_noticed(
    tmp_path: Path, scenes: Path, monkeypatch: pytest.MonkeyPatch
):
    """Another finger at the second press, and a finger that was given before: said, never kept."""
    # A busy machine is slow, not without an examiner.
    monkeypatch.setattr(judging, "EXAMINE_TIMEOUT_S", LONG_S)
    monkeypatch.setattr(judging, "MATCHING_TIMEOUT_S", LONG_S)
    with stories(tmp_path, scenes, "nbis") as bed:
        visitor = Visitor(bed)
        visitor.come()
        mixed = (Press(RIGHT_THUMB, 1), Press(RIGHT_INDEX, 1), Press(RIGHT_THUMB, 2))
        visitor.press(*mixed)
        visitor.until_asked("left_thumb")
        visitor.press(Press(RIGHT_THUMB, 3))
        visitor.until(lambda s: s.finger is not None and s.finger.presentation == 2, "one press")
        visitor.press(*two(LEFT_THUMB))
        shown = visitor.until_review()
        told = visitor.told

    right = [row["cause"] for row in told.presses("right_thumb")]
    left = [row["cause"] for row in told.presses("left_thumb")]
    assert right == ["", "finger.other_finger", ""]
    assert left == ["finger.given_already", "", ""]
    assert {"finger.confirm", "finger.other_finger", "finger.given_already"} <= visitor.hints()
    assert shown.fingers_in == ("right_thumb", "left_thumb")
    for position in shown.fingers_in:
        facts = told.facts[f"finger/{position}.png"]
        assert (facts["agreement"], facts["score"]["algorithm"]) == ("matched", "NFIQ2")


def test_a_power_cut_among_the_fingers_goes_on_with_the_very_next(tmp_path: Path, scenes: Path):
    """Plan, presses and exceptions come back; nothing that was settled is asked for again."""
    with stories(tmp_path, scenes, "none") as bed:
        visitor = Visitor(bed)
        visitor.come()
        bed.ask(Event.FINGER_SKIPPED)
        visitor.until_asked("right_index")
        visitor.press(*two(RIGHT_INDEX))
        visitor.until_asked("left_thumb")
        visitor.press(Press(LEFT_THUMB, 1))
        visitor.until(lambda s: s.finger is not None and s.finger.presentation == 2, "one press")
        before = visitor.told
    with stories(tmp_path, scenes, "none") as bed:
        visitor = Visitor(bed)
        resumed = visitor.until_asked("left_thumb")
        visitor.press(Press(LEFT_THUMB, 2), Press(LEFT_THUMB, 3))
        shown = visitor.until_review()
        told = visitor.told

    assert resumed.resumed
    assert resumed.fingers_in == ("right_index",)
    assert [e.position for e in resumed.finger_exceptions] == ["right_thumb"]
    assert told.sitting["exceptions"] == before.sitting["exceptions"]
    # The image of the press before the cut is gone; the row of it is not.
    assert [row["number"] for row in told.presses("left_thumb")] == [1, 2, 3]
    assert shown.fingers_in == ("right_index", "left_thumb")

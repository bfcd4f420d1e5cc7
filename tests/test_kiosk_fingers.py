"""What the pages say of fingers: which, why another, what became of them; and what staff sign."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from api.kiosk.catalogue import load_catalogue
from api.kiosk.come_back import UNTIL
from api.kiosk.fingers import REASONS, FingerRow, finger_rows, open_fingers
from edge.settings_sections import Fingers
from edge.sitting import Event, FingerExceptionView, FingerPhase, Missing, Overlay, State
from formats.finger.position import ISO_POSITIONS
from tests.browser.desk import PIN, SCENES, STAFF_ID, TOKEN, finger, scene
from tests.test_kiosk_staff import Kiosk, kiosk

__all__ = ["kiosk"]
CATALOGUE = load_catalogue()
PAGE = Path(__file__).resolve().parent.parent / "docs" / "fingers.md"
WORN = FingerExceptionView("right_thumb", "02", "worn", "", confirmed=False)
INDEX = FingerExceptionView("right_index", "02", "", "", confirmed=False)
RING = FingerExceptionView("right_ring", "02", "", "", confirmed=False)


@pytest.mark.parametrize("position", ISO_POSITIONS)
def test_both_hands_are_drawn_and_one_finger_is_lit(kiosk: Kiosk, position: str):
    """The left hand stands left, the right hand right, as on the table; only one finger is lit."""
    kiosk.desk.put(finger(FingerPhase.PLACE, position))
    page = kiosk.page
    side = position.partition("_")[0]
    left, right = (page.index(words) for words in ("<span>左手</span>", "<span>右手</span>"))
    lit = page.index(f'data-finger="{position}"')

    assert left < right
    assert (lit < left) if side == "left" else (left < lit < right)
    assert page.count("data-finger=") == 1
    assert page.count('<div class="side lit">') == 1
    drawings = re.findall(r'<svg class="hand.*?</svg>', page, re.DOTALL)
    assert ["scale(-1 1)" in drawing for drawing in drawings] == [True, False]


def test_a_finger_that_stands_in_for_another_says_so(kiosk: Kiosk):
    """Announced in the question itself; the same finger asked for itself is simply asked for."""
    kiosk.desk.put(finger(FingerPhase.PLACE, "right_index"))
    assert "请按右手食指" in kiosk.page
    kiosk.desk.put(SCENES["finger-instead"])

    assert "换右手食指来按" in kiosk.page
    assert "没关系，我们换一个手指" in kiosk.page


def test_which_press_it_is_is_said_and_never_how_many_are_left(kiosk: Kiosk):
    """Nothing before the second press; then its number in words, and no other number."""
    most = Fingers.model_fields["presses_max"].metadata
    last = max(limit.le for limit in most if hasattr(limit, "le"))
    assert CATALOGUE.has(f"finger.press.{last}")
    for number, words in ((1, ""), (2, "第二次"), (5, "第五次")):
        shown = finger(FingerPhase.RETRY, presentation=number)
        kiosk.desk.put(shown)
        assert re.findall("<figcaption data-press[^>]*>(.*)</figcaption>", kiosk.page) == [words]


def test_a_reader_that_stays_away_can_be_gone_on_without(kiosk: Kiosk):
    """Not at once, for it mostly comes back; then by one touch, so that nobody waits for ever."""
    kiosk.desk.put(replace(SCENES["calm-long"], calm_long=False))
    assert "不等了" not in kiosk.page
    kiosk.desk.put(SCENES["calm-long"])
    assert "不等了，先办别的" in kiosk.page
    kiosk.touch("finger-skipped")

    assert kiosk.desk.asked == [(Event.FINGER_SKIPPED, TOKEN)]


def test_whoever_hears_the_page_hears_which_press_it_is_and_only_the_hand_that_is_asked_for(
    kiosk: Kiosk,
):
    """A figure with the role of an image hides what is written in it, the press among it."""
    kiosk.desk.put(finger(FingerPhase.PLACE, "left_thumb", presentation=2))
    figure = re.search(r"<figure.*?</figure>", kiosk.page, re.DOTALL)
    assert figure
    opening = figure[0].partition(">")[0]
    other = figure[0].partition("<span>右手</span>")[0].rpartition('<div class="side')[2]

    assert "role=" not in opening
    assert 'aria-label="左手拇指"' in opening
    assert other.startswith('" aria-hidden="true">')


def test_the_attendant_s_page_names_the_touches_as_the_screen_does():
    """What stands between quotation marks in its table of touches is on a button in English."""
    table = PAGE.read_text(encoding="utf-8").partition("| touch | words on the screen |")[2]
    quoted = re.findall(r'"([^"]+)"', table.partition("\n\n")[0])

    assert len(quoted) == 7
    assert set(quoted) <= set(CATALOGUE.lines["en"].values())


def test_a_good_press_is_praised_before_it_is_asked_for_again(kiosk: Kiosk):
    """The same finger once more is no fault of the person's."""
    kiosk.desk.put(SCENES["finger-confirm"])

    assert "很好，同一个手指再按一次" in kiosk.page


@pytest.mark.parametrize(
    ("touches", "event"),
    [
        (("finger-skipped",), Event.FINGER_SKIPPED),
        (("finger-more", "hand-skipped"), Event.HAND_SKIPPED),
        (("finger-more", "fingers-refused"), Event.FINGERS_REFUSED),
    ],
    ids=["this-finger", "this-hand", "no-fingers"],
)
def test_nobody_needs_more_than_two_touches_to_say_no(kiosk: Kiosk, touches, event):
    """One finger by one touch, a hand or all fingers by two; each touch is a button of its page."""
    kiosk.desk.put(SCENES["finger-place"])
    for action in touches:
        assert f'value="{action}"' in kiosk.page
        kiosk.touch(action)

    assert kiosk.desk.asked == [(event, TOKEN)]
    assert kiosk.overlay == ""


def test_whoever_looked_at_other_ways_can_go_on_pressing(kiosk: Kiosk):
    """The way back is the first choice; the finger is still asked for."""
    kiosk.desk.put(SCENES["finger-place"])
    kiosk.touch("finger-more")
    assert kiosk.overlay == "finger-more"
    assert "右手不方便" in kiosk.page
    kiosk.touch("stay")

    assert kiosk.overlay == ""
    assert kiosk.desk.asked == []


def test_other_ways_close_when_another_finger_is_asked_for(kiosk: Kiosk):
    """What was opened for one finger is never answered for the next."""
    kiosk.desk.put(SCENES["finger-place"])
    kiosk.touch("finger-more")
    kiosk.desk.put(SCENES["finger-instead"])

    assert kiosk.overlay == ""
    kiosk.desk.put(SCENES["review"])
    assert kiosk.overlay == ""


def test_a_refusal_that_is_not_possible_is_not_offered(kiosk: Kiosk):
    """The hand still can be left out."""
    kiosk.desk.put(finger(FingerPhase.PLACE, "left_thumb", refusable=False))
    kiosk.touch("finger-more")

    assert 'value="fingers-refused"' not in kiosk.page
    assert 'value="hand-skipped"' in kiosk.page
    assert "左手不方便" in kiosk.page


def opened(kiosk: Kiosk, name: str = "help-exception") -> None:
    """Staff were called, came, and opened the sheet."""
    kiosk.desk.put(SCENES[name])
    kiosk.touch("staff:exception")
    assert kiosk.desk.snapshot.overlay is None
    assert kiosk.overlay == "exception"


def test_an_attendant_signs_why_one_finger_is_not_given(kiosk: Kiosk):
    """Finger, reason, how long, number and PIN; the other finger stays open."""
    opened(kiosk)
    kiosk.touch("why:bandaged", "until:two_weeks")
    kiosk.type()
    began_on = date.today()
    kiosk.touch("exception:one")
    # Midnight may fall between.
    come_back = {UNTIL["two_weeks"].come_back_on(day) for day in (began_on, date.today())}

    [(words, staff_id)] = kiosk.desk.signed
    assert words in {f"right_thumb bandaged temporary {day}" for day in come_back}
    assert staff_id == STAFF_ID
    assert open_fingers(kiosk.desk.snapshot) == ("left_index",)
    assert kiosk.overlay == ""


def test_an_attendant_chooses_the_finger(kiosk: Kiosk):
    """One touch leads from finger to finger, and round again."""
    opened(kiosk)
    seen = []
    for _ in range(3):
        found = re.search(r'value="which:next">(\S+)', kiosk.page)
        assert found
        seen.append(found[1])
        kiosk.touch("which:next")
    kiosk.touch("why:amputated", "until:permanent")
    kiosk.type()
    kiosk.touch("exception:one")

    assert seen == ["右手拇指", "左手食指", "右手拇指"]
    assert kiosk.desk.signed == [("left_index amputated permanent None", STAFF_ID)]


def test_one_reason_for_all_is_signed_once_and_the_asked_finger_last(kiosk: Kiosk):
    """The sitting goes on with the asked finger: it must not go on before the others are signed."""
    opened(kiosk)
    kiosk.touch("why:worn", "until:no_date")
    kiosk.type()
    kiosk.touch("exception:all")

    assert kiosk.desk.signed == [
        ("right_thumb worn temporary None", STAFF_ID), ("left_index worn temporary None", STAFF_ID),
    ]  # fmt: skip


@pytest.mark.parametrize("left_out", ["why:dry", "until:one_month", "number"])
def test_without_reason_time_or_number_nothing_is_signed_and_the_rest_is_asked_for(
    kiosk: Kiosk, left_out: str
):
    """One neutral line; what was chosen stays chosen."""
    opened(kiosk, "help")
    kiosk.touch(*({"why:dry", "until:one_month"} - {left_out}))
    if left_out != "number":
        kiosk.type()
    kiosk.touch("exception:one")

    assert kiosk.desk.signed == []
    assert "再选原因和时间" in kiosk.page
    assert kiosk.page.count('aria-pressed="true"') == (2 if left_out == "number" else 1)


def test_a_wrong_pin_signs_none_of_several(kiosk: Kiosk):
    """And says so; nothing is half signed."""
    opened(kiosk)
    kiosk.touch("why:worn", "until:permanent")
    kiosk.type(pin="999999")
    kiosk.touch("exception:all")
    assert kiosk.desk.signed == []
    assert "工号和密码对不上" in kiosk.page
    kiosk.touch(*(f"key:{digit}" for digit in PIN), "exception:all")

    assert len(kiosk.desk.signed) == 2


def test_a_reason_of_another_sheet_is_no_reason_here(kiosk: Kiosk):
    """A head covering says nothing of a finger, and a bandage nothing of a portrait."""
    opened(kiosk, "help")
    kiosk.touch("reason:neck_condition", "until:permanent")
    kiosk.type()
    kiosk.touch("exception:one")
    assert kiosk.desk.signed == []
    kiosk.desk.put(SCENES["help-portrait"])
    kiosk.touch("staff:shutter", "why:other")
    kiosk.type()
    kiosk.touch("shutter:take")

    assert kiosk.desk.signed == []


def test_staff_reach_the_sheet_from_the_review_by_the_help_that_stands_everywhere(kiosk: Kiosk):
    """As long as something is open; afterwards help is only help."""
    kiosk.desk.put(replace(SCENES["review-exceptions"], overlay=Overlay.HELP))
    assert 'value="staff:exception"' in kiosk.page
    kiosk.desk.put(replace(SCENES["review-hand"], overlay=Overlay.HELP))

    assert 'value="staff:exception"' not in kiosk.page


def test_an_attendant_who_was_called_by_the_station_is_announced(kiosk: Kiosk):
    """Who comes, and that there is no hurry; before that, not a word."""
    kiosk.desk.put(SCENES["finger-retry"])
    assert "工作人员正过来帮您" not in kiosk.page
    kiosk.desk.put(SCENES["finger-called"])

    assert "工作人员正过来帮您，不着急" in kiosk.page


def test_a_reader_that_is_not_good_enough_is_not_the_person_s_concern(kiosk: Kiosk):
    """No finger is asked for, and no reason given but that none is needed here."""
    kiosk.desk.put(SCENES["review-elsewhere"])

    assert "今天不用在这里按手指" in kiosk.page
    assert "以后再补" in kiosk.page


def test_the_review_tells_what_became_of_each_finger():
    """Given, noted for good, to follow; a hand that cannot is one line, not five."""
    shown = scene(
        State.REVIEW, fingers_in=("left_thumb",), finger_exceptions=(WORN,),
        missing=(Missing("finger:right_thumb", "failed"), Missing("portrait", "not_possible")),
    )  # fmt: skip
    given = FingerRow("left_thumb", "in")
    assert finger_rows(shown) == (given, FingerRow("right_thumb", "missing"))
    refused = replace(shown, missing=(Missing("finger:right_thumb", "refused"),))
    assert finger_rows(refused) == (given, FingerRow("right_thumb", "noted"))
    replaced = replace(shown, missing=(), fingers_in=("left_thumb", "right_index"))
    assert finger_rows(replaced)[2:] == (FingerRow("right_thumb", "noted"),)
    bandaged = replace(WORN, permanence="temporary", confirmed=True, wanted=False)
    stood_in = replace(replaced, finger_exceptions=(bandaged,))
    assert finger_rows(stood_in)[2:] == (FingerRow("right_thumb", "noted"),)
    signed = [
        replace(row, permanence=permanence, confirmed=True)
        for row, permanence in ((WORN, "temporary"), (INDEX, "permanent"), (RING, "permanent"))
    ]
    told = finger_rows(replace(shown, missing=(), finger_exceptions=tuple(signed)))
    assert told == (given, FingerRow("right_thumb", "missing"), FingerRow("", "noted"))


def test_nobody_is_told_to_wait_for_staff_where_another_finger_stands_in(kiosk: Kiosk):
    """All is done, and the page says so; an attendant who comes by may sign all the same."""
    stood_in = replace(
        SCENES["review-exceptions"], finger_exceptions=(replace(WORN, wanted=False),)
    )
    kiosk.desk.put(stood_in)
    page = kiosk.page

    assert "都好了，交上去吗？" in page
    assert "手指可以请工作人员看一下" not in page
    assert "以后再补" not in page
    assert "已记下" in page
    assert open_fingers(stood_in) == ("right_thumb",)
    kiosk.desk.put(replace(stood_in, finger_exceptions=(WORN,)))
    assert "手指可以请工作人员看一下" in kiosk.page


def test_what_somebody_said_no_to_is_not_asked_for_again_at_the_end(kiosk: Kiosk):
    """The result lists what can follow later, and a refusal is not among it."""
    one_missing = replace(SCENES["result-missing"], missing=(Missing("portrait", "not_possible"),))
    kiosk.desk.put(one_missing)
    assert "还差这些" in kiosk.page
    refused = Missing("finger:left_thumb", "refused")
    kiosk.desk.put(replace(one_missing, missing=(refused,)))
    assert "还差这些" not in kiosk.page
    assert "左手拇指" not in kiosk.page
    kiosk.desk.put(replace(one_missing, missing=(replace(refused, reason="failed"),)))

    assert "左手拇指" in kiosk.page


def test_what_waits_for_staff_is_the_open_and_the_asked_finger_the_asked_one_last():
    """In other states nothing waits; a signed one waits no more."""
    asked = finger(FingerPhase.PLACE, "right_index", finger_exceptions=(INDEX, WORN))

    assert open_fingers(asked) == ("right_thumb", "right_index")
    assert open_fingers(replace(asked, state=State.REVIEW)) == ("right_index", "right_thumb")
    assert open_fingers(replace(asked, state=State.CLOSING)) == ()
    signed = tuple(replace(row, confirmed=True) for row in asked.finger_exceptions)
    assert open_fingers(scene(State.REVIEW, finger_exceptions=signed)) == ()


@pytest.mark.parametrize(
    ("until", "today", "day"),
    [
        ("permanent", "2026-11-22", None),
        ("no_date", "2026-11-22", None),
        ("two_weeks", "2026-12-25", "2027-01-08"),
        ("one_month", "2026-01-31", "2026-02-28"),
        ("one_month", "2028-01-31", "2028-02-29"),
        ("one_month", "2026-12-05", "2027-01-05"),
        ("three_months", "2026-11-30", "2027-02-28"),
    ],
)
def test_the_day_to_come_back_is_a_day_of_the_calendar(until: str, today: str, day: str | None):
    """Across short months, leap days and the new year."""
    assert UNTIL[until].come_back_on(date.fromisoformat(today)) == day


def test_every_code_of_a_sheet_and_of_a_finger_has_words():
    """What staff choose from, what the person is told: no code ever stands on a page."""
    wanted = {f"exception.reason.{reason}" for reason in REASONS}
    wanted |= {f"exception.until.{until}" for until in UNTIL}
    wanted |= {f"finger.{way}.{p}" for p in ISO_POSITIONS for way in ("ask", "instead", "name")}
    wanted |= {f"finger.press.{number}" for number in range(2, 10)}

    assert not [line_id for line_id in wanted if not CATALOGUE.has(line_id)]
    assert {until.permanence for until in UNTIL.values()} == {"permanent", "temporary"}

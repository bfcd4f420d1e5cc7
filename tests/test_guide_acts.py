"""What staff do at the console for somebody before the screen, and what the audit tells of it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.console.session import LOCKS_AFTER_S
from api.guide.acts import TAKE_OVER
from api.guide.app import WORDS as WORDS_FOLDER
from api.guide.rows import detail, queue_rows
from api.kiosk.catalogue import MASTER, SECOND, load_catalogue
from api.kiosk.come_back import UNTIL
from edge.assist.acts import ACTS, ActBook
from edge.assist.offers import HER_OWN_WORD, NOTHING, may_see, offers
from edge.assist.remote import GONE_AFTER_S, NO_HOLDS_S, WORDS, places
from edge.fingers.exceptions import ExceptionReason
from edge.initials import UNKNOWN, surname_initial
from edge.orders.order import Order
from edge.override import OverrideReason
from edge.service.ticket import KINDS
from edge.sitting import FROM_THE_PERSON, Event, Overlay, State
from edge.staff import ASSISTING, Member
from tests.browser.desk import REUSE, SCENES, finger, scene
from tests.browser.desk import FingerPhase as Phase
from tests.guide_kit import CHECKOUT, GUIDE, REMOTE, SHOWN_AS, VOLUNTEER, Hall, hall
from tests.order_kit import SLIP, SURNAME, wanted

HANZI = re.compile(r"[㐀-鿿]")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Hall]:
    """A station on which one order waits."""
    with hall(tmp_path) as found:
        found.found.orders.add(wanted(candidates=()))
        yield found


def shown(opened: Hall):
    return opened.desk.snapshot


def test_a_guide_begins_acts_for_the_person_and_gives_back_and_nothing_is_lost(opened: Hall):
    """From the day's number to the portrait, each act with who it was; then she goes on alone."""
    guide = opened.tablet(GUIDE)
    guide.reads(SLIP)
    guide.act("begin", row=opened.found.orders.waiting()[0].sitting_id)
    assert (shown(opened).state, shown(opened).assisted_by) == (State.NAME, GUIDE)
    guide.act("move:name-right")
    token = shown(opened).token
    guide.act("move:agree")
    assert shown(opened).state is State.CONSENT
    assert "先勾选" in guide.page
    guide.act("move:agree", told="yes")
    assert shown(opened).state is State.PORTRAIT
    guide.act("give-back")

    assert (shown(opened).state, shown(opened).assisted_by) == (State.PORTRAIT, "")
    assert shown(opened).token == token
    assert [row[1] for row in opened.acts("guide.")] == [
        "guide.sign_in", "guide.begin", "guide.take_over", "guide.move", "guide.move",
        "guide.give_back",
    ]  # fmt: skip
    assert {row[0] for row in opened.acts("guide.")} == {GUIDE}
    opened.desk.ask(Event.LEAVE, token)


def test_a_consent_that_was_said_aloud_is_recorded_with_its_witness(opened: Hall):
    """The person agrees, the attendant heard it: the record says both."""
    opened.desk.ask(Event.START)
    guide = opened.tablet(GUIDE)
    guide.act("take-over", reason="sight")
    guide.act("move:agree", told="yes")
    guide.act("give-back")
    for event in (Event.PORTRAIT_GIVEN_UP, Event.FINGERS_REFUSED, Event.HAND_IN):
        opened.desk.ask(event, shown(opened).token)
    consent = opened.found.record_of("consent.json")

    assert (consent["way"], consent["witness"]) == ("spoken", GUIDE)
    assert GUIDE not in json.dumps(opened.found.record_of("sitting.json")["missing"])


def test_what_only_the_person_can_say_is_never_a_volunteer_s(opened: Hall):
    """A volunteer drives the pages; consent, refusal and leaving are not offered nor done."""
    opened.desk.ask(Event.START)
    volunteer = opened.tablet(VOLUNTEER)
    volunteer.act("take-over", reason="hands")
    assert shown(opened).assisted_by == VOLUNTEER
    assert not {f"move:{event.value}" for event in HER_OWN_WORD} & volunteer.buttons()
    for word in ("agree", "agree-photo-only", "decline", "leave"):
        volunteer.act(f"move:{word}", told="yes")

    assert shown(opened).state is State.CONSENT
    assert SURNAME not in volunteer.page


def test_a_form_made_by_hand_is_refused_to_whoever_may_not(opened: Hall):
    """What signs, closes, deletes or opens a row is a guide's; what is from afar, nobody's here."""
    opened.desk.ask(Event.START)
    volunteer = opened.tablet(VOLUNTEER)
    volunteer.act("take-over", reason="hands")
    guides_own = (
        *("open-row", "close-row", "exception", "same-person:yes", "close-missing"),
        *("left-resume", "left-close", "left-delete"),
    )
    from_afar = ("ask", "say:remote.word.hello", "point:leave", "retry", "to-window", "end")
    for act in (*guides_own, *(f"remote-{what}" for what in from_afar)):
        assert volunteer.act(act, told="yes", row="x", left="x").status == 403, act


def test_who_did_not_take_over_acts_for_nobody(opened: Hall):
    """Nor while another one does; and the other one's forms do not give back what is not theirs."""
    opened.desk.ask(Event.START)
    guide, volunteer = opened.tablet(GUIDE), opened.tablet(VOLUNTEER)
    guide.act("move:agree", told="yes")
    volunteer.act("take-over", reason="asked")
    guide.act("move:agree", told="yes")
    guide.act("take-over", reason="asked")
    guide.act("give-back")

    assert (shown(opened).state, shown(opened).assisted_by) == (State.CONSENT, VOLUNTEER)
    assert "屏幕已经往下走了" in guide.page


def test_a_form_of_a_screen_that_has_gone_on_does_nothing(opened: Hall):
    """The token and the mark are of what was seen, not of what is."""
    opened.desk.ask(Event.START)
    guide = opened.tablet(GUIDE)
    guide.act("take-over", reason="asked")
    guide.act("move:agree", told="yes", mark="portrait")
    guide.act("move:agree", told="yes", token="another")

    assert shown(opened).state is State.CONSENT


def test_a_sitting_is_closed_with_what_is_there_and_each_finger_is_signed_for(opened: Hall):
    """A portrait is in, the fingers are not: accepted with something missing, by whom and why."""
    opened.desk.ask(Event.START)
    opened.desk.ask(Event.AGREE, shown(opened).token)
    guide = opened.tablet(GUIDE)
    guide.act("take-over", reason="asked")
    assert "close-missing" not in guide.buttons()
    opened.desk.ask(Event.PORTRAIT_GIVEN_UP, shown(opened).token)
    guide.read()
    guide.act("exception", position=shown(opened).finger.position, reason="bandaged",
              until="two_weeks")  # fmt: skip
    rows = shown(opened).finger_exceptions

    assert [(row.reason, row.permanence, row.confirmed) for row in rows[:1]] == [
        ("bandaged", "temporary", True)
    ]
    assert opened.acts("guide.exception") == [(GUIDE, "guide.exception", "ok")]
    guide.act("to-window")
    assert shown(opened).state is State.RESULT
    assert opened.acts("guide.to_window") == [(GUIDE, "guide.to_window", "ok")]


@pytest.mark.parametrize("act", ["left-resume", "left-close", "left-delete"])
def test_a_sitting_that_was_left_is_gone_on_with_closed_or_deleted(tmp_path: Path, act: str):
    """Each by a guide, sure of it, and noted; the list never says whose it is."""
    with hall(tmp_path) as opened:
        opened.found.orders.add(wanted(candidates=()))
        loop, _ = opened.found.begin(Event.AGREE)
        opened.found.give_portrait(loop)
        loop._moves.leave_alone()
        guide = opened.tablet(GUIDE)
        (left,) = opened.desk.left()
        assert SURNAME not in guide.page
        if act != "left-resume":
            guide.act(act, left=left.sitting_id)
            assert opened.desk.left() == (left,)
        guide.act(act, left=left.sitting_id, told="yes")

        assert opened.desk.left() == ()
        assert opened.acts("guide.left") == [(GUIDE, f"guide.{act.replace('-', '_')}", "ok")]
        if act == "left-resume":
            assert shown(opened).sitting_id == left.sitting_id
            assert shown(opened).portrait_in


def test_a_call_is_seen_answered_and_resolved_and_the_person_sees_who_comes(opened: Hall):
    """From the help button to the end; the ticket notes both with the guide's id."""
    opened.desk.ask(Event.START)
    opened.desk.call_help(True)
    guide = opened.tablet(GUIDE)
    (ticket,) = opened.found.tickets.open()
    assert "按了帮忙键" in guide.page
    guide.act("answer", ticket=ticket.id)
    opened.until(lambda now: now.help and now.help.answered_by)
    guide.act("resolve", ticket=ticket.id)

    assert opened.found.tickets.open() == []
    answered = [row for row in opened.found.audit() if row["actor"]["id"] == GUIDE]
    assert len([row for row in answered if "help" in row["act"] or "ticket" in row["act"]]) == 2


def test_help_from_afar_is_asked_for_agreed_to_shown_and_ended_by_one_touch(opened: Hall):
    """Nothing before the call, nothing before the word, the banner as long as it lasts."""
    opened.desk.ask(Event.START)
    far = opened.tablet(REMOTE)
    assert "remote-ask" not in far.buttons()
    far.act("remote-ask")
    assert shown(opened).remote is None
    opened.desk.call_help(True)
    far.read()
    far.act("remote-ask")
    asked = shown(opened).remote
    assert (asked.name, asked.phase) == (SHOWN_AS, "asked")
    far.act("remote-say:remote.word.hello")
    assert shown(opened).remote.say == ""
    assert "data-step" not in far.page
    opened.desk.remote_answer(True)
    far.reads("data-step")
    far.act("remote-say:remote.word.hello")
    far.act("remote-point:agree")
    assert (shown(opened).remote.say, shown(opened).remote.point) == ("remote.word.hello", "")
    opened.desk.remote_answer(False)
    opened.until(lambda now: now.remote is None)
    far.act("remote-say:remote.word.well")

    assert shown(opened).remote is None
    assert "data-step" not in far.page
    _wait_for_end(opened)
    assert [row[1:] for row in opened.acts("remote.")] == [
        ("remote.ask", "ok"), ("remote.on", "ok"), ("remote.say", "ok"), ("remote.end", "ended")
    ]  # fmt: skip


def test_from_afar_only_calls_for_help_are_read(opened: Hall):
    """Who was not satisfied, and whose number was not found, is the hall's own."""
    opened.found.tickets.raise_("rating", None, "poor")
    opened.found.tickets.raise_("number", None, "unknown")
    opened.desk.ask(Event.START)
    opened.desk.call_help(True)
    words = load_catalogue(WORDS_FOLDER)
    whys = {why: words.line(MASTER, f"calls.why.{why}") for why in ("poor", "unknown", "touched")}
    for staff_id, read in ((GUIDE, set(whys)), (REMOTE, {"touched"})):
        page = opened.tablet(staff_id).page
        assert {why for why, line in whys.items() if line in page} == read


def test_no_picture_leaves_after_the_word_that_ends_the_help(opened: Hall):
    """Not even the one that was being made when she said so."""
    for event in (Event.START, Event.AGREE):
        opened.desk.ask(event, opened.desk.snapshot.token)
    opened.desk.call_help(True)
    far = opened.tablet(REMOTE)
    far.act("remote-ask")
    opened.desk.remote_answer(True)
    assert far.ask("GET", "/preview.jpg").status == 200
    really = opened.camera.wait_preview

    def ends_meanwhile(after: int, timeout_s: float):
        opened.desk.remote_answer(False)
        return really(after, timeout_s)

    opened.camera.wait_preview = ends_meanwhile
    answer = far.ask("GET", "/preview.jpg?after=-2")
    while shown(opened).remote is not None:
        answer = far.ask("GET", "/preview.jpg?after=-2")
    assert answer.status == 204
    _wait_for_end(opened)


def test_a_helper_who_is_gone_is_gone_from_the_screen(opened: Hall):
    """No banner stays for somebody whose page has closed, and no page sees on."""
    opened.desk.ask(Event.START)
    opened.desk.call_help(True)
    far = opened.tablet(REMOTE)
    far.act("remote-ask")
    opened.desk.remote_answer(True)
    opened.clock.now_s += GONE_AFTER_S + 1
    # Another one's page keeps nobody here.
    opened.remote.renew(Member(GUIDE, "guide", ""))
    opened.until(lambda now: now.remote is None)
    _wait_for_end(opened)

    assert opened.acts("remote.end") == [(REMOTE, "remote.end", "gone")]
    assert opened.clock.now_s < 1000 + LOCKS_AFTER_S


def test_from_afar_nothing_is_stored_consented_or_overruled(opened: Hall):
    """With everything agreed to: every other act is refused, and the window is the way out."""
    opened.desk.ask(Event.START)
    opened.desk.call_help(True)
    far = opened.tablet(REMOTE)
    far.act("remote-ask")
    opened.desk.remote_answer(True)
    before = shown(opened)
    far.read()
    for act in ("take-over", "move:agree", "shutter", "exception", "close-missing", "give-back"):
        assert far.act(act, told="yes", reason="asked").status == 403
    assert (shown(opened).state, shown(opened).assisted_by) == (before.state, "")
    far.act("remote-to-window")

    assert shown(opened).state is State.RESULT
    opened.until(lambda now: now.remote is None)
    _wait_for_end(opened)


def test_who_said_no_is_not_asked_again_at_once(opened: Hall):
    """Not for two minutes, unless she calls herself; a helper who withdrew may ask again."""
    opened.desk.ask(Event.START)
    opened.desk.call_help(True)
    far = opened.tablet(REMOTE)
    far.act("remote-ask")
    far.act("remote-end")
    opened.until(lambda now: now.remote is None)
    _until_ended(opened, 1)
    far.act("remote-ask")
    assert shown(opened).remote.phase == "asked"
    opened.desk.remote_answer(False)
    _until_ended(opened, 2)
    far.act("remote-ask")
    assert shown(opened).remote is None
    assert "remote-ask" not in far.buttons()
    opened.clock.now_s += NO_HOLDS_S / 2
    far.act("remote-ask")
    assert shown(opened).remote is None
    opened.clock.now_s += NO_HOLDS_S / 2
    far.read()
    far.act("remote-ask")
    assert shown(opened).remote.phase == "asked"


def _until_ended(opened: Hall, times: int) -> None:
    """The watcher notes the end, and what it means, a moment after the screen shows it."""
    until_s = time.monotonic() + 60
    while len(opened.acts("remote.end")) < times or opened.remote.owner:
        assert time.monotonic() < until_s
        time.sleep(0.01)


def _wait_for_end(opened: Hall) -> None:
    """The watcher notes the end a moment after the screen shows it."""
    opened.remote.close()


@pytest.mark.parametrize("name", sorted(SCENES), ids=str)
def test_no_screen_offers_staff_what_is_the_person_s_alone(name: str):
    """Over every screen: a rating is hers, a volunteer says nothing for her, from afar nothing."""
    now = SCENES[name]
    guide, volunteer = offers(now, "guide"), offers(now, "volunteer")

    assert set(guide.moves) <= FROM_THE_PERSON
    assert not {event.value for event in guide.moves if event.value.startswith(("rate", "reason"))}
    assert not set(volunteer.moves) & HER_OWN_WORD
    assert (volunteer.fingers, volunteer.close_missing, volunteer.same_person) == ((), False, False)
    assert offers(now, "remote") == NOTHING
    assert not set(places(now)) & {event.value for event in (Event.AGREE, Event.DECLINE)}
    if may_see(now):
        assert now.state in (State.PORTRAIT, State.REUSE_CHECK)


def test_what_an_opened_row_tells_is_made_for_guides_alone():
    """Whatever a session remembers as opened: nobody else's page gets a word of it."""
    order = Order("s-1", "ref-1", surname=SURNAME, honorific="女士", slip_code=SLIP)

    assert detail(order, "guide").surname == SURNAME
    assert detail(order, "volunteer") is None
    assert detail(order, "remote") is None
    assert SURNAME not in repr(queue_rows([order]))


def test_no_picture_is_seen_of_fingers_letters_or_what_was_taken():
    """Only while a face is being photographed, and not behind a card."""
    assert may_see(scene(State.PORTRAIT))
    assert may_see(scene(State.PORTRAIT, overlay=Overlay.HELP))
    assert may_see(scene(State.REUSE_CHECK, reuse=REUSE))
    for now in (
        finger(Phase.PLACE), scene(State.PROXY), scene(State.PORTRAIT_OK, portrait_preview=True),
        scene(State.PORTRAIT, overlay=Overlay.REST), scene(State.REVIEW), SCENES["reuse-compare"],
    ):  # fmt: skip
        assert not may_see(now)


@pytest.mark.parametrize(
    ("surname", "initial"),
    [("陈", "C"), ("欧阳", "O"), ("单", "S"), ("Smith", "S"), ("Ångström", "A"), ("", UNKNOWN),
     ("曾", "Z"), ("ß", "S"), ("1", UNKNOWN), ("  李", "L"), ("仇", "Q"), ("尉迟", "Y")],
)  # fmt: skip
def test_of_a_surname_a_list_shows_one_letter(surname: str, initial: str):
    """As it is read as a surname, and never more than one."""
    assert surname_initial(surname) == initial


def test_the_console_has_a_line_for_everything_in_both_languages():
    """Every screen, cover, act, reason and call; whole sentences, short, no foreign letters."""
    words = load_catalogue(WORDS_FOLDER)
    codes = {f"screen.{state.value}" for state in State}
    codes |= {f"over.{overlay.value}" for overlay in Overlay}
    codes |= {
        f"move.{event.value}" for name in SCENES for event in offers(SCENES[name], "guide").moves
    }
    codes |= {f"reason.{reason.value}" for reason in OverrideReason}
    codes |= {f"why.{reason.value}" for reason in ExceptionReason}
    codes |= {f"until.{until}" for until in UNTIL} | {f"role.{role}" for role in ASSISTING}
    codes |= {f"take_over.reason.{reason}" for reason in TAKE_OVER}
    codes |= {f"calls.kind.{kind}" for kind in KINDS}
    sources = (path.read_text("utf-8") for path in (CHECKOUT / "edge").rglob("*.py"))
    calls = {
        why for text in sources for why in re.findall(r'calls\.call\("[a-z]+", "([a-z_]+)"', text)
    }
    codes |= {f"calls.why.{why}" for why in calls}
    templates = (CHECKOUT / "api" / "guide" / "templates").glob("*.html")
    codes |= {
        code for page in templates for code in re.findall(r'line\("([a-z_.]+)"\)', page.read_text())
    }
    lines = words.lines[MASTER]

    assert calls
    assert not {code for code in codes if not words.has(code)}
    assert set(lines) == set(words.lines[SECOND])
    for code, line in lines.items():
        assert all(len(HANZI.findall(part)) <= 20 for part in re.split("[。！？：]", line)), line
        assert code == "bar.language" or not re.search("[A-Za-z]", line), line


def test_an_act_that_no_console_does_is_not_noted(opened: Hall):
    """The audit's words are a closed list, and the page lists them."""
    book = ActBook(opened.found.store)
    with pytest.raises(ValueError, match="no console"):
        book.note(Member(GUIDE, "guide"), "guide.calibrate")
    page = (Path(__file__).parent.parent / "docs" / "guide.md").read_text("utf-8")

    assert not [act for act in ACTS if f"`{act}`" not in page]
    assert all(word.startswith("remote.word.") for word in WORDS)

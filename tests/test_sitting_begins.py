"""How a sitting begins: by the number of a slip, by a relative, by consent, with papers.

The real loop, moves, records and journal; there are no devices, and nobody is photographed.
"""

from __future__ import annotations

import hashlib
import tomllib
from contextlib import contextmanager, nullcontext
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.camera_owner import CameraOwner
from edge.consent import CONSENT_VERSION, consent_sha256, digest_of_text
from edge.orders.order import Preferences
from edge.orders.slips import UNKNOWN_MAX, WITHIN_S, SlipTries, slip_code
from edge.screen import Picture
from edge.settings import Portrait, portrait_rules
from edge.sitting import (
    LANGUAGES,
    Event,
    IllegalMove,
    MaterialStep,
    NameView,
    Overlay,
    Result,
    Snapshot,
    StaleToken,
    State,
)
from edge.supervisor import Upkeep
from edge.utc import now_ms
from tests.delivery_kit import until
from tests.order_kit import DOCUMENTS, PERSONAL, SLIP, SURNAME, all_text, wanted
from tests.sitting_kit import Sittings, sittings
from tests.test_device_owners import WiredCamera

CATALOGUE = Path(__file__).resolve().parent.parent / "api" / "kiosk" / "catalogue"
DUE = (date.today() + timedelta(days=30)).isoformat()


@pytest.fixture
def station(tmp_path):
    with sittings(tmp_path) as found:
        yield found


class Person:
    """Somebody at the screen of one station."""

    def __init__(self, station: Sittings) -> None:
        self.station = station
        self.loop, self.screen = station.loop()

    @property
    def shown(self) -> Snapshot:
        return self.screen.snapshot

    def touch(self, *events: Event) -> Snapshot:
        for event in events:
            self.loop.from_person(event, self.shown.token, None)
        return self.shown

    def gives(self, digits: str) -> Snapshot:
        self.loop.give_number(self.shown.token, digits, "")
        return self.shown

    def hands_in(self) -> None:
        """To the end, without a portrait and without fingers."""
        self.touch(Event.PORTRAIT_GIVEN_UP)
        if self.shown.state is State.FINGER:
            self.touch(Event.FINGERS_REFUSED)
        self.touch(Event.HAND_IN)


@pytest.fixture
def person(station):
    return Person(station)


# By number


@pytest.mark.parametrize("given", [SLIP, f"anxin:{SLIP}", f"ANXIN:{SLIP}\r\n", f" {SLIP}\n"])
@pytest.mark.parametrize("first", [(), (Event.ENTER_NUMBER,)], ids=["scanned", "typed"])
def test_the_number_of_a_slip_begins_its_order_and_asks_for_the_name(person, given, first):
    """Typed or scanned, from the welcome screen too; of the person only how to greet her."""
    order = person.station.orders.add(wanted())
    person.touch(*first)
    shown = person.gives(given)

    assert (shown.state, shown.name) == (State.NAME, NameView(SURNAME, "女士"))
    assert shown.sitting_id == order.sitting_id
    assert person.station.orders.row(order.sitting_id).state == "running"


def test_a_scanner_behind_a_chinese_keyboard_types_the_same_code():
    """Full-width forms, whatever input method is on."""
    assert slip_code("ａｎｘｉｎ：００４２１７\n") == SLIP


@given(st.text(max_size=40))
def test_nothing_but_six_digits_is_a_number(text):
    """Whatever a scanner brings, from a shop's bar code to a whole page."""
    found = slip_code(text)
    assert found is None or (len(found) == 6 and found.isascii() and found.isdigit())


def test_an_unknown_number_calls_staff_and_blames_nobody(person):
    """It stays on the screen for it, says who comes, and another number may be given."""
    person.touch(Event.ENTER_NUMBER)
    shown = person.gives("999999")
    (ticket,) = person.station.tickets.open()

    assert (shown.state, shown.number_unknown, shown.number_closed) == (State.NUMBER, True, False)
    assert shown.help is not None
    assert (ticket.kind, ticket.why, ticket.sitting_id) == ("number", "unknown", None)

    person.station.orders.add(wanted())
    assert person.gives(SLIP).state is State.NAME
    assert not person.shown.number_unknown
    assert person.station.tickets.open() == []


@pytest.mark.parametrize("why", ["used", "expired", "twice", "not yet"])
def test_a_number_under_which_no_single_order_waits_is_unknown(person, why):
    """Of two persons with one number neither gets the other's order."""
    orders = person.station.orders
    if why == "used":
        orders.take(orders.add(wanted()).sitting_id)
    elif why == "expired":
        orders.add(wanted(expires_at_ms=now_ms() - 1))
    elif why == "not yet":
        orders.add(wanted(not_before_ms=now_ms() + 3_600_000, expires_at_ms=now_ms() + 7_200_000))
    else:
        orders.add(wanted())
        orders.add(wanted())

    assert person.gives(SLIP).number_unknown
    assert person.station.store.open_packages() == []


def test_after_a_few_unknown_numbers_only_staff_lead_on(person):
    """Nobody finds out another one's number by trying; an attendant's own is looked up."""
    person.station.orders.add(wanted())
    for n in range(UNKNOWN_MAX):
        shown = person.gives(f"90000{n}")
    assert shown.number_closed

    assert person.gives(SLIP).state is State.NUMBER
    person.loop.give_number(person.shown.token, SLIP, "guide-7")
    assert person.shown.state is State.NAME


def test_the_tries_are_forgotten_with_time():
    """Ten minutes later the next person may type."""
    clock_s = [0.0]
    tries = SlipTries(lambda: clock_s[0])
    for _ in range(UNKNOWN_MAX - 1):
        tries.unknown()
    assert not tries.closed
    tries.unknown()
    assert tries.closed
    clock_s[0] = WITHIN_S
    assert not tries.closed


def test_no_number_is_taken_in_the_middle_of_a_sitting(person):
    """A slip that somebody else holds before the scanner changes nothing."""
    person.station.orders.add(wanted())
    before = person.touch(Event.START)
    with pytest.raises(IllegalMove):
        person.gives(SLIP)
    with pytest.raises(StaleToken):
        person.loop.give_number("another", SLIP, "")

    assert person.shown.state is before.state


def test_whoever_is_not_that_person_puts_the_order_back_and_staff_are_called(person):
    """The next screen says that somebody comes; the order waits for its own person."""
    order = person.station.orders.add(wanted())
    person.gives(SLIP)
    shown = person.touch(Event.NAME_WRONG)
    (ticket,) = person.station.tickets.open()

    assert (shown.state, shown.overlay, shown.name) == (State.WELCOME, Overlay.HELP, None)
    assert (ticket.kind, ticket.why) == ("number", "not_hers")
    assert person.station.orders.row(order.sitting_id).state == "waiting"
    assert person.station.store.open_packages() == []


def test_whoever_leaves_before_the_consent_leaves_the_order_waiting(person):
    """A number that was mistyped must not cancel another one's order."""
    order = person.station.orders.add(wanted())
    person.gives(SLIP)
    person.touch(Event.LEAVE)

    assert person.station.orders.row(order.sitting_id).state == "waiting"
    assert person.station.store.open_packages() == []


def test_an_order_that_names_nobody_goes_on_to_the_consent(person):
    """There is nothing to ask."""
    person.station.orders.add(wanted(surname="", honorific=""))

    assert person.gives(SLIP).state is State.CONSENT


def test_an_order_that_names_nobody_but_expects_a_relative_asks_who_is_here(person):
    """Else nobody would ever ask."""
    person.station.orders.add(wanted(surname="", honorific="", proxy=True))

    assert person.gives(SLIP).state is State.NAME


@pytest.mark.parametrize(
    ("begin", "walk_in", "offered", "takes"),
    [("next", True, True, True), ("next", False, True, True), ("number", True, True, False)],
    ids=["next", "next, orders only", "number"],
)
def test_what_a_touch_on_begin_takes_is_the_stations_setting(
    station, begin, walk_in, offered, takes
):
    """The oldest order where the centre's queue sends one at a time; else nobody's."""
    order = station.orders.add(wanted())
    station.set(begin=begin, walk_in=walk_in)
    person = Person(station)
    person.loop._guarded(person.loop._round)
    assert person.shown.can_start is offered

    shown = Person(station).touch(Event.START)
    assert (shown.sitting_id == order.sitting_id) is takes
    assert shown.state is State.CONSENT


def test_where_only_slips_begin_a_sitting_no_touch_does(station):
    """Neither for oneself nor for a relative."""
    station.set(begin="number", walk_in=False)
    person = Person(station)
    person.loop._guarded(person.loop._round)

    for event in (Event.START, Event.START_AS_RELATIVE):
        with pytest.raises(IllegalMove):
            person.touch(event)
    assert not person.shown.can_start


def test_where_only_orders_begin_and_none_waits_a_touch_asks_for_the_number(station):
    """Nobody becomes a walk-in where there are none."""
    station.set(begin="next", walk_in=False)

    assert Person(station).touch(Event.START).state is State.NUMBER


# A relative


@contextmanager
def camera_that_works(station: Sittings):
    """A camera at the other end of the protocol, in the hands of its real owner."""
    owner = CameraOwner(Upkeep("camera-2", "camera", "wired"), lambda: WiredCamera(lambda: None))
    owner.start()
    try:
        until(lambda: owner.status.working)
        station.set(camera=owner)
        yield
    finally:
        owner.close()


def test_a_relative_may_bring_the_letter_later(person):
    """It is missing, and until when; the rest goes on."""
    person.station.orders.add(wanted(proxy=True, proxy_relation="daughter", candidates=()))
    person.gives(SLIP)
    assert person.touch(Event.NAME_RELATIVE).state is State.PROXY
    shown = person.touch(Event.LETTER_LATER)
    assert (shown.state, shown.who) == (State.CONSENT, "proxy")
    person.touch(Event.AGREE)
    person.hands_in()

    consent, proxy = (
        person.station.record_of("consent.json"),
        person.station.record_of("proxy.json"),
    )
    missing = {row["what"]: row for row in person.station.record_of("sitting.json")["missing"]}
    assert consent["who"] == "proxy"
    assert proxy == {
        "v": 1, "relation": "daughter", "authorisation_ref": None, "authorisation_sha256": None,
    }  # fmt: skip
    assert missing["material:authorisation"]["due"] == DUE
    assert person.shown.result is Result.ACCEPTED_WITH_MISSING


def test_a_relative_whose_letter_the_centre_has_shows_none(person):
    """Nobody is asked for what is known."""
    person.station.orders.add(wanted(proxy=True, authorisation_ref="L-7", candidates=()))
    person.gives(SLIP)
    assert person.touch(Event.NAME_RELATIVE).state is State.CONSENT
    person.touch(Event.AGREE)
    person.hands_in()

    assert person.station.record_of("proxy.json")["authorisation_ref"] == "L-7"


def test_a_letter_that_cannot_be_photographed_is_asked_for_again_without_blame(person):
    """There is no camera here: the screen stays, the way round it too."""
    shown = person.touch(Event.START_AS_RELATIVE, Event.LETTER_SHOWN)
    assert (shown.state, shown.letter) == (State.PROXY, "again")

    assert person.touch(Event.LETTER_LATER).letter == ""


def test_a_letter_that_is_shown_is_sealed_and_its_digest_stands_in_the_record(station):
    """A still of the camera, as a part of the package and nowhere else."""
    with camera_that_works(station):
        person = Person(station)
        shown = person.touch(Event.START_AS_RELATIVE, Event.LETTER_SHOWN)
        assert (shown.state, shown.missing) == (State.CONSENT, ())
        person.touch(Event.AGREE)
        station.give_portrait(person.loop)
        person.loop._moves.make(Event.PORTRAIT_TAKEN)
        person.touch(Event.PORTRAIT_KEPT, Event.FINGERS_REFUSED, Event.HAND_IN)
    letter = station.handed_in().parts["proxy/letter.jpg"]

    assert letter.startswith(b"\xff\xd8")
    digest = hashlib.sha256(letter).hexdigest()
    assert station.record_of("proxy.json")["authorisation_sha256"] == digest
    assert "material:authorisation" not in str(station.record_of("sitting.json")["missing"])


def test_whoever_stays_seated_is_looked_at_by_the_seated_preset(station):
    """Where people usually stand; a restart looks so as well."""
    seated = portrait_rules(Portrait(documents=DOCUMENTS[:1], preset="seated"))
    standing = portrait_rules(Portrait(documents=DOCUMENTS[:1], preset="standing"))
    station.set(rules=standing, seated_rules=seated)
    for sits, rules in ((True, seated), (None, standing)):
        station.orders.add(wanted(preferences=Preferences(seated=sits), candidates=()))
        person = Person(station)
        person.touch(Event.START, Event.AGREE)
        again = Person(station)
        again.loop._ways_in.resume()
        for each in (person, again):
            assert each.loop._moves.visit._search._rules is rules


def test_a_power_cut_after_the_letter_asks_for_it_no_more(person):
    """The sitting goes on at the consent; the order is its own still."""
    order = person.station.orders.add(wanted(proxy=True))
    person.gives(SLIP)
    person.touch(Event.NAME_RELATIVE, Event.LETTER_LATER)
    again = Person(person.station)
    again.loop._ways_in.resume()

    assert (again.shown.state, again.shown.who) == (State.CONSENT, "proxy")
    assert again.shown.resumed
    assert person.station.orders.row(order.sitting_id).state == "running"
    assert again.touch(Event.LEAVE).state is State.WELCOME


def test_a_power_cut_before_anything_was_said_leaves_the_order_waiting(person):
    """Whoever typed a number types it again; nothing of her lies about."""
    order = person.station.orders.add(wanted())
    person.gives(SLIP)
    again = Person(person.station)
    again.loop._ways_in.resume()

    assert again.shown.state is State.WELCOME
    assert person.station.orders.row(order.sitting_id).state == "waiting"
    assert person.station.store.open_packages() == []


# The consent


def test_the_consent_that_is_recorded_is_the_text_that_is_shown():
    """No word of it changes without a new version: count it up, and put the digest beside it."""
    assert CONSENT_VERSION
    for language in LANGUAGES:
        text = (CATALOGUE / f"{language}.toml").read_text(encoding="utf-8")
        shown = digest_of_text(tomllib.loads(text)["consent"])
        assert consent_sha256(language) == shown, f"{language}: {shown}"


def test_the_consent_says_what_was_agreed_to_by_whom_and_how(person):
    """Face and fingers apart, the text by its digest, a touch by the person herself."""
    person.touch(Event.START, Event.AGREE)
    person.hands_in()
    consent = person.station.record_of("consent.json")

    del consent["at"]
    assert consent == {
        "v": 2, "face": True, "fingers": True, "text_version": CONSENT_VERSION,
        "text_sha256": consent_sha256("zh-CN"), "locale": "zh-CN", "way": "touch",
        "who": "applicant", "witness": None,
    }  # fmt: skip


def test_whoever_agrees_to_the_photo_alone_is_asked_for_no_finger(person):
    """The fingers are recorded as refused, and no reason is asked for."""
    assert person.touch(Event.START).fingers_asked
    person.touch(Event.AGREE_PHOTO_ONLY)
    shown = person.touch(Event.PORTRAIT_GIVEN_UP)
    assert shown.state is State.REVIEW
    person.touch(Event.HAND_IN)

    fingers = person.station.record_of("sitting.json")["fingers"]["exceptions"]
    assert {(row["result"], row["why"], row["reason"]) for row in fingers} == {
        ("03", "refused", None)
    }
    assert person.station.record_of("consent.json")["fingers"] is False
    missing = person.station.record_of("sitting.json")["missing"]
    # What somebody refused is not waited for.
    assert {row["due"] for row in missing if row["what"].startswith("finger:")} == {""}


class _Cut(BaseException):
    """The power goes."""


@pytest.mark.parametrize("write", [0, 1, 99], ids=["before both", "between", "after"])
def test_no_power_cut_lets_a_finger_be_asked_for_after_photo_only(person, monkeypatch, write):
    """Whichever write of the consent is the last one that reaches the disk."""
    person.station.orders.add(wanted(proxy=True))
    person.gives(SLIP)
    person.touch(Event.NAME_RELATIVE, Event.LETTER_LATER)
    left, really = write, person.station.store.add_parts

    def write_or_cut(*args):
        nonlocal left
        if not left:
            raise _Cut
        left -= 1
        really(*args)

    monkeypatch.setattr(person.station.store, "add_parts", write_or_cut)
    with pytest.raises(_Cut) if write < 2 else nullcontext():
        person.touch(Event.AGREE_PHOTO_ONLY)
    monkeypatch.setattr(person.station.store, "add_parts", really)
    again = Person(person.station)
    again.loop._ways_in.resume()

    said_it = write > 0
    assert again.loop._moves.visit.fingers.over is said_it
    if again.shown.state is State.CONSENT:
        # She is asked once more; what she said of her fingers stands.
        again.touch(Event.AGREE if said_it else Event.AGREE_PHOTO_ONLY)
    again.hands_in()
    assert person.station.record_of("consent.json")["fingers"] is False


def test_an_order_without_fingers_asks_for_consent_to_the_face_alone(person):
    """What is not asked for is not agreed to."""
    person.station.orders.add(wanted(positions=(), candidates=()))
    person.gives(SLIP)
    assert not person.touch(Event.NAME_RIGHT).fingers_asked
    person.touch(Event.AGREE)
    assert person.touch(Event.PORTRAIT_GIVEN_UP).state is State.REVIEW
    person.touch(Event.HAND_IN)

    assert person.station.record_of("consent.json")["fingers"] is False


# Papers


def test_papers_are_asked_for_one_by_one_and_may_come_later(person):
    """What is not here is missing until a day; nobody is sent away."""
    papers = ("household_register", "old_card")
    person.station.orders.add(wanted(materials=papers, candidates=()))
    person.gives(SLIP)
    shown = person.touch(Event.NAME_RIGHT, Event.AGREE)
    assert (shown.state, shown.material) == (State.MATERIALS, MaterialStep(papers[0], 1, 2))
    assert person.touch(Event.MATERIAL_HERE).material == MaterialStep(papers[1], 2, 2)
    shown = person.touch(Event.MATERIAL_LATER)
    assert (shown.state, shown.material) == (State.PORTRAIT, None)
    person.hands_in()

    sitting = person.station.record_of("sitting.json")
    assert sitting["materials"] == [
        {"code": papers[0], "state": "here"}, {"code": papers[1], "state": "later"},
    ]  # fmt: skip
    assert {"what": f"material:{papers[1]}", "reason": "later", "due": DUE, "confirmed_by": ""} in (
        sitting["missing"]
    )


def test_a_power_cut_among_the_papers_asks_only_for_those_that_are_left(person):
    """What was said is durable before the next paper is asked for."""
    person.station.orders.add(wanted(materials=("one", "two", "three"), candidates=()))
    person.gives(SLIP)
    person.touch(Event.NAME_RIGHT, Event.AGREE, Event.MATERIAL_LATER)
    again = Person(person.station)
    again.loop._ways_in.resume()

    assert (again.shown.state, again.shown.material) == (
        State.MATERIALS, MaterialStep("two", 2, 3),
    )  # fmt: skip


def test_a_sitting_that_could_not_be_kept_is_nobodys_after_a_restart(person):
    """She was sent to the window: whoever stands here next is not led into her sitting."""
    person.touch(Event.START, Event.AGREE)
    person.loop._moves.not_stored("store_full")
    assert (person.shown.state, person.shown.result) == (State.RESULT, Result.TO_WINDOW)
    again = Person(person.station)
    again.loop._ways_in.resume()

    assert again.shown.state is State.WELCOME


def test_the_portrait_is_not_shown_any_more_once_it_was_handed_in(person):
    """The result may stand for a minute, before whoever comes by."""
    person.touch(Event.START, Event.AGREE)
    person.screen.hold(Picture.PORTRAIT, b"jpeg")
    assert person.screen.jpeg(Picture.PORTRAIT, person.shown.token) == b"jpeg"
    person.hands_in()

    assert person.shown.state is State.RESULT
    assert person.screen.jpeg(Picture.PORTRAIT, person.shown.token) is None


def test_what_is_missing_is_told_once(person):
    """Whoever goes without the photo twice lacks one photo, not two."""
    person.touch(Event.START, Event.AGREE, Event.PORTRAIT_GIVEN_UP, Event.FINGERS_REFUSED)
    person.touch(Event.PORTRAIT_AGAIN)
    shown = person.touch(Event.PORTRAIT_GIVEN_UP)
    assert shown.state is State.REVIEW
    person.touch(Event.HAND_IN)

    whats = [row["what"] for row in person.station.record_of("sitting.json")["missing"]]
    assert whats.count("portrait") == 1
    assert len(whats) == len(set(whats))


# What suits the person, and what stays hidden


def test_what_suits_the_person_is_shown_and_noted_where_the_order_says_so(person):
    """The look that was in force last, not the one that was wished."""
    suits = Preferences(1.5, voice=False, language="en", seated=True, contrast=True)
    person.station.orders.add(wanted(preferences=suits, keep_preferences=True, candidates=()))
    person.gives(SLIP)
    shown = person.shown.preferences
    assert (shown.text_scale, shown.voice, shown.contrast, shown.seated) == (1.5, False, True, True)
    person.touch(Event.NAME_RIGHT, Event.AGREE)
    person.loop.note_look(person.shown.token, "1.25", "contrast", "off")
    person.hands_in()

    used = person.station.record_of("sitting.json")["preferences"]["used"]
    assert used == {"text_scale": "1.25", "theme": "contrast", "voice": "off"}


def test_of_an_order_that_does_not_say_so_no_look_is_kept(person):
    """Nobody's habits are collected by the way."""
    person.station.orders.add(wanted(candidates=()))
    person.gives(SLIP)
    person.touch(Event.NAME_RIGHT, Event.AGREE)
    person.loop.note_look(person.shown.token, "1.25", "contrast", "off")
    person.hands_in()

    assert person.station.record_of("sitting.json")["preferences"]["used"] is None


@pytest.mark.parametrize(
    "touches",
    [(Event.NAME_RIGHT,), (Event.NAME_RELATIVE,), (Event.LEAVE,)],
    ids=lambda t: t[0].value,
)
def test_the_name_is_on_its_own_screen_and_nowhere_after(person, touches):
    """Whoever looks over a shoulder later reads none."""
    person.station.orders.add(wanted())
    person.gives(SLIP)

    assert person.touch(*touches).name is None


def test_nothing_personal_is_left_when_a_sitting_was_handed_in(person):
    """The journal keeps codes; what names a person is in the sealed package alone."""
    person.station.orders.add(
        wanted(proxy=True, authorisation_ref="L-7-secret", candidates=(), materials=("one",))
    )
    person.gives(SLIP)
    person.touch(Event.NAME_RELATIVE, Event.AGREE, Event.MATERIAL_LATER)
    person.hands_in()

    text = all_text(person.station.store)
    assert [mark for mark in (*PERSONAL, "L-7-secret") if mark in text] == []

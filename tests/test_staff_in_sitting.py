"""What staff do in a sitting: act for the person, help from afar, see to what was left.

Each leaves its mark in the package; nothing that the person gave is lost by it.
"""

from __future__ import annotations

import pytest

from edge.settings import Service
from edge.sitting import (
    Event,
    IllegalMove,
    NotNow,
    Overlay,
    RemoteView,
    Result,
    Snapshot,
    StaleToken,
    State,
)
from tests.order_kit import wanted
from tests.sitting_kit import Sittings, desk, sittings

GUIDE = "guide-7"


@pytest.fixture
def station(tmp_path):
    with sittings(tmp_path) as found:
        yield found


def manifest_rows(station: Sittings) -> dict[str, dict]:
    """What the manifest of the last package says of each part."""
    return {row["name"]: row for row in station.handed_in().manifest["parts"]}


def act(loop, screen, *events: Event, staff_id: str = GUIDE) -> Snapshot:
    for event in events:
        loop.act_for(event, screen.snapshot.token, staff_id, None)
    return screen.snapshot


# Acting for the person


def test_what_is_given_while_staff_act_says_who_acted_and_why(station):
    """Taken over at the consent, given back before the end: nothing is lost in between."""
    loop, screen = station.begin()
    loop.staff.take_over(GUIDE, "sight", "guide")
    assert screen.snapshot.assisted_by == GUIDE
    act(loop, screen, Event.AGREE, Event.PORTRAIT_GIVEN_UP)
    loop.staff.give_back()
    assert (screen.snapshot.assisted_by, screen.snapshot.state) == ("", State.FINGER)
    for event in (Event.FINGERS_REFUSED, Event.HAND_IN):
        loop.from_person(event, screen.snapshot.token, None)

    helper = {"role": "guide", "id": GUIDE, "reason": "sight"}
    rows, sitting = manifest_rows(station), station.record_of("sitting.json")
    assert rows["consent.json"]["assisted_by"] == helper
    assert "assisted_by" not in rows["sitting.json"]
    assert sitting["assisted"] == [helper]
    portrait = next(row for row in sitting["missing"] if row["what"] == "portrait")
    assert portrait["confirmed_by"] == GUIDE


def test_nobody_agrees_for_the_person(station):
    """She says it, whoever acts for her is the witness."""
    loop, screen = station.begin()
    loop.staff.take_over(GUIDE, "hands", "volunteer")
    act(loop, screen, Event.AGREE, Event.PORTRAIT_GIVEN_UP, Event.FINGERS_REFUSED, Event.HAND_IN)
    consent = station.record_of("consent.json")

    assert (consent["way"], consent["witness"], consent["who"]) == ("spoken", GUIDE, "applicant")


def test_the_person_goes_on_herself_while_somebody_acts_for_her(station):
    """Help takes nothing away: her own touch counts as ever."""
    loop, screen = station.begin()
    loop.staff.take_over(GUIDE, "asked", "guide")
    loop.from_person(Event.AGREE, screen.snapshot.token, None)

    assert screen.snapshot.state is State.PORTRAIT


@pytest.mark.parametrize("state", ["nobody served", "another acts", "handed in"])
def test_nobody_takes_over_what_is_not_there_or_is_anothers(station, state):
    """`NotNow`, and nothing changed."""
    if state == "nobody served":
        loop, screen = station.loop()
    elif state == "another acts":
        loop, screen = station.begin()
        loop.staff.take_over("guide-8", "asked", "guide")
    else:
        loop, screen = station.begin(Event.DECLINE)
    before = screen.snapshot
    with pytest.raises(NotNow):
        loop.staff.take_over(GUIDE, "asked", "guide")

    assert screen.snapshot == before


def test_only_who_took_over_acts(station):
    """Neither a stranger nor, once it was given back, whoever had it."""
    loop, screen = station.begin()
    for staff_id in (GUIDE, ""):
        with pytest.raises(NotNow):
            act(loop, screen, Event.AGREE, staff_id=staff_id)
    loop.staff.take_over(GUIDE, "asked", "guide")
    with pytest.raises(StaleToken):
        loop.act_for(Event.AGREE, "another", GUIDE, None)
    with pytest.raises(IllegalMove):
        act(loop, screen, Event.STORED)
    loop.staff.give_back()
    with pytest.raises(NotNow):
        act(loop, screen, Event.AGREE)

    assert screen.snapshot.state is State.CONSENT


def test_the_next_person_is_nobodys_charge(station):
    """Whoever acted for the last one does not act for her."""
    loop, screen = station.begin()
    loop.staff.take_over(GUIDE, "asked", "guide")
    act(loop, screen, Event.LEAVE)
    loop.from_person(Event.START, "", None)

    assert screen.snapshot.assisted_by == ""
    assert station.record(loop).progress.assisted == []


def test_a_reason_is_a_code(station):
    """Nothing that somebody writes down about a person gets into a record."""
    with desk(station) as running:
        for reason, role in (("Mrs Chen is deaf", "guide"), ("asked", "chief")):
            with pytest.raises(ValueError, match="code"):
                running.take_over(GUIDE, reason, role)


def test_staff_lead_to_the_window_and_what_was_accepted_waits_for_them(station):
    """From any step; the order is told, and nobody is led into the sitting by a restart."""
    order = station.orders.add(wanted())
    loop, screen = station.begin(Event.AGREE)
    station.give_portrait(loop)
    loop.staff.take_over(GUIDE, "asked", "guide")
    shown = act(loop, screen, Event.LED_TO_WINDOW)

    assert (shown.state, shown.result) == (State.RESULT, Result.TO_WINDOW)
    assert shown.assisted_by == ""
    assert station.orders.row(order.sitting_id).result == "to_window"
    assert [one.sitting_id for one in loop.left.all()] == []
    loop.from_person(Event.FINISH, shown.token, None)
    assert [one.sitting_id for one in loop.left.all()] == [order.sitting_id]


# From afar


@pytest.fixture
def helped(station):
    """Somebody at the portrait, on a station where help from afar is allowed."""
    station.set(service=Service(remote=True))
    return station.begin(Event.AGREE)


def test_help_from_afar_is_off_as_delivered(station):
    """Nobody may even ask."""
    loop, _ = station.begin(Event.AGREE)
    with pytest.raises(NotNow):
        loop.staff.remote_ask("陈", "guide")


def test_nobody_sees_the_screen_before_the_person_agreed(helped, station):
    """Asked, agreed, ended by one touch; that somebody looked is in the record."""
    loop, screen = helped
    loop.staff.remote_ask("陈", "guide")
    assert screen.snapshot.remote == RemoteView("陈", "guide", "asked")
    with pytest.raises(NotNow):
        loop.staff.remote_say("remote.look_up")
    loop.staff.remote_answer(True)
    assert screen.snapshot.remote.phase == "on"
    loop.staff.remote_say("remote.look_up")
    loop.staff.remote_say("remote.look_up")
    loop.staff.remote_point("portrait-kept")
    remote = screen.snapshot.remote
    assert (remote.say, remote.say_number, remote.point) == ("remote.look_up", 2, "portrait-kept")
    loop.staff.remote_retry()

    loop.staff.remote_answer(False)
    assert screen.snapshot.remote is None
    (row,) = station.record(loop).progress.remote
    assert row["role"] == "guide"


def test_who_was_refused_leaves_no_trace_but_may_ask_again(helped, station):
    """No is an answer."""
    loop, screen = helped
    loop.staff.remote_ask("陈", "guide")
    with pytest.raises(NotNow):
        loop.staff.remote_ask("李", "guide")
    loop.staff.remote_answer(False)
    assert screen.snapshot.remote is None
    assert station.record(loop).progress.remote == []
    loop.staff.remote_ask("李", "guide")


def test_the_end_of_a_sitting_ends_the_look_from_afar(helped):
    """Whoever looked does not see the next person."""
    loop, screen = helped
    loop.staff.remote_ask("陈", "guide")
    loop.staff.remote_answer(True)
    loop.from_person(Event.LEAVE, screen.snapshot.token, None)

    assert screen.snapshot.remote is None
    with pytest.raises(NotNow):
        loop.staff.remote_point("start")


# What was left


def left_behind(station: Sittings):
    """Somebody agreed, gave a portrait, and went."""
    order = station.orders.add(wanted(candidates=(), materials=("household_register",)))
    loop, screen = station.begin(Event.AGREE, Event.MATERIAL_HERE)
    station.give_portrait(loop)
    loop._moves.leave_alone()
    return order, loop, screen


def test_a_sitting_that_was_left_is_listed_with_what_it_has(station):
    """Enough to decide, and nothing of whose it is but the centre's reference."""
    order, loop, _ = left_behind(station)
    (one,) = loop.left.all()

    assert (one.sitting_id, one.order_ref) == (order.sitting_id, order.order_ref)
    assert (one.portrait_in, one.fingers_in) == (True, ())
    assert [row.what for row in one.missing] == ["finger:right_thumb"]


def test_who_is_served_now_is_in_no_list_of_those_who_left(station):
    """And a sitting that nothing was agreed to is none either."""
    loop, _ = station.begin(Event.AGREE)
    assert loop.left.all() == ()
    other, _ = station.begin()
    assert [one.sitting_id for one in other.left.all()] == [loop._moves.sitting_id]


def test_what_was_left_is_gone_on_with_where_it_was(station):
    """Nothing is asked twice: consent, papers and portrait are in; the fingers follow."""
    order, loop, screen = left_behind(station)
    loop.resume_left(order.sitting_id, GUIDE)
    shown = screen.snapshot
    assert (shown.state, shown.resumed, shown.portrait_in) == (State.FINGER, True, True)
    assert loop.left.all() == ()
    for event in (Event.FINGERS_REFUSED, Event.HAND_IN):
        loop.from_person(event, shown.token, None)

    row = station.orders.row(order.sitting_id)
    assert (row.state, row.result) == ("ended", "accepted_with_missing")
    assert row.package_id is not None
    assert station.record_of("sitting.json")["resumed_by"] == [GUIDE]
    assert ("attendant", GUIDE, "package.take_up") in acts(station)


def test_what_was_left_is_handed_in_as_it_is(station):
    """What it lacks stands there, until when, and who accepted it so."""
    order, loop, screen = left_behind(station)
    loop.left.close(order.sitting_id, GUIDE)
    sitting = station.record_of("sitting.json")
    (missing,) = sitting["missing"]

    assert sitting["result"] == "accepted_with_missing"
    assert (missing["what"], missing["reason"]) == ("finger:right_thumb", "left")
    assert missing["confirmed_by"] == GUIDE
    assert missing["due"]
    row = station.orders.row(order.sitting_id)
    assert (row.result, row.package_id is not None) == ("accepted_with_missing", True)
    assert screen.snapshot.state is State.WELCOME
    assert ("attendant", GUIDE, "package.close") in acts(station)


def test_what_was_left_is_deleted_by_whoever_signed_for_it(station):
    """The parts go, the row of the audit stays."""
    order, loop, _ = left_behind(station)
    loop.left.delete(order.sitting_id, GUIDE)

    assert station.store.open_packages() == []
    assert ("attendant", GUIDE, "package.drop") in acts(station)
    assert station.orders.row(order.sitting_id).result == "to_window"


def test_what_was_left_is_dealt_with_once(station):
    """A second touch at the console, or a list that is old, does nothing."""
    order, loop, _ = left_behind(station)
    loop.left.delete(order.sitting_id, GUIDE)
    for again in (
        lambda: loop.left.delete(order.sitting_id, GUIDE),
        lambda: loop.left.close(order.sitting_id, GUIDE),
        lambda: loop.resume_left(order.sitting_id, GUIDE),
    ):
        with pytest.raises(NotNow):
            again()


def test_nobody_is_interrupted_for_what_another_left(station):
    """Whoever stands at the screen comes first."""
    order, loop, screen = left_behind(station)
    loop.from_person(Event.START, "", None)
    before = screen.snapshot
    with pytest.raises(NotNow):
        loop.resume_left(order.sitting_id, GUIDE)

    assert screen.snapshot == before


def test_what_was_gone_on_with_may_be_left_again(station):
    """It waits as before, and is there once."""
    order, loop, screen = left_behind(station)
    loop.resume_left(order.sitting_id, GUIDE)
    loop._moves.leave_alone()

    assert [one.sitting_id for one in loop.left.all()] == [order.sitting_id]
    assert screen.snapshot.overlay is not Overlay.HELP


def test_what_was_gone_on_with_outlives_a_power_cut(station):
    """Its person is here again: a restart goes on with her, as with anybody."""
    order, loop, _ = left_behind(station)
    loop.resume_left(order.sitting_id, GUIDE)
    again, screen = station.loop()
    again._ways_in.resume()

    shown = screen.snapshot
    assert (shown.sitting_id, shown.state) == (order.sitting_id, State.FINGER)


def acts(station: Sittings) -> list[tuple[str, str, str]]:
    """Who did what, as the audit has it."""
    return [(row["actor"]["kind"], row["actor"]["id"], row["act"]) for row in station.audit()]

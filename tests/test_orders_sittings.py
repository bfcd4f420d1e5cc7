"""What an order and its sitting owe each other: wishes on the way in, an honest end on the way out.

The real loop, moves, records and journal; there are no devices, and nobody is photographed.
"""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from edge.events import Events
from edge.figures import month_figures, month_of
from edge.orders import OrderClosed, OrderStale
from edge.orders.order import Preferences
from edge.sitting import Event, Result, State
from edge.utc import now_ms
from tests.order_kit import PERSONAL, all_text, wanted
from tests.sitting_kit import Sittings, desk, sittings

EARLIER = "019aa1f0-7a1b-7c2d-8e3f-0a1b2c3d4e5f"


@pytest.fixture
def station(tmp_path):
    with sittings(tmp_path) as found:
        yield found


def any_etag(_):
    return True


def figures(station: Sittings) -> dict[str, dict[str, int]]:
    return station.store.read(lambda db: month_figures(db, month_of(now_ms())))


def ended(station: Sittings) -> list[tuple[str | None, str | None]]:
    """Sitting and result of each event that says that an order ended."""
    found = Events(station.store).after(0)
    return [(e.subject, e.facts["result"]) for e in found if e.type == "sitting.ended"]


def test_what_suits_the_person_reaches_the_sitting_and_the_package(station):
    """The language is spoken, the rest is noted; what completes what is sealed with it."""
    suits = Preferences(1.5, voice=True, language="en", seated=True)
    station.orders.add(wanted(preferences=suits, completes_package_id=EARLIER, urgent=True))
    loop, screen = station.begin(Event.AGREE)
    (package,) = station.store.open_packages()

    assert screen.snapshot.language == "en"
    assert package.sitting["preferences"] == asdict(suits)
    assert package.sitting["completes_package_id"] == EARLIER
    assert package.sitting["language"] == "en"
    urgent = station.store.read(lambda db: db.execute("select urgent from package").get)
    assert urgent == 1
    assert station.record(loop).progress.preferences == asdict(suits)


@pytest.mark.parametrize("wished", ["yue", None])
def test_a_language_that_nobody_speaks_here_changes_nothing(station, wished):
    """The station's own stays, and the wish is noted all the same."""
    station.orders.add(wanted(preferences=Preferences(language=wished)))
    _, screen = station.begin(Event.AGREE)
    (package,) = station.store.open_packages()

    assert screen.snapshot.language == "zh-CN"
    assert package.sitting["preferences"]["language"] == wished


def test_the_persons_own_choice_of_language_stands(station):
    """Whoever touched a language before beginning is not overruled by an order."""
    station.room = station.room  # the station's own language is zh-CN
    station.orders.add(wanted(preferences=Preferences(language="zh-CN")))
    loop, screen = station.loop()
    loop.speak("en")
    loop.from_person(Event.START, "", None)

    assert screen.snapshot.language == "en"


# Left alone


def test_an_order_whose_person_left_after_agreeing_ends_at_the_window(station):
    """Whoever comes back is helped by staff: the order has ended, and its samples wait sealed."""
    order = station.orders.add(wanted())
    loop, screen = station.begin(Event.AGREE)
    station.give_portrait(loop)
    loop._moves.leave_alone()
    row = station.orders.row(order.sitting_id)
    (package,) = station.store.open_packages()

    assert (row.state, row.result) == ("ended", "to_window")
    assert ended(station) == [(order.sitting_id, "to_window")]
    assert package.sitting["left_alone"] is True
    assert screen.snapshot.state is State.WELCOME
    assert figures(station) == {"sittings": {"to_window": 1}}
    assert [mark for mark in PERSONAL if mark in json.dumps(package.sitting)] == [PERSONAL[1]]


def test_the_mark_of_leaving_and_the_orders_end_are_one(station):
    """No power cut leaves a sitting that nobody resumes and an order that nobody ended."""
    order = station.orders.add(wanted())
    loop, _ = station.begin(Event.AGREE)
    station.record(loop).leave_alone()
    station.record(loop).leave_alone()

    assert station.orders.row(order.sitting_id).result == "to_window"
    assert ended(station) == [(order.sitting_id, "to_window")]
    assert figures(station) == {"sittings": {"to_window": 1}}


def test_an_order_whose_person_left_before_agreeing_waits_again(station):
    """Nothing was given and nothing is lost: the next touch begins it again."""
    order = station.orders.add(wanted())
    loop, _ = station.begin()
    loop._moves.leave_alone()

    assert station.orders.row(order.sitting_id).state == "waiting"
    assert ended(station) == []
    assert figures(station) == {}


def test_an_order_that_a_cut_left_running_ends_when_the_next_person_begins(station):
    """A second sitting shows that the first one's person is not there any more."""
    first, second = station.orders.add(wanted()), station.orders.add(wanted())
    station.begin(Event.AGREE)
    _, screen = station.begin(Event.AGREE)

    assert screen.snapshot.sitting_id == second.sitting_id
    assert station.orders.row(first.sitting_id).result == "to_window"
    assert station.orders.row(second.sitting_id).state == "running"
    assert ended(station) == [(first.sitting_id, "to_window")]
    assert figures(station) == {"sittings": {"to_window": 1}}


def test_an_order_that_runs_without_anybody_waits_again_when_the_next_person_begins(station):
    """The disk was full when it should have been put back: it is not lost for its person."""
    first, second = station.orders.add(wanted()), station.orders.add(wanted())
    station.orders.take(first.sitting_id)
    _, screen = station.begin()

    assert screen.snapshot.sitting_id == second.sitting_id
    assert station.orders.row(first.sitting_id).state == "waiting"


def test_an_order_that_can_not_be_resumed_ends_when_the_station_starts(station):
    """Too long ago, or its person went: no restart leads anybody there, so nobody waits for it."""
    order = station.orders.add(wanted())
    station.begin(Event.AGREE)
    limits = station.room.limits.model_copy(update={"resume_within_s": 0.0})
    object.__setattr__(station.room, "limits", limits)
    loop, screen = station.loop()
    loop._ways_in.resume()

    assert screen.snapshot.state is State.WELCOME
    assert station.orders.row(order.sitting_id).result == "to_window"
    assert figures(station) == {"sittings": {"to_window": 1}}


def test_a_resumed_sitting_keeps_its_order(station):
    """The one that goes on is not taken for one that was left."""
    order = station.orders.add(wanted())
    station.begin(Event.AGREE)
    loop, screen = station.loop()
    loop._ways_in.resume()

    assert screen.snapshot.sitting_id == order.sitting_id
    assert station.orders.row(order.sitting_id).state == "running"
    assert figures(station) == {}


# Withdrawn


def test_an_order_is_taken_back_while_nothing_is_accepted(station):
    """The person is led to the window; nothing of the sitting is left but codes."""
    order = station.orders.add(wanted())
    station.begin(Event.AGREE)
    with desk(station) as running:
        shown = running.wait(0, 30.0)
        assert shown.sitting_id == order.sitting_id
        running.withdraw(
            order.sitting_id, lambda: station.orders.withdraw(order.sitting_id, any_etag)
        )
        shown = running.snapshot
    row = station.orders.row(order.sitting_id)

    assert (shown.state, shown.result) == (State.RESULT, Result.TO_WINDOW)
    assert (row.state, row.result) == ("ended", "cancelled")
    assert station.store.open_packages() == []
    assert [mark for mark in PERSONAL if mark in all_text(station.store)] == []
    assert figures(station) == {"sittings": {"cancelled": 1}}
    assert ended(station) == [(order.sitting_id, "cancelled")]


def test_an_order_with_an_accepted_sample_is_not_taken_back(station):
    """What somebody gave is not deleted from afar; her screen stays as it is."""
    order = station.orders.add(wanted())
    loop, _ = station.begin(Event.AGREE)
    station.give_portrait(loop)
    with desk(station) as running:
        before = running.wait(0, 30.0)
        with pytest.raises(OrderClosed):
            running.withdraw(
                order.sitting_id, lambda: station.orders.withdraw(order.sitting_id, any_etag)
            )
        assert running.snapshot.state is before.state is State.FINGER
        assert running.alive

    assert station.orders.row(order.sitting_id).state == "running"
    assert len(station.store.open_packages()) == 1


def test_only_who_has_read_what_is_so_now_takes_an_order_back(station):
    """An etag from before the sitting began is an old one."""
    order = station.orders.add(wanted())
    read = station.orders.row(order.sitting_id).etag
    station.begin()
    with pytest.raises(OrderStale):
        station.orders.withdraw(order.sitting_id, lambda etag: etag == read)

    assert station.orders.row(order.sitting_id).state == "running"


def test_another_sitting_on_the_screen_is_not_disturbed(station):
    """Whoever stands there has nothing to do with the order that is taken back."""
    first, second = station.orders.add(wanted()), station.orders.add(wanted())
    station.begin(Event.AGREE)
    loop, screen = station.loop()
    loop._ways_in.resume()
    before = screen.snapshot
    loop.withdraw(second.sitting_id)

    assert screen.snapshot == before
    assert before.sitting_id == first.sitting_id


# Counted


def test_a_month_is_counted_where_sittings_end(station):
    """Leaving, declining, handing in and running out of time: each once, by its own name."""
    for events in ((Event.LEAVE,), (Event.DECLINE,), (Event.AGREE, Event.LEAVE)):
        station.begin(*events)
    loop, _ = station.begin(Event.AGREE, Event.PORTRAIT_GIVEN_UP, Event.FINGERS_REFUSED)
    station.give_portrait(loop)
    loop.from_person(Event.HAND_IN, loop._screen.snapshot.token, None)
    gone = station.orders.add(wanted(expires_at_ms=now_ms() - 1))
    cancelled = station.orders.add(wanted())
    station.orders.cancel(cancelled.sitting_id, any_etag)
    station.orders.sweep()
    station.orders.sweep()

    assert station.orders.row(gone.sitting_id).result == "expired"
    assert figures(station) == {
        "sittings": {"cancelled": 3, "accepted_with_missing": 1},
        "orders": {"cancelled": 1, "expired": 1},
        "fingers": {"missing": 2},
    }

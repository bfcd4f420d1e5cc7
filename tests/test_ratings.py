"""How content people were: counted by the day; who gave which can never be found out."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from edge.events import Events
from edge.service.ratings import FLOOR, SCALE, Ratings, month_ratings
from edge.service.ticket import DAY_MS
from edge.service.tickets import Tickets
from edge.settings import Service
from edge.sitting import Event, State
from edge.store import Store
from edge.store.errors import StoreFull
from tests.sitting_kit import sittings
from tests.test_tickets import NOV

DEC = NOV + 30 * DAY_MS


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as opened:
        yield opened


def told(store, month="2026-11", now_ms=DEC):
    return store.read(lambda db: month_ratings(db, month, now_ms))


def test_answers_are_counts_of_a_day_and_nothing_else(store):
    """No hour, no sitting, no row for each: the table cannot say what it does not know."""
    times = itertools.count(NOV, 61_000)
    ratings = Ratings(store, clock_ms=lambda: next(times))
    for score in ("good", "poor", "good"):
        ratings.note(score)
    ratings.note("poor", "hard")

    found = store.read(lambda db: db.execute("select * from rating").fetchall())
    assert sorted(found) == [
        ("2026-11-22", "good", "", 2),
        ("2026-11-22", "poor", "", 1),
        ("2026-11-22", "poor", "hard", 1),
    ]
    assert Events(store).after(0) == []
    assert [row.n for row in store.audit_rows()] == [1]


def test_a_month_is_told_when_it_is_over_and_enough_people_answered(store):
    """A figure that grows while somebody watches would say who gave what."""
    ratings = Ratings(store, clock_ms=lambda: NOV)
    for score in ("good", "good", "fair"):
        ratings.note(score)
    ratings.note("poor", "waited")
    assert told(store) is None
    ratings.note("poor")

    found = told(store)
    assert (SCALE, FLOOR, found.answers) == (3, 5, 5)
    assert found.scores == {"good": 2, "fair": 1, "poor": 2}
    assert found.reasons == {"waited": 1, "hard": 0}
    assert told(store, now_ms=NOV + 8 * DAY_MS) is None
    assert told(store, "2026-10") is None


@pytest.mark.parametrize("answer", [("best",), ("good", "waited"), ("poor", "rude")])
def test_only_the_three_answers_and_their_reasons_are_taken(store, answer):
    """Free words could name somebody."""
    with pytest.raises(ValueError, match="answer"):
        Ratings(store).note(*answer)


def test_a_poor_answer_opens_a_call_and_the_others_do_not(store):
    """A bad rating is followed up; who is content is left in peace."""
    tickets = Tickets(store, clock_ms=lambda: NOV)
    ratings = Ratings(store, tickets, clock_ms=lambda: NOV)
    ratings.note("good")
    ratings.note("fair")
    assert tickets.open() == []
    ratings.note("poor", "waited")
    ratings.note("poor")

    calls = {(one.kind, one.why, one.raised_at_ms) for one in tickets.open()}
    day = NOV - NOV % DAY_MS
    assert calls == {("rating", "waited", day), ("rating", "poor", day)}


def test_a_full_disk_keeps_nobody_waiting_for_a_rating(store, monkeypatch):
    """The person has her result already; one answer less is no harm."""

    def full(*_):
        raise StoreFull("no room")

    tickets = Tickets(store, clock_ms=lambda: NOV)
    monkeypatch.setattr(store, "write", full)
    Ratings(store, tickets, clock_ms=lambda: NOV).note("poor")

    assert [one.kind for one in tickets.open()] == ["rating"]


def test_answers_reach_no_log(store, capsys):
    """A line of a log has a time, and beside it stands the sitting that just ended."""
    Ratings(store, Tickets(store)).note("poor", "waited")

    said = capsys.readouterr()
    assert "rating" not in said.out + said.err
    assert "waited" not in said.out + said.err


@pytest.mark.parametrize("reason", [Event.REASON_WAITED, Event.REASON_HARD, Event.FINISH])
def test_what_a_person_answers_stands_beside_no_sitting(tmp_path, capsys, reason):
    """Neither the log nor the events nor the audit chain say more than that the sitting ended."""
    with sittings(tmp_path) as station:
        station.room = replace(
            station.room, ratings=Ratings(station.store), service=Service(rating=True)
        )
        loop, screen = station.begin(
            Event.AGREE, Event.PORTRAIT_GIVEN_UP, Event.FINGERS_REFUSED, Event.HAND_IN
        )
        sitting_id, token = screen.snapshot.sitting_id, screen.snapshot.token
        loop.from_person(Event.FINISH, token, None)
        assert screen.snapshot.state is State.RATING
        told = len(Events(station.store).after(0)), len(station.store.audit_rows())
        capsys.readouterr()
        loop.from_person(Event.RATE_POOR, token, None)
        loop.from_person(reason, token, None)

        assert screen.snapshot.state is State.WELCOME
        counts = station.store.read(lambda db: db.execute("select sum(count) from rating").get)
        assert counts == 1
        assert told == (len(Events(station.store).after(0)), len(station.store.audit_rows()))
    said = capsys.readouterr()
    assert [
        one for one in (sitting_id, "poor", "rat", "reason") if one in said.out + said.err
    ] == []

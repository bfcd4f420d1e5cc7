"""Calls for staff: nobody who called is forgotten, not by a restart and not by a full disk."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field

import pytest

from edge.events import Events
from edge.figures import month_figures
from edge.service import ticket as rows
from edge.service.ticket import DAY_MS, KEPT_MS, KINDS
from edge.service.tickets import AGAIN_AFTER_S, TIMES_MAX, WAITING_MAX, NoSuchTicket, Tickets
from edge.store import Store
from edge.store.errors import StoreFull
from tests.delivery_kit import until

AGAIN_AFTER_MS = round(AGAIN_AFTER_S * 1000)
NOV = 1_795_346_531_000
"""2026-11-22T11:22:11Z, UTC: what is asked of a day must not come back as an hour."""
SITTING = "019aa1f0-7a1b-7c2d-8e3f-0a1b2c3d4e5f"


@dataclass
class Hall:
    """A journal, a clock that a test turns, and the calls of a station."""

    store: Store
    now_ms: int = NOV
    steady_ms: int = 5_000_000
    waits: list[float] = field(default_factory=list)

    def opened(self) -> Tickets:
        return Tickets(
            self.store,
            observe_wait=self.waits.append,
            clock_ms=lambda: self.now_ms,
            clock_steady_ms=lambda: self.steady_ms,
        )

    def later(self, ms: int) -> None:
        self.now_ms += ms
        self.steady_ms += ms

    def told(self) -> list[tuple[str, str | None, dict]]:
        found = Events(self.store).after(0)
        return [(e.type, e.subject, dict(e.facts)) for e in found if e.type.startswith("help.")]

    def counted(self) -> dict[str, int]:
        return self.store.read(lambda db: month_figures(db, "2026-11")).get("tickets", {})


@pytest.fixture
def hall(tmp_path):
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        yield Hall(store)


def test_a_call_is_raised_answered_and_resolved_and_each_is_told(hall):
    """The closed loop: who called, who came, that it is done; by ids and codes alone."""
    tickets = hall.opened()
    ticket_id = tickets.raise_("help", SITTING, "touched")
    hall.later(42_000)
    answered = tickets.answer(ticket_id, "guide-7")
    hall.later(60_000)
    tickets.resolve(ticket_id, "guide-7")

    assert (answered.answered_by, answered.wait_ms) == ("guide-7", 42_000)
    assert tickets.open() == []
    assert hall.waits == [42.0]
    of = {"why": "touched", "kind": "help", "ticket_id": ticket_id, "times": 1}
    assert hall.told() == [
        ("help.raised", SITTING, of),
        ("help.answered", SITTING, {**of, "wait_ms": 42_000}),
        ("help.resolved", SITTING, {**of, "wait_ms": 42_000}),
    ]
    assert hall.counted() == {"help.raised": 1, "help.answered": 1, "help.resolved": 1}


def test_what_staff_did_is_in_the_audit_chain_under_their_id(hall):
    """Whoever answered stands by it; a person who called is not in the chain."""
    tickets = hall.opened()
    ticket_id = tickets.raise_("device", None, "camera_lost")
    tickets.answer(ticket_id, "guide-7")
    tickets.resolve(ticket_id, "guide-9")

    entries = [json.loads(row.entry) for row in hall.store.audit_rows()]
    acts = [one for one in entries if "ticket" in json.dumps(one)]
    assert [(one["act"], one["actor"]) for one in acts] == [
        ("ticket.answer", {"kind": "attendant", "id": "guide-7"}),
        ("ticket.resolve", {"kind": "attendant", "id": "guide-9"}),
    ]


def test_a_call_that_nobody_answers_is_raised_again_after_a_minute(hall):
    """And again, ten times in all; then it stays open and rings no more."""
    tickets = hall.opened()
    ticket_id = tickets.raise_("help", SITTING, "touched")
    hall.later(AGAIN_AFTER_MS - 1)
    tickets.look()
    assert tickets.ticket(ticket_id).times == 1
    hall.later(1)
    tickets.look()
    assert tickets.ticket(ticket_id).times == 2
    for _ in range(TIMES_MAX + 3):
        hall.later(AGAIN_AFTER_MS)
        tickets.look()

    assert tickets.ticket(ticket_id).times == TIMES_MAX
    assert tickets.ticket(ticket_id).raised_at_ms == NOV
    assert [facts["times"] for _, _, facts in hall.told()] == list(range(1, TIMES_MAX + 1))
    assert hall.counted() == {"help.raised": 1, "help.again": TIMES_MAX - 1}


def test_a_call_that_is_answered_rings_no_more(hall):
    """Somebody is on the way."""
    tickets = hall.opened()
    tickets.answer(tickets.raise_("rest", SITTING, "resting"), "guide-7")
    hall.later(10 * AGAIN_AFTER_MS)
    tickets.look()

    assert [kind for kind, _, _ in hall.told()] == ["help.raised", "help.answered"]


def test_a_clock_that_is_set_neither_rings_nor_lengthens_a_wait(hall):
    """Minutes are counted by the clock that nobody can set."""
    tickets = hall.opened()
    ticket_id = tickets.raise_("help", None, "touched")
    hall.now_ms += 2 * DAY_MS
    tickets.look()
    hall.steady_ms += 7_000
    answered = tickets.answer(ticket_id, "guide-7")

    assert [kind for kind, _, _ in hall.told()] == ["help.raised", "help.answered"]
    assert answered.wait_ms == 7_000


def test_the_same_call_twice_is_one_ticket(hall):
    """Who touches again is not a second person; who calls for another thing is another call."""
    tickets = hall.opened()
    first = tickets.raise_("help", SITTING, "touched")
    hall.later(5_000)

    assert tickets.raise_("help", SITTING, "touched") == first
    assert tickets.raise_("help", SITTING, "fingers") != first
    assert tickets.raise_("help", None, "touched") != first
    assert tickets.ticket(first).times == 2
    assert tickets.ticket(first).last_at_ms == NOV + 5_000
    tickets.answer(first, "guide-7")
    assert tickets.raise_("help", SITTING, "touched") != first


def test_open_calls_survive_a_restart(hall):
    """A power cut does not send anybody home; what was answered stays answered."""
    before = hall.opened()
    waiting = before.raise_("help", SITTING, "touched")
    coming = before.raise_("number", None, "unknown")
    gone = before.raise_("device", None, "reader_lost")
    before.answer(coming, "guide-7")
    before.resolve(gone, "guide-7")
    kept = before.open()
    hall.later(30_000)
    after = hall.opened()

    assert after.open() == kept
    assert [one.id for one in kept] == [waiting, coming]
    hall.later(AGAIN_AFTER_MS)
    after.look()
    assert after.ticket(waiting).times == 2
    assert after.answer(waiting, "guide-9").wait_ms == 90_000


def test_who_needs_nobody_any_more_leaves_no_call_behind(hall):
    """The wait in vain is timed, and counts in no month as a wait for an answer; twice is once."""
    tickets = hall.opened()
    ticket_id = tickets.raise_("help", SITTING, "touched")
    hall.later(20_000)
    tickets.withdraw(ticket_id)
    tickets.withdraw(ticket_id)

    assert (tickets.open(), hall.waits) == ([], [20.0])
    assert hall.store.read(lambda db: rows.waits_ms(db, 0, 2 * NOV)) == []
    assert [kind for kind, _, _ in hall.told()] == ["help.raised", "help.resolved"]
    assert hall.counted() == {"help.raised": 1, "help.withdrawn": 1}
    assert hall.opened().open() == []


def test_who_was_answered_and_then_needs_nobody_was_served(hall):
    """It counts as resolved, not as withdrawn."""
    tickets = hall.opened()
    ticket_id = tickets.raise_("help", SITTING, "touched")
    tickets.answer(ticket_id, "guide-7")
    tickets.withdraw(ticket_id)

    assert hall.counted() == {"help.raised": 1, "help.answered": 1, "help.resolved": 1}


def test_the_first_who_answers_stays(hall):
    """Two guides at one console do not take a call from one another."""
    tickets = hall.opened()
    ticket_id = tickets.raise_("help", SITTING, "touched")
    tickets.answer(ticket_id, "guide-7")
    hall.later(1_000)

    assert tickets.answer(ticket_id, "guide-9").answered_by == "guide-7"
    assert hall.counted()["help.answered"] == 1
    assert len(hall.waits) == 1


def test_resolving_what_nobody_answered_answers_it(hall):
    """The guide who walked over first and looked at the console afterwards loses no wait."""
    tickets = hall.opened()
    ticket_id = tickets.raise_("help", SITTING, "touched")
    hall.later(8_000)
    done = tickets.resolve(ticket_id, "guide-7")

    assert (done.answered_by, done.wait_ms, done.resolved_by) == ("guide-7", 8_000, "guide-7")
    assert hall.counted() == {"help.raised": 1, "help.answered": 1, "help.resolved": 1}
    assert hall.waits == [8.0]


@pytest.mark.parametrize("act", ["answer", "resolve"])
def test_what_is_not_open_cannot_be_answered_or_resolved(hall, act):
    """An old console page gets a plain refusal."""
    tickets = hall.opened()
    ticket_id = tickets.raise_("help", None, "touched")
    tickets.resolve(ticket_id, "guide-7")

    for unknown in (ticket_id, "never"):
        with pytest.raises(NoSuchTicket):
            getattr(tickets, act)(unknown, "guide-7")


def test_there_are_five_kinds_of_calls(hall):
    """A sixth needs its words in both languages first."""
    with pytest.raises(ValueError, match="kind"):
        hall.opened().raise_("coffee", None, "touched")
    assert KINDS == ("help", "device", "number", "rating", "rest")


def test_a_poor_rating_opens_a_call_of_the_day_and_of_nobody(hall):
    """Neither hour nor sitting, no event, no order: or it would say who gave it."""
    tickets = hall.opened()
    first = tickets.raise_("rating", SITTING, "waited")
    hall.later(60_000)
    again = tickets.raise_("rating", SITTING, "waited")
    (ticket,) = tickets.open()

    assert again == first
    assert (ticket.sitting_id, ticket.times) == (None, 2)
    assert ticket.raised_at_ms == ticket.last_at_ms == NOV - NOV % DAY_MS
    hall.later(20 * AGAIN_AFTER_MS)
    tickets.look()
    done = tickets.resolve(first, "guide-7")
    assert done.wait_ms is None
    assert (hall.told(), hall.waits) == ([], [])
    assert hall.counted() == {"rating.raised": 1, "rating.again": 1, "rating.answered": 1,
                              "rating.resolved": 1}  # fmt: skip
    hall.later(DAY_MS)
    assert tickets.raise_("rating", None, "waited") != first


def test_calls_wait_for_a_disk_that_is_full_and_staff_see_them_meanwhile(hall, monkeypatch):
    """Who called is not told of disks; what was written later is as if it had been at once."""
    real = hall.store.write

    def full(*_):
        raise StoreFull("no room")

    monkeypatch.setattr(hall.store, "write", full)
    tickets = hall.opened()
    first = tickets.raise_("help", SITTING, "touched")
    tickets.raise_("device", None, "camera_lost")
    tickets.answer(first, "guide-7")
    assert len(tickets.open()) == 2
    assert hall.told() == []
    monkeypatch.setattr(hall.store, "write", real)
    tickets.look()

    kinds = [(kind, facts["kind"]) for kind, _, facts in hall.told()]
    assert kinds == [("help.raised", "help"), ("help.raised", "device"), ("help.answered", "help")]
    assert [one.answered for one in hall.opened().open()] == [False, True]
    tickets.look()
    assert len(hall.told()) == 3


def test_what_waits_is_bounded_and_no_open_call_is_lost(hall, monkeypatch):
    """A disk that stays full fills no memory."""
    real = hall.store.write
    monkeypatch.setattr(hall.store, "write", lambda *_: (_ for _ in ()).throw(StoreFull("full")))
    tickets = hall.opened()
    for _ in range(WAITING_MAX):
        tickets.raise_("help", SITTING, "touched")
        tickets.raise_("help", None, "touched")
    assert len(tickets._waiting) == WAITING_MAX
    monkeypatch.setattr(hall.store, "write", real)
    tickets.look()

    assert {one.sitting_id for one in hall.opened().open()} == {SITTING, None}


def test_who_calls_does_not_wait_for_the_disk(hall, monkeypatch):
    """The screen promises help at once, however slowly the journal writes."""
    real, held = hall.store.write, threading.Event()

    def slow(*words):
        held.wait(60)
        return real(*words)

    monkeypatch.setattr(hall.store, "write", slow)
    tickets = hall.opened()
    tickets.start()
    try:
        ticket_id = tickets.raise_("help", SITTING, "touched")
        assert [one.id for one in tickets.open()] == [ticket_id]
        assert hall.told() == []
        held.set()
        until(hall.told)
    finally:
        held.set()
        tickets.close()
    assert [kind for kind, _, _ in hall.told()] == ["help.raised"]


def test_what_was_called_while_it_closed_is_written(hall):
    """The last word before the light goes out."""
    tickets = hall.opened()
    tickets.start()
    tickets.raise_("help", SITTING, "touched")
    tickets.close()
    tickets.close()

    assert [one.why for one in hall.opened().open()] == ["touched"]


def test_resolved_calls_are_forgotten_after_400_days_and_open_ones_never(hall):
    """As long as a receipt is kept."""
    tickets = hall.opened()
    old = tickets.raise_("help", SITTING, "touched")
    left = tickets.raise_("device", None, "camera_lost")
    tickets.resolve(old, "guide-7")
    hall.later(KEPT_MS)
    hall.opened().look()
    assert _ids(hall) == {old, left}
    hall.later(1)
    hall.opened().look()

    assert _ids(hall) == {left}


def test_nothing_personal_can_come_into_a_calls_event(hall):
    """A word that is no code stands there as "unfit"."""
    hall.opened().raise_("help", SITTING, "陈先生 wants")

    ((_, _, facts),) = hall.told()
    assert facts["why"] == "unfit"


def test_waits_of_a_month_are_those_raised_in_it(hall):
    """Neither those that were withdrawn nor answers to how it was are waits."""
    tickets = hall.opened()
    for wait_ms in (9_000, 3_000):
        ticket_id = tickets.raise_("help", None, "touched")
        hall.later(wait_ms)
        tickets.answer(ticket_id, "guide-7")
    tickets.withdraw(tickets.raise_("help", None, "touched"))
    tickets.resolve(tickets.raise_("rating", None, "poor"), "guide-7")

    assert hall.store.read(lambda db: rows.waits_ms(db, NOV, hall.now_ms)) == [3_000, 9_000]
    assert hall.store.read(lambda db: rows.waits_ms(db, NOV, NOV + 1)) == [9_000]
    assert hall.store.read(lambda db: rows.waits_ms(db, NOV + 1, hall.now_ms)) == [3_000]


def _ids(hall: Hall) -> set[str]:
    found = hall.store.read(lambda db: db.execute("select id from ticket").fetchall())
    return {ticket_id for (ticket_id,) in found}

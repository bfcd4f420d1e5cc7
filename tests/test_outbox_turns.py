"""Who goes next: the green channel first, then the oldest, everybody in the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.delivery.pace import DAY_MIN, Hours, Pace
from edge.delivery.turns import ORDINARY_EVERY, PAGE, Turns
from edge.store import delivery
from edge.store.rows import Pending
from tests.delivery_kit import make_kit


class Queue:
    """What waits, and a clock."""

    def __init__(self, urgent=(), ordinary=()):
        self.now_s = 0.0
        self.waiting = {cursor: cursor in set(urgent) for cursor in sorted([*urgent, *ordinary])}
        self.reads = 0
        self.turns = Turns(self.read, lambda: self.now_s)

    def read(self, after, limit, urgent):
        self.reads += 1
        found = [c for c, is_urgent in self.waiting.items() if c > after and is_urgent >= urgent]
        return [self.row(cursor) for cursor in sorted(found)[:limit]]

    def row(self, cursor):
        return Pending(
            cursor, f"p{cursor}", "st", cursor, 0, 1, "d", "s", 0, None, self.waiting[cursor]
        )

    def drain(self):
        order = []
        while package := self.turns.take():
            order.append(package.cursor)
            self.turns.done(package)
            del self.waiting[package.cursor]
        return order


def test_the_oldest_goes_first():
    """In order of age, over any number of pages."""
    queue = Queue(ordinary=range(1, 3 * PAGE + 8))

    assert queue.drain() == list(range(1, 3 * PAGE + 8))


def test_the_green_channel_goes_first_and_starves_nobody():
    """Each fourth turn is the oldest's."""
    queue = Queue(urgent=range(101, 113), ordinary=range(1, 11))
    order = queue.drain()

    assert order[:8] == [101, 102, 103, 1, 104, 105, 106, 2]
    assert sorted(order) == [*range(1, 11), *range(101, 113)]


@given(
    st.lists(st.integers(1, 400), unique=True, max_size=90),
    st.lists(st.integers(1, 400), unique=True, max_size=90),
)
def test_everybody_goes_once_and_nobody_waits_for_more_than_its_share(urgent, others):
    """However many wait: an ordinary package moves on by one at least in four turns."""
    ordinary = sorted(set(others) - set(urgent))
    order = Queue(urgent, ordinary).drain()
    wait = {cursor: order.index(cursor) for cursor in order}

    assert sorted(order) == sorted({*urgent, *ordinary})
    for place, cursor in enumerate(ordinary):
        assert wait[cursor] < ORDINARY_EVERY * (place + 1 + len(urgent))
    for place, cursor in enumerate(sorted(urgent)):
        assert wait[cursor] <= place * ORDINARY_EVERY / (ORDINARY_EVERY - 1) + 1


def test_receipts_that_are_asked_for_again_leave_every_other_turn_to_the_others():
    """Thousands answered "later", each due again before all were asked: nobody else starves."""
    queue = Queue(ordinary=range(1, 101))
    for package in [queue.turns.take() for _ in range(100)]:
        queue.turns.later(package, wait_s=10)
    queue.now_s = 100
    queue.waiting |= {201: False, 202: True, 203: False}
    queue.turns.look_again()
    order = []
    for _ in range(8):
        package = queue.turns.take()
        order.append(package.cursor)
        queue.now_s += 1
        if package.cursor < 200:
            queue.turns.later(package, wait_s=10)
        else:
            queue.turns.done(package)
            del queue.waiting[package.cursor]

    assert order == [1, 202, 2, 201, 3, 203, 4, 5]


def test_one_that_fails_waits_until_the_others_had_their_turn():
    """It goes back, those behind it come, and then it comes again."""
    queue = Queue(ordinary=[1, 2, 3])
    bad = queue.turns.take()
    queue.turns.back(bad)
    second, third = queue.turns.take(), queue.turns.take()
    queue.turns.back(second)
    queue.turns.back(third)

    assert (bad.cursor, second.cursor, third.cursor) == (1, 2, 3)
    assert queue.turns.take().cursor == 1


def test_what_is_out_is_not_handed_out_again():
    """Two tries of one package at once would be two uploads."""
    queue = Queue(urgent=[2], ordinary=[1])

    assert {queue.turns.take().cursor, queue.turns.take().cursor} == {1, 2}
    assert queue.turns.take() is None


def test_what_comes_later_comes_when_it_is_due_and_first():
    """A receipt that was not there yet is asked for again, not before."""
    queue = Queue(ordinary=[1, 2])
    first = queue.turns.take()
    queue.turns.later(first, 60.0)

    assert queue.turns.take().cursor == 2
    assert queue.turns.take() is None
    assert queue.turns.next_due_s() == 60.0
    queue.now_s = 60.0
    assert queue.turns.take().cursor == 1
    assert queue.turns.next_due_s() is None


def test_a_receipt_that_lies_ready_is_not_waited_for():
    """A stick was plugged in: its receipts are read now, the others' when they are due."""
    queue = Queue(ordinary=[1, 2, 3])
    for _ in range(3):
        queue.turns.later(queue.turns.take(), 900.0)
    queue.turns.now({2})

    assert queue.turns.take().cursor == 2
    assert queue.turns.take() is None
    queue.turns.now()
    assert {queue.turns.take().cursor, queue.turns.take().cursor} == {1, 3}


def test_what_came_early_does_not_come_again_when_it_was_due():
    """A receipt that lay ready was read; its first appointment is void."""
    queue = Queue(ordinary=[1, 2])
    for _ in range(2):
        queue.turns.later(queue.turns.take(), 900.0)
    queue.turns.now({1})
    first = queue.turns.take()
    queue.turns.later(first, 2000.0)
    queue.now_s = 900.0

    assert queue.turns.take().cursor == 2
    assert queue.turns.take() is None
    assert queue.turns.next_due_s() == 1100.0


def test_a_package_that_was_opened_early_and_closed_late_is_found():
    """Its cursor is behind the place: whoever closes it says so."""
    queue = Queue(ordinary=[5, 6])
    assert queue.turns.take().cursor == 5
    queue.waiting[2] = False
    queue.turns.look_again()

    assert queue.turns.take().cursor == 2


def test_a_drain_reads_each_page_once():
    """50,000 that wait cost no more for each than ten do."""
    queue = Queue(ordinary=range(1, 40 * PAGE + 1))
    queue.drain()

    # Beside its own pages each takes one look at the empty green channel.
    assert queue.reads < 40 * PAGE + 40 * 2 + 10


def test_many_that_come_later_are_not_gone_through_for_one_that_is_due():
    """A stick with 50,000 packages: each question costs one row."""
    queue = Queue(ordinary=range(1, 20 * PAGE + 1))
    while package := queue.turns.take():
        queue.turns.later(package, float(package.cursor))
    queue.reads, queue.now_s = 0, 10.0
    for _ in range(10):
        queue.turns.later(queue.turns.take(), 900.0)

    assert queue.reads == 10


@pytest.mark.parametrize(
    ("spans", "minute", "is_open", "wait"),
    [
        ((), 700, True, 0),
        (("08:00-18:00",), 480, True, 0),
        (("08:00-18:00",), 1079, True, 0),
        (("08:00-18:00",), 1080, False, 840),
        (("20:00-06:30",), 1439, True, 0),
        (("20:00-06:30",), 389, True, 0),
        (("20:00-06:30",), 390, False, 810),
        (("00:00-01:00", "12:00-13:00"), 100, False, 620),
    ],
    ids=["always", "begin", "last", "end", "midnight", "before-end", "over", "two"],
)
def test_hours_open_and_close_to_the_minute(spans, minute, is_open, wait):
    """The begin belongs to a span, the end does not; a span may go over midnight."""
    hours = Hours.parse(spans)

    assert hours.open_at(minute) is is_open
    assert hours.minutes_until_open(minute) == wait


@given(st.integers(0, DAY_MIN - 1), st.integers(0, DAY_MIN - 1), st.integers(0, DAY_MIN - 1))
def test_it_is_open_when_the_wait_is_over(begin, end, minute):
    """Whatever the span."""
    if begin == end:
        return
    hours = Hours(((begin, end),))

    assert hours.open_at((minute + hours.minutes_until_open(minute)) % DAY_MIN)


@pytest.mark.parametrize("text", ["", "8:00-9:00", "24:00-01:00", "20:00-20:00", "20:00–06:00"])
def test_a_span_that_is_none_is_refused(text):
    """In a plain sentence, at the start."""
    with pytest.raises(ValueError, match=r"span|length"):
        Hours.parse((text,))


def test_outside_the_hours_only_the_urgent_go():
    """The green channel knows no hours."""
    queue = Queue(urgent=[3], ordinary=[1, 2])

    assert queue.turns.take(urgent_only=True).cursor == 3
    assert queue.turns.take(urgent_only=True) is None
    assert queue.turns.take().cursor == 1


def test_questions_for_a_receipt_become_rarer():
    """A stick that is away for months is not asked every minute."""
    pace = Pace(pending_s=60, pending_max_s=900)

    assert [pace.ask_again_s(n) for n in (1, 2, 3, 4, 5, 6, 400)] == [
        60, 120, 240, 480, 900, 900, 900,
    ]  # fmt: skip


@pytest.mark.parametrize("urgent", [False, True])
def test_a_page_of_what_waits_is_found_and_not_sorted(tmp_path, urgent):
    """However many wait, the index leads to the page; no row beyond it is read."""
    with make_kit(tmp_path).open_store() as store:
        seen = []

        def look(db):
            db.trace = seen.append
            delivery.pending(db, "centre", 50, 7, urgent=urgent)
            return list(db.execute(f"explain query plan {seen[0]}"))

        plan = " ".join(row[3] for row in store.read(lambda db: look(_Traced(db))))

    assert "TEMP B-TREE" not in plan
    assert "SCAN" not in plan


class _Traced:
    """A connection that shows what was asked, with the values in their places."""

    def __init__(self, db):
        self._db = db
        self.trace = lambda _: None

    def execute(self, sql, values=()):
        for value in values:
            sql = sql.replace("?", repr(value), 1)
        self.trace(sql)
        return self._db.execute(sql)

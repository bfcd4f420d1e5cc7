"""Whoever asks first writes first, also beside somebody who never stops."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge.store import StoreError
from edge.store.queueing import OneByOne
from tests.delivery_kit import make_kit, until


def waiting(turn):
    with turn._lock:
        return len(turn._waiting)


def test_turns_are_taken_in_the_order_in_which_they_were_asked_for():
    """First come, first served, and one at a time."""
    turn, order, within = OneByOne(), [], []

    def take(name):
        with turn:
            within.append(name)
            order.append(name)
            assert within == [name]
            within.remove(name)

    with ThreadPoolExecutor(8) as pool, turn:
        for name in range(8):
            pool.submit(take, name)
            until(lambda name=name: waiting(turn) == name + 1)

    assert order == list(range(8))
    with turn:
        order.append("free again")


class Interrupted(BaseException):
    """A signal in the middle of waiting."""


class Cutting:
    """A lock whose waiting is interrupted, before or after it was handed on."""

    def __init__(self, turn, handed_on):
        self.turn, self.handed_on, self.first = turn, handed_on, True

    def acquire(self):
        if self.first:
            self.first = False
            return
        if self.handed_on:
            self.turn._hand_on()
        raise Interrupted

    def release(self):
        return


@pytest.mark.parametrize("handed_on", [False, True])
def test_who_is_interrupted_while_waiting_holds_up_nobody(monkeypatch, handed_on):
    """Its turn goes to the next, whether it had been given it already or not."""
    turn = OneByOne()
    turn._taken = True
    with monkeypatch.context() as signal:
        signal.setattr("edge.store.queueing.threading.Lock", lambda: Cutting(turn, handed_on))
        with pytest.raises(Interrupted):
            turn.__enter__()
    assert turn._taken is not handed_on
    turn._taken = False
    with turn:
        assert turn._taken


def test_jobs_of_many_threads_never_meet(tmp_path):
    """One connection, one transaction at a time, each in the thread that asked for it."""
    with make_kit(tmp_path).open_store() as store:
        within, met = [], []

        def job(db):
            within.append(threading.get_ident())
            met.append(len(within))
            db.execute("insert or replace into counter(name, value) values('n', 1)")
            met.append(within.pop() == threading.get_ident())

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: store.write(job), range(120)))

    assert met == [1, True] * 120


def test_a_closed_store_says_so_and_one_that_closes_finishes_what_it_does(tmp_path):
    """Closing waits for its turn as everybody does."""
    store = make_kit(tmp_path).open_store()
    entered, leave = threading.Event(), threading.Event()

    def long(db):
        entered.set()
        leave.wait(60)
        return "done"

    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(store.write, long)
        entered.wait(60)
        closing = pool.submit(store.close)
        leave.set()
        assert running.result() == "done"
        closing.result()
    with pytest.raises(StoreError, match="closed"):
        store.write(long)

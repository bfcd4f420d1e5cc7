"""The trace of a serial line: the last words, never an image, and no more than fits."""

from __future__ import annotations

import threading

from drivers.line_trace import SHOWN_MAX_BYTES, LineTrace, Way


def unnamed(_way: Way, _shown: bytes) -> str:
    """Name nothing."""
    return ""


def test_entries_are_told_oldest_first_by_their_time_before_the_newest():
    """Support reads it as it happened; the last line is at 0 ms."""
    trace = LineTrace(lambda way, shown: f"{way.name} {len(shown)}")
    trace.note(Way.OUT, b"\x01")
    trace.note(Way.IN, b"\x07\x00\x01\x00")
    times = [int(line.split()[0]) for line in trace.lines()]

    assert [line.split(" ms ")[1] for line in trace.lines()] == [
        "> 01  OUT 1", "< 07 00 01 00  IN 4",
    ]  # fmt: skip
    assert times[0] <= times[1] == 0


def test_what_repeats_is_counted_and_pushes_nothing_out():
    """The heads of an image's packets would else leave no room for what led to it."""
    trace = LineTrace(lambda way, _: way.name, keep_bytes=8)
    trace.note(Way.OUT, b"\x0a")
    for _ in range(1000):
        trace.note(Way.IN, b"\x02\x01\x00")
    trace.note(Way.IN, b"\x02\x01\x00", 5)

    assert [line.split(" ms ")[1] for line in trace.lines()] == [
        "> 0a  OUT", "< 02 01 00  IN (1005 times)",
    ]  # fmt: skip


def test_the_same_bytes_the_other_way_are_another_entry():
    """A question and its echo are two things."""
    trace = LineTrace(unnamed)
    trace.note(Way.OUT, b"\x13")
    trace.note(Way.IN, b"\x13")

    assert len(trace.lines()) == 2


def test_the_ring_holds_the_newest_that_fit():
    """4 KiB by default, whatever an entry's length; the oldest go first."""
    trace = LineTrace(unnamed, keep_bytes=100)
    for number in range(60):
        trace.note(Way.OUT, bytes((number, 0, 0)))
    said = [line.split()[3] for line in trace.lines()]

    assert said == [f"{number:02x}" for number in range(27, 60)]


def test_a_long_answer_is_shown_in_part():
    """No entry is the whole ring."""
    trace = LineTrace(lambda _way, shown: str(len(shown)))
    trace.note(Way.IN, bytes(4000))

    assert trace.lines()[0].endswith(f" {SHOWN_MAX_BYTES}")


def test_nothing_said_is_nothing_told():
    """A reader that was never spoken to has no trace, and no error."""
    assert LineTrace(unnamed).lines() == ()


def test_it_is_read_while_it_is_written():
    """The support page asks at any time; the reader's thread goes on."""
    trace, stop = LineTrace(unnamed, keep_bytes=300), threading.Event()
    failures: list[Exception] = []

    def ask():
        while not stop.is_set():
            try:
                trace.lines()
            except Exception as failure:
                failures.append(failure)

    asking = threading.Thread(target=ask)
    asking.start()
    for number in range(20_000):
        trace.note(Way.OUT, bytes((number % 251,)))
    stop.set()
    asking.join()

    assert failures == []

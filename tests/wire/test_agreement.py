"""Which upload may be believed: the rule by itself, upload by upload."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event

import pytest

from drivers.agreement import TRIES, Agreement
from drivers.errors import ProtocolViolation
from edge.logs import PLAIN


@dataclass(frozen=True)
class Got:
    content: bytes | None
    fault: str = ""


A, B, C = Got(b"a"), Got(b"b"), Got(b"c")
NOTHING = Got(None, "a bad sum")
NOISY_A, NOISY_B = Got(b"a", "noise"), Got(b"b", "noise")

BELIEVED = {
    "one clean upload": ([A], b"a"),
    "a faulty one that the next clean one repeats": ([NOISY_A, A], b"a"),
    "two faulty ones that agree": ([NOISY_A, NOISY_A], b"a"),
    "two that agree with another between them": ([NOISY_A, B, A], b"a"),
    "two clean ones after nothing": ([NOTHING, A, A], b"a"),
    "one before and one after the speed was lowered": ([NOTHING, A, NOTHING, A], b"a"),
}
NEVER_BELIEVED = {
    "a clean one, once a fault was seen": [NOTHING, A],
    "clean ones that differ, long after the fault": [NOTHING, A, B, C],
    "faulty ones that differ": [NOISY_A, NOISY_B],
    "nothing, twice the same": [NOTHING, NOTHING],
}


def trusted(uploads: list[Got], *, slower: int = 1) -> tuple[bytes | None, list[tuple[int, str]]]:
    """Run the rule on these uploads; return what it believed, and the repeats it told of."""
    left, speeds, told = list(uploads), [True] * slower, []
    agreement = Agreement(
        lambda: bool(speeds) and speeds.pop(), Event(), lambda *repeat: told.append(repeat)
    )
    return agreement.trusted(lambda: left.pop(0)), told


@pytest.mark.parametrize("case", BELIEVED)
def test_what_may_be_believed_is_at_once(case):
    """One clean upload, or two that agree: no upload more than that."""
    uploads, content = BELIEVED[case]
    believed, told = trusted(uploads)

    assert believed == content
    assert len(told) == len(uploads) - 1


@pytest.mark.parametrize("case", NEVER_BELIEVED)
def test_what_may_not_be_believed_ends_without_an_image(case):
    """A fault that was seen stays seen: nothing clean behind it counts alone."""
    uploads = NEVER_BELIEVED[case]
    rest = [Got(None, "silence")] * (2 * TRIES - len(uploads))

    with pytest.raises(ProtocolViolation, match="no image could be trusted: silence"):
        trusted([*uploads, *rest])


def test_the_speed_is_lowered_once():
    """Three uploads at each of two speeds; a third speed is not asked for."""
    fetched, lowered = [NOTHING] * 2 * TRIES, []
    agreement = Agreement(lambda: lowered.append("once") or True, Event(), lambda *_: None)

    with pytest.raises(ProtocolViolation, match="a bad sum"):
        agreement.trusted(fetched.pop)
    assert (fetched, lowered) == ([], ["once"])


def test_where_there_is_no_slower_speed_three_uploads_are_all():
    """A fourth would be asked of a line that has shown what it is."""
    with pytest.raises(ProtocolViolation, match="a bad sum"):
        trusted([NOTHING] * TRIES, slower=0)


def test_a_repeat_is_told_by_its_number_and_the_last_fault_in_one_word():
    """The log takes no spaces; a clean upload that was not believed has the fault before it."""
    _, told = trusted([NOTHING, B, A, NOISY_A])

    assert told == [(1, "a-bad-sum"), (2, "a-bad-sum"), (3, "a-bad-sum")]


def test_whatever_a_fault_says_the_log_takes_it():
    """A fault quotes names and numbers; with a comma or a bracket in it the log would blank it."""
    fault = "no answer to UP_IMAGE (7 bytes), within 3.0 s: " + "noise " * 40
    _, told = trusted([Got(None, fault), A, A])

    assert all(PLAIN.match(reason) for _, reason in told)
    assert told[0][1].startswith("no-answer-to-UP_IMAGE-7-bytes-within-3.0-s:")


def test_a_cancelled_upload_is_no_image():
    """Whatever it brought: nobody waits for it."""
    cancelled = Event()
    agreement = Agreement(lambda: True, cancelled, lambda *_: None)

    def fetch() -> Got:
        cancelled.set()
        return A

    assert agreement.trusted(fetch) is None

"""The record of a calibration: its canonical form, what is none, and what holds of a device."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.calibration.canonical import NotCanonical, canonical, number
from edge.calibration.record import (
    Kind,
    Overall,
    RecordUnfit,
    StepResult,
    Verdict,
    calibration_id,
    read_record,
    record_json,
)
from edge.calibration.validity import DAY_MS, last_day, validity
from edge.record_room import RecordRoom
from edge.samples import Sample
from tests.calibration_kit import NOW_MS, calibration, result
from tests.delivery_kit import SINK, make_kit

RFC_8785 = {
    "0000000000000000": "0", "8000000000000000": "0", "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324", "7fefffffffffffff": "1.7976931348623157e+308",
    "4340000000000000": "9007199254740992", "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000", "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23", "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000", "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21", "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001", "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325", "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334", "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333", "43143ff3c1cb0959": "1424953923781206.2",
}  # fmt: skip
"""Appendix B of RFC 8785: bits of a number, and how it is written."""


@pytest.mark.parametrize(("bits", "written"), RFC_8785.items(), ids=RFC_8785)
def test_numbers_are_written_as_the_rfc_s_own_samples(bits: str, written: str):
    """Each of appendix B."""
    assert number(struct.unpack(">d", bytes.fromhex(bits))[0]) == written


def test_names_are_in_the_order_of_utf_16_and_nothing_is_left_to_taste():
    """The RFC's own sample of 3.2.3: code points would give another order."""
    said = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    names = list(json.loads(canonical(said)))

    assert names == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert canonical({"b": [1.0, True, None], "a": '\u20ac\n"\\\x1f'}) == (
        '{"a":"\u20ac\\n\\"\\\\\\u001f","b":[1,true,null]}'.encode()
    )


@pytest.mark.parametrize(
    "odd",
    [math.nan, math.inf, -math.inf, (1 << 53) + 1, 10**400, "\ud800", b"x", {1: 2}, object()],
    ids=["nan", "inf", "-inf", "53-bits", "10**400", "surrogate", "bytes", "number-key", "object"],
)
def test_what_has_no_form_is_refused(odd: object):
    """Also inside of something else; and nesting without an end."""
    if "object" in repr(odd):
        odd = [[]]
        odd[0].append(odd)
    with pytest.raises(NotCanonical):
        canonical({"x": [odd]})


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(-(1 << 53) + 1, (1 << 53) - 1)
LEAVES = (
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | WHOLE | TEXTS
)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=8,
    )
)
def test_the_same_content_is_the_same_bytes_and_reads_back(value: object):
    """Whatever went through JSON once is written the same the second time."""
    once = canonical(value)
    assert canonical(json.loads(once)) == once
    assert json.loads(once, parse_int=float) == value


def test_a_record_reads_back_and_its_id_is_the_beginning_of_its_digest():
    """Nothing of it is lost on the way."""
    given_ = calibration()
    read = read_record(record_json(given_))

    assert replace(read.calibration, steps=()) == replace(given_, steps=())
    assert record_json(read.calibration) == record_json(given_)
    assert read.id == read.sha256[:32] == calibration_id(given_)


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said | {"v": 2},
        lambda said: said | {"approved": True},
        lambda said: {name: value for name, value in said.items() if name != "overall"},
        lambda said: said | {"overall": "certified"},
        lambda said: said | {"steps": [said["steps"][0] | {"value": None}]},
        lambda said: said | {"steps": [said["steps"][0] | {"value": "0.3"}]},
        lambda said: said | {"device_id": "../../etc"},
        lambda said: said | {"kind": "quick"},
        lambda said: said | {"valid_until": "soon"},
        lambda said: said | {"ended_at_ms": 1},
        lambda said: [said],
    ],
    ids=["version", "member-more", "member-less", "verdict", "no-value", "text-for-number",
         "path", "quick-with-validity", "no-day", "backwards", "no-object"],
)  # fmt: skip
def test_what_is_not_a_record_as_we_write_it_is_refused(change):
    """A member more or less, a word of somebody else's, a figure that was not assessed."""
    said = json.loads(record_json(calibration()))
    with pytest.raises(RecordUnfit):
        read_record(canonical(change(said)))


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"null", b"\xff\xfe", b"[" * 5000, b'{"v":1,"v":1}', b" " * (2 << 20)],
    ids=["empty", "bare", "null", "no-utf8", "deep", "twice", "huge"],
)
def test_bytes_that_are_nothing_are_refused_and_never_raise_anything_else(content: bytes):
    """A folder can hold whatever somebody put there."""
    with pytest.raises(RecordUnfit):
        read_record(content)
    with pytest.raises(RecordUnfit):
        read_record(record_json(calibration()) + b"\n")


def test_a_step_has_a_value_exactly_if_it_was_assessed():
    """No nought in place of nothing."""
    good = result("focus", "mtf50_centre")
    with pytest.raises(RecordUnfit):
        replace(good, value=None)
    with pytest.raises(RecordUnfit):
        StepResult("noise", "flash", 0.0, "1", None, None, "house", "house", Verdict.NOT_ASSESSED)


# What holds


@dataclass(frozen=True)
class Row:
    id: str
    number: int
    kind: Kind = "full"
    overall: Overall = Overall.PASS
    ended_at_ms: int = NOW_MS
    valid_until: str | None = "2027-05-21"
    restores: str | None = None


GOOD, BAD = Row("a", 1), Row("b", 2, overall=Overall.FAIL, valid_until=None)
NEXT = Row("c", 3, valid_until="2027-06-01")
QUICK, QUICK_BAD = (
    Row("d", 4, "quick", overall, valid_until=None) for overall in (Overall.PASS, Overall.FAIL)
)
UNDONE = Row("e", 5, "undo", restores="a")
UNDONE_ALL = Row("f", 6, "undo", Overall.NOT_ASSESSED, valid_until=None)


@pytest.mark.parametrize(
    ("rows", "state", "in_force"),
    [
        ([], "none", None),
        ([GOOD], "valid", "a"),
        ([BAD], "failed", None),
        ([GOOD, BAD], "failed", "a"),
        ([GOOD, BAD, NEXT], "valid", "c"),
        ([GOOD, QUICK], "valid", "a"),
        ([GOOD, QUICK_BAD], "failed", "a"),
        ([GOOD, BAD, QUICK], "failed", "a"),
        ([GOOD, replace(QUICK_BAD, number=2), NEXT], "valid", "c"),
        ([GOOD, QUICK_BAD, replace(QUICK, id="g", number=5)], "valid", "a"),
        ([QUICK], "none", None),
        ([GOOD, NEXT, UNDONE], "valid", "a"),
        ([GOOD, NEXT, UNDONE, UNDONE_ALL], "none", None),
        ([GOOD, QUICK_BAD, UNDONE], "failed", "a"),
        ([replace(GOOD, overall=Overall.NOT_ASSESSED, valid_until=None)], "none", None),
        ([replace(GOOD, overall=Overall.PASS_WITH_REMARKS)], "valid", "a"),
        ([GOOD, replace(UNDONE, restores="gone")], "none", None),
    ],
    ids=["nothing", "passed", "failed", "failed-after", "mended", "quick", "quick-failed",
         "quick-clears-no-full", "full-clears-quick", "quick-clears-quick", "quick-alone", "undone",
         "all-undone", "undoing-clears-no-verdict", "not-assessed", "remarks", "undone-to-nothing"],
)  # fmt: skip
def test_what_holds_of_a_device(rows, state, in_force):
    """Also in any order: the number decides."""
    for ordered in (rows, rows[::-1]):
        found = validity(ordered, NOW_MS)
        assert (found.state, found.calibration_id) == (state, in_force)


@pytest.mark.parametrize(
    ("days", "state"), [(31, "valid"), (30, "due"), (1, "due"), (0, "expired"), (-400, "expired")]
)
def test_a_calibration_is_due_in_its_last_30_days_and_ends_with_its_last_day(days, state):
    """To the millisecond: its last day counts whole, in UTC."""
    end_ms = round(datetime(2027, 5, 22, tzinfo=UTC).timestamp() * 1000)
    found = validity([GOOD], end_ms - days * DAY_MS)

    assert found.state == state
    assert found.days_left == pytest.approx(days, abs=1e-9)
    assert validity([GOOD], end_ms - 1).state == "due"


def test_a_clock_that_went_back_makes_nothing_younger():
    """The newest record was made later than now: then it is at least as late as that."""
    old = replace(GOOD, valid_until="2026-11-01")
    assert validity([old], 0).state == "expired"
    assert last_day(NOW_MS, 180) == "2027-05-21"


def test_a_lost_record_is_worth_nothing():
    """Nobody knows whether it failed."""
    assert validity([GOOD], NOW_MS, lost=True).state == "failed"


# On every sample


def test_every_captured_sample_names_its_device_s_calibration_and_a_reused_photo_none(tmp_path):
    """Portrait, letter and fingers; consent and an earlier photo were captured by nothing here."""
    kit, in_force = make_kit(tmp_path), {"camera": "c" * 32, "fingerprint": None}
    with kit.open_store() as store:
        room = RecordRoom(
            store, lambda _: [kit.sealer], {SINK: "custody"}, dict, lambda: None,
            keep_master=False, calibration=in_force.get,
        )  # fmt: skip
        record = room.begin("en")
        record.keep_consent("en")
        record.keep_letter(b"letter")
        reused = Sample("portrait/de_id.jpg", "image/jpeg", b"old", {"origin": "reused"})
        record._keep([
            Sample("portrait/cn_resident_id.jpg", "image/jpeg", b"new", {}),
            Sample("finger/right_thumb.png", "image/png", b"print", {}), reused,
        ])  # fmt: skip
        facts = {part.name: part.facts for part in store.parts(record.package_id)}

    assert {
        name: one["calibration_id"] for name, one in facts.items() if "calibration_id" in one
    } == {
        "proxy/letter.jpg": "c" * 32,
        "portrait/cn_resident_id.jpg": "c" * 32,
        "finger/right_thumb.png": None,
    }

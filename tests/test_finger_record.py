"""What a package says of fingers: rows, records, views, exceptions, and what counts as missing."""

from __future__ import annotations

import re
import struct
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.fingerprint import FingerImage
from edge.fingers.capture import FingerTaken
from edge.fingers.exceptions import (
    ExceptionReason,
    FingerException,
    Permanence,
    SignedReason,
    Why,
    exception_of,
)
from edge.fingers.presses import Agreement, GoodPress, Presentation
from edge.fingers.report import finger_report
from edge.fingers.samples import finger_samples, position_of, press_row
from edge.fingers.wishes import FingerWishes, OrderedFingers, wishes_of
from edge.record_room import RecordRoom
from edge.settings import (
    EXTRA_PARTS_MAX,
    FINGER_POSITIONS,
    Fingers,
    finger_profile_names,
    load_finger_profile,
)
from formats.finger.minutia import Minutia, MinutiaKind
from quality.finger.score import FingerScore
from tests.delivery_kit import SINK, make_kit

PAGE = Path(__file__).resolve().parent.parent / "docs" / "fingers.md"
PROFILES = {name: load_finger_profile(name) for name in finger_profile_names()}
IMAGE = FingerImage(bytes(range(256)) * 64, 128, 128, 500)
SIGNED = SignedReason("wu-7", ExceptionReason.BANDAGED, Permanence.TEMPORARY, "2026-12-24")


def wished(**ordered) -> FingerWishes:
    return wishes_of(OrderedFingers(**ordered), (), Fingers(), PROFILES)


def taken(position="right_thumb", slot=None, presses=2, algorithm="NFIQ2", minutiae=()):
    """A finger whose presses all agree."""
    score = FingerScore(67, algorithm, "2.3")
    views = tuple(GoodPress(n, IMAGE, score, tuple(minutiae)) for n in range(1, presses + 1))
    made = tuple(Presentation(view.number, score, "", 0.0) for view in views)
    return FingerTaken(position, slot or position, views[0], views, Agreement.MATCHED, False, made)


def rows_of(table: str) -> set[str]:
    """Names in the first column of the table of the page that begins so."""
    text = PAGE.read_text(encoding="utf-8")
    body = text.split(f"| {table} | meaning |\n|---|---|\n", 1)[1].split("\n\n", 1)[0]
    first = [line.split("|")[1] for line in body.splitlines() if line.startswith("|")]
    return set(re.findall(r"`([a-z_0-9]+)`", " ".join(first)))


@pytest.fixture
def begin(tmp_path):
    """Begin records in a journal: `begin(keep_all_views=True, positions=…)`."""
    kit = make_kit(tmp_path)
    with kit.open_store() as store:

        def begun(*, keep_all_views=False, **ordered):
            room = RecordRoom(
                store, lambda _: [kit.sealer], {SINK: "custody"}, dict, lambda: None,
                keep_master=False, keep_all_views=keep_all_views,
            )  # fmt: skip
            record = room.begin("en")
            record.wish_fingers(wished(**ordered))
            record.keep_consent("en")
            return record

        yield begun


def test_the_row_of_a_finger_has_the_members_that_the_page_names():
    """Who reads the page can read the package."""
    (sample,) = finger_samples(taken(), wished(), views_max=0)

    assert set(sample.facts) == rows_of("member of the row")
    assert sample.facts["resident_card_position"] == 11


def test_codes_of_the_resident_card_stand_only_where_the_profile_says_so():
    """A centre that did not ask is told nothing that looks like conformity."""
    (sample,) = finger_samples(taken(), wished(profile="index_first"), views_max=0)

    assert "resident_card_position" not in sample.facts
    assert sample.facts["iso_position"] == 1


def test_an_exception_and_a_press_have_the_members_that_the_page_names():
    """And no others."""
    press = Presentation(1, FingerScore(10), "finger.dry", 0.0)
    exception = exception_of("right_thumb", Why.FAILED, [press])

    assert set(exception.for_progress()) == rows_of("member of an exception")
    assert set(press_row(press)) == rows_of("member of a press")


def test_the_closing_record_has_the_members_that_the_page_names(begin):
    """Slots, what fills them, and what is not given."""
    record = begin()
    record.keep_finger(taken("right_index", "right_thumb"))
    record.except_fingers(
        [exception_of("right_thumb", Why.NOT_POSSIBLE)], ["right_thumb"], ended=False
    )
    report = finger_report(record.progress, record.fingers_in)

    assert set(report) == rows_of("member of `fingers`")
    assert report["slots"] == [
        {"position": "right_thumb", "given": "right_index"},
        {"position": "left_thumb", "given": None},
    ]
    assert report["given"] == {
        "right_index": {"agreement": "matched", "fallback_of": "right_thumb"}
    }


def test_ordered_records_come_as_further_parts_of_the_same_press():
    """Each names the PNG that it was made from; what cannot be made is named in the PNG's row."""
    wishes = wished(records=("fir-2005", "fir-2011", "fmr-2005"))
    bare, *others = finger_samples(taken(), wishes, views_max=0)
    minutia = Minutia(10, 20, 90.0, MinutiaKind.ENDING, 50)
    _, *all_three = finger_samples(taken(minutiae=[minutia]), wishes, views_max=0)

    assert bare.name == "finger/right_thumb.png"
    assert bare.facts["records_missing"] == ["fmr-2005"]
    assert [s.name for s in others] == [
        "finger/right_thumb.2005.fir", "finger/right_thumb.2011.fir",
    ]  # fmt: skip
    assert {s.facts["made_from"] for s in all_three} == {bare.name}
    assert [s.plain[:3] for s in all_three] == [b"FIR", b"FIR", b"FMR"]


def test_a_score_of_our_own_is_never_written_where_nfiq_2_is_declared():
    """A record by the standard declares NFIQ 2's vendor and algorithm with the score."""
    wishes = wished(records=("fir-2011",))
    _, ours = finger_samples(taken(algorithm="anxin-ridge-1"), wishes, views_max=0)
    _, theirs = finger_samples(taken(), wishes, views_max=0)

    assert len(theirs.plain) == len(ours.plain) + 5


def test_row_and_records_tell_of_the_press_that_is_kept_and_of_the_finger_that_was_pressed():
    """Not of the first press, nor of the finger that was wanted, nor of a usual reader."""
    score, image = FingerScore(67, "NFIQ2", "2.3"), replace(IMAGE, resolution_ppi=508)
    pressed_at_s = time.monotonic()
    made = tuple(Presentation(n, score, "", pressed_at_s - 3600 / n) for n in (1, 2))
    views = tuple(GoodPress(n, image, score) for n in (2, 1))
    kept = FingerTaken(
        "right_index", "right_thumb", views[0], views, Agreement.NOT_ASSESSED, True, made
    )
    png, old, new, view = finger_samples(
        kept, wished(records=("fir-2005", "fir-2011")), views_max=1
    )
    at, earlier = (datetime.fromisoformat(one.facts["captured_at"]) for one in (png, view))

    assert (png.facts["position"], png.facts["iso_position"]) == ("right_index", 2)
    assert (png.facts["fallback_of"], png.facts["low_quality"]) == ("right_thumb", True)
    assert png.facts["agreement"] == "not_assessed"
    assert png.facts["resolution_ppi"] == view.facts["resolution_ppi"] == 508
    assert timedelta(minutes=29) < at - earlier < timedelta(minutes=31)
    # Layouts: docs/finger-records.md. Position and pixels an inch of 2005, moment of 2011.
    assert (old.plain[36], int.from_bytes(old.plain[20:22], "big")) == (2, 508)
    year, month, day, hour, minute, second, milli = struct.unpack(">HBBBBBH", new.plain[20:29])
    assert datetime(year, month, day, hour, minute, second, milli * 1000, UTC) == at


def test_nobody_comes_back_with_what_is_permanent():
    """A date beside it would be a sentence that contradicts itself."""
    with pytest.raises(ValueError, match=r"permanent"):
        SignedReason("wu-7", ExceptionReason.AMPUTATED, Permanence.PERMANENT, "2026-12-24")


def test_all_views_are_kept_only_where_that_is_set(begin):
    """The best alone, or every press that agrees; none of them counts as a finger."""
    best, every = begin(), begin(keep_all_views=True)
    for record in (best, every):
        record.keep_finger(taken(presses=3))

    assert best.fingers_in == every.fingers_in == ("right_thumb",)
    names = [part.name for part in every._office.store.parts(every.package_id)]
    assert names == [
        "consent.json", "finger/right_thumb.png",
        "finger/right_thumb.view_2.png", "finger/right_thumb.view_3.png",
    ]  # fmt: skip
    assert len(best._office.store.parts(best.package_id)) == 2


def test_ten_fingers_with_all_records_and_views_fit_into_a_package(begin):
    """The PNGs always; of the rest what there is room for, and what there is not is named."""
    record = begin(
        keep_all_views=True,
        positions=FINGER_POSITIONS,
        records=("fir-2005", "fir-2011", "fmr-2005", "wsq"),
    )
    for position in FINGER_POSITIONS:
        record.keep_finger(taken(position, presses=5))
    parts = record._office.store.parts(record.package_id)
    extra = [
        part for part in parts if not part.name.endswith("json") and not position_of(part.name)
    ]

    assert set(record.fingers_in) == set(FINGER_POSITIONS)
    assert len(extra) <= EXTRA_PARTS_MAX
    assert all("wsq" in p.facts["records_missing"] for p in parts if position_of(p.name))


@pytest.mark.parametrize(
    ("name", "position"),
    [("finger/left_ring.png", "left_ring"), ("finger/left_ring.view_2.png", None),
     ("finger/left_ring.2011.fir", None), ("finger/sixth.png", None), ("portrait/a.png", None)],
)  # fmt: skip
def test_only_a_finger_s_own_picture_says_that_it_is_in(name, position):
    """Records and views come with it, and never instead of it."""
    assert position_of(name) == position


def excepted(record, *positions, why=Why.NOT_POSSIBLE):
    record.except_fingers([exception_of(p, why) for p in positions], positions, ended=False)


def missing(record):
    return [row.what for row in record.missing]


def test_a_finger_is_missing_until_an_attendant_signed(begin):
    """As long as nothing stands in for it; what would only have stood in was never wanted."""
    record = begin()
    excepted(record, "right_thumb", "right_index")
    before = missing(record)
    signed = record.sign_exception("right_thumb", SIGNED)

    assert before == ["finger:right_thumb"]
    assert (signed, missing(record)) == (True, [])
    assert "finger:right_thumb" in record._excepted()
    row = record.exceptions[0]
    assert (row.reason, row.come_back_on, row.confirmed_by) == ("bandaged", "2026-12-24", "wu-7")


def test_a_finger_that_another_stands_in_for_is_not_missing_and_stays_known(begin):
    """Nobody lacks anything who met the rule; the centre reads all the same what was tried."""
    record = begin()
    excepted(record, "right_thumb", "right_index", why=Why.FAILED)
    before = missing(record)
    record.keep_finger(taken("right_middle", "right_thumb"))

    assert before == ["finger:right_thumb"]
    assert (missing(record), record.unfilled_slots) == ([], {"left_thumb"})
    report = finger_report(record.progress, record.fingers_in)
    thumb = next(row for row in report["exceptions"] if row["position"] == "right_thumb")
    assert (thumb["why"], thumb["confirmed_by"]) == ("failed", None)
    assert report["slots"][0] == {"position": "right_thumb", "given": "right_middle"}
    assert "finger:right_thumb" in record._excepted()
    # Whoever wants to sign may.
    assert record.sign_exception("right_thumb", SIGNED)


def test_one_finger_stands_in_for_one_slot_and_the_other_stays_missing(begin):
    """Two were wanted and one came: which of them it was for is what the person was told."""
    record = begin()
    hands = [f"{hand}_thumb" for hand in ("right", "left")]
    excepted(record, *hands, why=Why.FAILED)
    record.keep_finger(taken("left_index", "left_thumb"))

    assert missing(record) == ["finger:right_thumb"]


def test_a_second_word_mends_the_first(begin):
    """Whoever took the wrong reason takes another."""
    record = begin()
    excepted(record, "right_thumb")
    record.sign_exception("right_thumb", SIGNED)
    again = SignedReason("li-2", ExceptionReason.AMPUTATED, Permanence.PERMANENT)

    assert record.sign_exception("right_thumb", again)
    row = record.exceptions[0]
    assert (row.reason, row.come_back_on, row.confirmed_by) == ("amputated", None, "li-2")


@pytest.mark.parametrize(
    "why", [Why.REFUSED, Why.DEVICE_OUT, Why.NOT_FOR_ENROLMENT], ids=lambda why: why.value
)
def test_what_is_not_the_person_s_skin_takes_no_signature(begin, why):
    """A refusal is her own word, a reader's fault the station's."""
    record = begin()
    excepted(record, "right_thumb", why=why)

    assert not record.sign_exception("right_thumb", SIGNED)
    assert missing(record) == ["finger:right_thumb"]
    assert record.exceptions[0].view(wanted=True).confirmed


def test_a_refusal_tells_nothing_of_the_presses_before_it():
    """Neither cause nor score: they might hint at an illness."""
    made = [Presentation(n, FingerScore(10), "finger.dry", 0.0) for n in (1, 2)]
    row = exception_of("left_thumb", Why.REFUSED, made)

    assert row == FingerException("left_thumb", "03", "refused", attempts=2)


@pytest.mark.parametrize(
    ("causes", "reason"),
    [(["finger.dry"], "dry"), (["finger.dry"] * 2, "worn"), (["finger.worn", "finger.dry"], "worn"),
     (["finger.wet"], "other"), ([""] * 5, "other")],
    ids=["dry-once", "dry-twice", "worn-and-dry", "wet", "no-cause"],
)  # fmt: skip
def test_the_presses_suggest_a_reason(causes, reason):
    """The attendant sees the finger and knows better."""
    made = [Presentation(n, FingerScore(n), cause, 0.0) for n, cause in enumerate(causes, 1)]
    row = exception_of("left_thumb", Why.FAILED, made)

    assert (row.result, row.reason, row.attempts) == ("02", reason, len(causes))
    assert row.best_score["value"] == len(causes)


def test_with_a_minimum_in_the_package_nothing_of_fingers_is_missing(begin):
    """A centre to which any finger is good says so; exceptions stand in the record all the same."""
    record = begin(minimum=1)
    excepted(record, "right_thumb")
    before = missing(record)
    record.keep_finger(taken("left_thumb"))

    assert before == ["finger:right_thumb"]
    assert missing(record) == []
    assert [one.position for one in record.exceptions] == ["right_thumb"]


@pytest.mark.parametrize("day", ["2026-13-01", "1.2.2026", "20261224", "tomorrow", ""])
def test_a_day_to_come_back_is_a_civil_date(day):
    """Nothing else can be written there, least of all a sentence about somebody."""
    with pytest.raises(ValueError, match=r"."):
        SignedReason("wu-7", ExceptionReason.INJURED, Permanence.TEMPORARY, day)

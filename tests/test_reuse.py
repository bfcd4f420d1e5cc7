"""Photo reuse at sixty and over: every edge of the rule, by civil dates in Asia/Shanghai."""

from __future__ import annotations

import copy
import hashlib
import json
import tomllib
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge import settings
from edge.reuse.policy import OPEN_QUESTIONS, ReusePolicy
from edge.reuse.rule import (
    Candidate,
    Comparison,
    Offer,
    Reason,
    Refusal,
    civil_date,
    declined_record,
    may_reuse,
    reuse_record,
    years_after,
)
from edge.settings import SettingsError, load_reuse_policy

FILE = Path(__file__).resolve().parent.parent / "firmware_configs" / "policies" / "reuse.toml"
POLICY = load_reuse_policy()
BORN = "1960-05-17"
APPLIED = "2026-11-22"
PASSPORT = "ordinary_passport"
DIGEST = "ab" * 32


def photo(captured="2024-03-01", source="exit_entry", issued=None, sha256=DIGEST):
    return Candidate(source, captured, issued, sha256)


def asked(candidate=None, born=BORN, applied=APPLIED, document=PASSPORT, policy=POLICY):
    chosen = photo() if candidate is None else candidate
    return may_reuse(policy, chosen, born, applied, document)


def offered(**how):
    return isinstance(asked(**how), Offer)


def reason(**how):
    found = asked(**how)
    assert isinstance(found, Refusal)
    return found.reason


def changed_policy(**changes):
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    table["reuse"]["cn_elder"].update(changes)
    return ReusePolicy.model_validate(table)


def test_the_policy_s_digest_is_of_its_file_and_no_file_may_claim_one(tmp_path, monkeypatch):
    """Who reads a record can tell by which very file it was decided."""
    assert POLICY.sha256 == hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert changed_policy().sha256 == ""
    folder = tmp_path / "policies"
    folder.mkdir()
    claiming = f'sha256 = "{"00" * 32}"\n' + FILE.read_text(encoding="utf-8")
    (folder / "reuse.toml").write_text(claiming, encoding="utf-8")
    monkeypatch.setattr(settings, "CONFIGS", tmp_path)

    with pytest.raises(SettingsError, match="sha256 is not known"):
        load_reuse_policy()


def test_an_elder_with_a_recent_photo_is_offered_it():
    """The offer says what the record and the screen need, and who decides what."""
    offer = asked()

    assert offer == Offer(
        photo(), "cn_elder", "2026-11/1", "capture", date(2024, 3, 1), date(2029, 3, 1),
        996, "waive", "attendant", (), "advisory", POLICY.sha256,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("born", "expected"),
    [("1966-11-22", None), ("1966-11-23", Reason.UNDER_AGE), ("1966-11-21", None)],
    ids=["today", "tomorrow", "yesterday"],
)
def test_sixty_is_reached_on_the_birthday(born, expected):
    """ "60 inclusive" is about the age, reached on the birthday itself."""
    found = asked(born=born)

    assert (found.reason if isinstance(found, Refusal) else None) is expected


@pytest.mark.parametrize(
    ("captured", "expected"),
    [("2021-11-22", None), ("2021-11-21", Reason.TOO_OLD), ("2021-11-23", None)],
    ids=["five years", "a day more", "a day less"],
)
def test_five_calendar_years_are_inclusive(captured, expected):
    """`capture_date + 5 years >= application_date`, never 1826 days."""
    found = asked(photo(captured))

    assert (found.reason if isinstance(found, Refusal) else None) is expected


def test_five_years_are_not_1826_days():
    """With two leap days between, five calendar years are 1827 days."""
    captured, applied = date(2023, 12, 1), date(2028, 12, 1)

    assert (applied - captured).days == 1827
    assert offered(candidate=photo(captured), applied=applied)
    assert reason(candidate=photo(captured), applied=applied + timedelta(1)) is Reason.TOO_OLD


def test_a_photo_of_29_february_counts_as_the_28th():
    """Captured 2024-02-29: still offered on 2029-02-28, not on 1 March."""
    leap = photo("2024-02-29")

    assert offered(candidate=leap, applied="2029-02-28")
    assert reason(candidate=leap, applied="2029-03-01") is Reason.TOO_OLD
    later = changed_policy(leap_day="1_mar")
    assert offered(candidate=leap, applied="2029-03-01", policy=later)
    assert reason(candidate=leap, applied="2029-03-02", policy=later) is Reason.TOO_OLD


def test_an_application_on_29_february():
    """The limit of a photo of 28 February five years before lies a day earlier."""
    assert reason(candidate=photo("2023-02-28"), applied="2028-02-29") is Reason.TOO_OLD
    assert offered(candidate=photo("2023-03-01"), applied="2028-02-29")


def test_who_was_born_on_29_february():
    """The sixtieth birthday falls in a leap year; for another age the policy's day counts."""
    recent = photo("2024-01-01")

    assert offered(candidate=recent, born="1964-02-29", applied="2024-02-29")
    assert reason(candidate=recent, born="1964-02-29", applied="2024-02-28") is Reason.UNDER_AGE
    younger = changed_policy(min_age_years=59)
    assert offered(candidate=photo("2022-01-01"), born="1964-02-29", applied="2023-02-28",
                   policy=younger)  # fmt: skip
    assert not offered(candidate=photo("2022-01-01"), born="1964-02-29", applied="2023-02-27",
                       policy=younger)  # fmt: skip


@pytest.mark.parametrize(
    ("captured", "expected"),
    [
        ("2021-11-21T16:00:00Z", None),
        ("2021-11-21T15:59:59Z", Reason.TOO_OLD),
        (datetime(2021, 11, 21, 16, tzinfo=UTC), None),
        (datetime(2021, 11, 21, 23, 59, tzinfo=timezone(timedelta(hours=8))), Reason.TOO_OLD),
    ],
)
def test_time_stamps_become_civil_dates_in_shanghai(captured, expected):
    """Midnight there is 16:00 UTC of the day before."""
    found = asked(photo(captured))

    assert (found.reason if isinstance(found, Refusal) else None) is expected


def test_the_applications_time_stamp_is_converted_too():
    """On the evening before, by UTC, it is already the birthday in Shanghai."""
    assert offered(born="1966-11-22", applied="2026-11-21T16:00:00Z")
    assert reason(born="1966-11-22", applied="2026-11-21T15:59:59Z") is Reason.UNDER_AGE


@pytest.mark.parametrize(
    "captured",
    [
        "2026-11-23", "2026-11-22T16:00:00Z", None, "", "last year", "2024-02-30", "2024-13-01",
        "20240301", "2024-W09-5", "2024-03-01T12:00:00", "0000-00-00", "01/03/2024",
        datetime(2024, 3, 1, 12),
    ],
    ids=str,
)  # fmt: skip
def test_a_date_in_the_future_missing_or_unreadable_is_unknown(captured):
    """Never guessed: no offer, and the attendant learns why."""
    assert reason(candidate=photo(captured)) is Reason.DATE_UNKNOWN


def test_a_photo_of_today_is_no_future():
    """Another desk may have taken it this morning."""
    assert asked(photo(APPLIED)).age_days == 0


def test_an_issue_date_is_no_capture_date():
    """By capture, an issue date alone is unknown; by issue, the capture date does not count."""
    issued = photo(captured=None, issued="2024-03-01")
    by_issue = changed_policy(date_basis="issue")

    assert reason(candidate=issued) is Reason.DATE_UNKNOWN
    assert asked(issued, policy=by_issue).basis == "issue"
    assert reason(candidate=photo("2024-03-01"), policy=by_issue) is Reason.DATE_UNKNOWN


def test_exit_entry_goes_before_resident_id_then_the_newer_before_the_older():
    """The person sees one; the attendant may switch to the others, in order."""
    newest_id = photo("2026-10-01", "resident_id")
    old, new = photo("2023-01-01"), photo("2025-01-01")
    offer = asked([newest_id, old, new])

    assert offer.candidate == new
    assert offer.others == (old, newest_id)
    assert asked([newest_id]).candidate == newest_id


def test_equal_candidates_keep_the_orders_sequence():
    """The same source and day: as the order names them, so that two runs agree."""
    first, second = photo(sha256="11" * 32), photo(sha256="22" * 32)

    assert asked([first, second]).candidate == first
    assert asked([second, first]).candidate == second


def test_a_refused_candidate_does_not_hide_one_that_fits():
    """Too old, of another source or undated: the good one is offered, alone."""
    good = photo("2024-01-01", "resident_id")
    offer = asked([photo("2010-01-01"), photo(None), photo(source="driving_licence"), good])

    assert offer.candidate == good
    assert offer.others == ()


def test_the_reason_is_that_of_the_nearest_candidate():
    """One that was only too old says more than one from elsewhere; none at all says so."""
    assert reason(candidate=[photo("2010-01-01"), photo(source="x")]) is Reason.TOO_OLD
    assert reason(candidate=[photo(None), photo(source="x")]) is Reason.DATE_UNKNOWN
    assert reason(candidate=[]) is Reason.NO_CANDIDATE


@pytest.mark.parametrize("document", ["resident_id", "child_passport", ""])
def test_other_documents_have_no_offer(document):
    """The rule names three documents."""
    assert reason(document=document) is Reason.OTHER_DOCUMENT


@pytest.mark.parametrize("document", ["ordinary_passport", "hk_macau_permit", "taiwan_permit"])
def test_the_three_documents_have_one(document):
    """Each of them, by either source."""
    assert offered(document=document)
    assert offered(document=document, candidate=photo(source="resident_id"))


def test_other_sources_have_no_offer():
    """A driving licence's photo is not among them."""
    assert reason(candidate=photo(source="driving_licence")) is Reason.OTHER_SOURCE


@pytest.mark.parametrize("born", ["1990-01-01", "2020-02-29"])
def test_under_sixty_there_is_no_offer(born):
    """Children and younger people need a local policy of their own."""
    assert reason(born=born) is Reason.UNDER_AGE


@pytest.mark.parametrize("born", [None, "", "1960", "2026-11-23"])
def test_an_unknown_birth_date_is_no_age(born):
    """Absent, unreadable, or after the application."""
    assert reason(born=born) is Reason.BIRTH_DATE_UNKNOWN


def test_a_policy_that_is_off_or_not_in_force_offers_nothing():
    """The first day counts, and so does the last."""
    assert reason(policy=changed_policy(enabled=False)) is Reason.POLICY_DISABLED
    old = photo("2020-01-01")
    assert reason(candidate=old, applied="2021-03-31") is Reason.POLICY_NOT_YET_VALID
    assert offered(candidate=old, applied="2021-04-01")
    ending = changed_policy(valid_until=date(2026, 11, 22))
    assert offered(policy=ending)
    assert reason(policy=ending, applied="2026-11-23") is Reason.POLICY_EXPIRED


def test_an_application_without_a_date_is_an_error():
    """Nothing can be decided: the caller's fault, not the person's."""
    with pytest.raises(ValueError, match="no application date"):
        asked(applied="soon")


def test_a_local_block_of_its_own_widens_the_rule():
    """Xining: under sixty, one year; over sixty the national block still decides."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    local = copy.deepcopy(table["reuse"]["cn_elder"])
    local.update(min_age_years=0, max_age_years=1, source="secondary: qinghai.gov.cn 2021-06-04")
    table["reuse"]["xining"] = local
    policy = ReusePolicy.model_validate(table)

    assert asked(photo("2026-01-01"), born="1990-01-01", policy=policy).rule == "xining"
    assert asked(photo("2022-01-01"), policy=policy).rule == "cn_elder"
    assert asked(photo("2022-01-01"), born="1990-01-01", policy=policy) == Refusal(
        Reason.TOO_OLD, "xining"
    )


@given(
    captured=st.dates(date(2000, 1, 1), date(2040, 1, 1)),
    applied=st.dates(date(2021, 4, 1), date(2050, 1, 1)),
)
def test_the_limit_is_the_same_day_five_years_on(captured, applied):
    """Whatever the dates: offered exactly from the photo's day to its fifth anniversary."""
    born = date(1930, 1, 1)
    found = asked(photo(captured), born=born, applied=applied)
    in_time = (
        captured <= applied
        and (applied.year - captured.year, applied.month, applied.day)
        <= (5, captured.month, captured.day)
    )  # fmt: skip

    assert isinstance(found, Offer) == in_time


def test_the_end_of_the_calendar_is_no_crash():
    """A date from a broken register stays a refusal."""
    assert years_after(date(9998, 1, 1), 60) == date(9999, 1, 1)
    assert reason(born="9998-01-01") is Reason.BIRTH_DATE_UNKNOWN
    assert reason(candidate=photo("9999-12-31T23:59:59Z")) is Reason.DATE_UNKNOWN
    assert civil_date("0001-01-01T00:00:00+14:00", POLICY.zone) is None


AGREED = Comparison("attendant", agreed=True, attendant_id="a-17")


def test_the_record_holds_what_the_reference_lists_and_nothing_of_the_person():
    """Origin, source, date and basis, age of the photo, policy, who agreed, comparison, digest."""
    rows = [{"measure": "FaceSharpness", "native": 0.01, "verdict": "rejected"}]
    record = reuse_record(asked(), AGREED, "proxy", rows)

    assert record == {
        "v": 1, "origin": "reused", "source": "exit_entry", "date": "2024-03-01",
        "date_basis": "capture", "age_days": 996,
        "policy": {"id": "cn_elder", "version": "2026-11/1", "sha256": POLICY.sha256},
        "agreed_by": "proxy",
        "comparison": {
            "method": "attendant", "value": None, "threshold": None, "attendant_id": "a-17",
        },
        "recheck": rows, "geometry": "waived", "sha256": DIGEST,
    }  # fmt: skip
    assert BORN not in json.dumps(record)


def test_a_comparison_that_does_not_agree_leaves_no_record():
    """Then a new photo is taken; the old one must not slip in."""
    with pytest.raises(ValueError, match="does not agree"):
        reuse_record(asked(), Comparison("attendant", False, "a-17"), "applicant", [])


@pytest.mark.parametrize(
    ("same_person", "comparison", "told"),
    [
        ("attendant", Comparison("attendant", True), "attendant's word"),
        ("attendant", Comparison("dlib", True, None, 0.9, 0.6), "attendant's word"),
        ("matcher", AGREED, "matcher's value"),
        ("matcher", Comparison("dlib", True, None, 0.5, 0.6), "matcher's value"),
        ("both", AGREED, "matcher's value"),
        ("both", Comparison("dlib", True, None, 0.9, 0.6), "attendant's word"),
    ],
)
def test_who_must_vouch_is_the_policys_word(same_person, comparison, told):
    """Nobody, or the wrong one, is not enough."""
    offer = asked(policy=changed_policy(same_person=same_person))
    with pytest.raises(ValueError, match=told):
        reuse_record(offer, comparison, "applicant", [])


def test_a_matcher_at_its_threshold_is_enough_where_the_policy_says_so():
    """The value and the threshold are both in the record."""
    offer = asked(policy=changed_policy(same_person="matcher", geometry="require"))
    record = reuse_record(offer, Comparison("dlib-1", True, None, 0.6, 0.6), "applicant", [])

    assert record["comparison"]["value"] == record["comparison"]["threshold"] == 0.6
    assert record["geometry"] == "required"


def test_declining_records_the_choice_and_nothing_else():
    """No reason is asked, none is kept."""
    assert declined_record() == {"v": 1, "origin": "captured", "reuse": "declined"}


def test_a_digest_that_is_none_is_refused():
    """The record must name the very bytes that were received."""
    with pytest.raises(ValueError, match="64"):
        photo(sha256="AB" * 32)


def test_the_policy_is_not_verified_and_every_open_question_has_its_reason():
    """The primary text was not read; what it leaves open is our decision, and says so."""
    rule = POLICY.reuse["cn_elder"]

    assert not rule.verified
    assert set(rule.reasons) == OPEN_QUESTIONS


@pytest.mark.parametrize(
    ("trail", "wrong", "told"),
    [
        (("reuse", "cn_elder", "source"), None, "source"),
        (("reuse", "cn_elder", "source"), "heard somewhere", "says how it stands"),
        (("reuse", "cn_elder", "reasons"), None, "reasons"),
        (("reuse", "cn_elder", "reasons", "leap_day"), None, "leap_day is open"),
        (("reuse", "cn_elder", "reasons", "mood"), "design: none", "'mood' is no open question"),
        (("reuse", "cn_elder", "verified"), True, "secondary copy"),
        (("reuse", "cn_elder", "sources"), ["exit_entry", "exit_entry"], "stands twice"),
        (("reuse", "cn_elder", "valid_until"), date(2020, 1, 1), "before valid_from"),
        (("reuse", "cn_elder", "max_age"), 5, "max_age"),
        (("reuse", "cn_elder", "fingers"), "skip", "capture"),
        (("time_zone",), "Asia/Nowhere", "no time zone"),
        (("version",), None, "version"),
    ],
)
def test_a_policy_without_sources_or_sense_is_refused(trail, wrong, told):
    """Refused at load, so that no station runs by a rule that nobody can account for."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    holder = table
    for key in trail[:-1]:
        holder = holder[key]
    holder.pop(trail[-1], None)
    if wrong is not None:
        holder[trail[-1]] = wrong
    with pytest.raises(ValidationError, match=told):
        ReusePolicy.model_validate(table)


def test_a_refused_policy_is_explained_to_the_technician(tmp_path, monkeypatch):
    """File, key, and what may stand there."""
    (tmp_path / "policies").mkdir()
    text = FILE.read_text(encoding="utf-8").replace("min_age_years", "min_age_yaers")
    (tmp_path / "policies" / "reuse.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(settings, "CONFIGS", tmp_path)
    with pytest.raises(SettingsError, match=r"reuse\.cn_elder\.min_age_y"):
        load_reuse_policy()

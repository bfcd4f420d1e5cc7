"""May an earlier photo be taken over? A pure decision, and what the record says of it.

No clock, no I/O, no picture: dates and a policy in, an offer or a refusal with its reason out. An
offer is no more than that: the choice is the person's, and somebody still has to vouch that the
photo is theirs. Fingerprints are never part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime
from enum import Enum
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from edge.reuse.policy import ReusePolicy, ReuseRule

When = date | datetime | str | None
"""A civil date, an aware time stamp, either of them as ISO 8601 text, or nothing."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_CIVIL: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class Reason(Enum):
    """Why there is no offer. The value is the code in records and reports."""

    POLICY_DISABLED = "policy_disabled"
    POLICY_NOT_YET_VALID = "policy_not_yet_valid"
    POLICY_EXPIRED = "policy_expired"
    OTHER_DOCUMENT = "other_document"
    UNDER_AGE = "under_age"
    BIRTH_DATE_UNKNOWN = "birth_date_unknown"
    NO_CANDIDATE = "no_candidate"
    OTHER_SOURCE = "other_source"
    DATE_UNKNOWN = "date_unknown"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An earlier photo as the order names it; dates as they came, sha256 of the received bytes."""

    source: str
    captured_at: When
    issued_at: When
    sha256: str

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError("sha256 is 64 lower-case hexadecimal digits")


@dataclass(frozen=True, slots=True)
class Offer:
    """The person may take this photo over.

    Attributes:
        rule: name of the policy's block.
        photo_on: the photo's civil date, by `basis`.
        age_days: of the photo on the application date.
        others: further candidates that would do, in order; an attendant may switch.
        recheck: "strict" refuses a photo that fails today's hard limits.
        policy_sha256: of the policy's file.
    """

    candidate: Candidate
    rule: str
    policy_version: str
    basis: Literal["capture", "issue"]
    photo_on: date
    last_day: date
    age_days: int
    geometry: Literal["waive", "require"]
    same_person: Literal["attendant", "matcher", "both"]
    others: tuple[Candidate, ...] = ()
    recheck: Literal["advisory", "strict"] = "advisory"
    policy_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """No offer. `rule` is empty where no block speaks of the document."""

    reason: Reason
    rule: str = ""


def may_reuse(
    policy: ReusePolicy,
    candidate: Candidate | Sequence[Candidate],
    applicant_born_on: When,
    application_at: date | datetime | str,
    document: str,
) -> Offer | Refusal:
    """Decide whether an earlier photo may be offered.

    Args:
        policy: whose first block that offers decides; without an offer, the last block's reason.
        candidate: one earlier photo or several; the best one that fits is offered.
        applicant_born_on: date of birth; unknown or in the future: no offer.
        application_at: of the order, not of the sitting; a time stamp counts by the policy's zone.
        document: what is applied for, in the policy's words, such as "ordinary_passport".

    Raises:
        ValueError: the application's date cannot be read; without it nothing can be decided.
    """
    applied_on = civil_date(application_at, policy.zone)
    if applied_on is None:
        raise ValueError(f"no application date: {application_at!r}")
    candidates = (candidate,) if isinstance(candidate, Candidate) else tuple(candidate)
    born_on = civil_date(applicant_born_on, policy.zone)
    refusal = Refusal(Reason.OTHER_DOCUMENT)
    for name, rule in policy.reuse.items():
        if document not in rule.documents:
            continue
        reason = _person_refused(rule, born_on, applied_on)
        if reason is None:
            found = _offer(policy, name, rule, candidates, applied_on)
            if isinstance(found, Offer):
                return found
            reason = found
        refusal = Refusal(reason, name)
    return refusal


def _person_refused(rule: ReuseRule, born_on: date | None, applied_on: date) -> Reason | None:
    """Return why the rule has nothing for this person on this day, whatever the photo."""
    if not rule.enabled:
        return Reason.POLICY_DISABLED
    if applied_on < rule.valid_from:
        return Reason.POLICY_NOT_YET_VALID
    if rule.valid_until is not None and applied_on > rule.valid_until:
        return Reason.POLICY_EXPIRED
    if born_on is None or born_on > applied_on:
        return Reason.BIRTH_DATE_UNKNOWN
    if years_after(born_on, rule.min_age_years, rule.leap_day) > applied_on:
        return Reason.UNDER_AGE
    return None


def _offer(
    policy: ReusePolicy,
    name: str,
    rule: ReuseRule,
    candidates: Iterable[Candidate],
    applied_on: date,
) -> Offer | Reason:
    """Return the best candidate's offer, or why the candidate that came nearest is refused."""
    fitting: list[tuple[int, int, Candidate, date]] = []
    reasons = [Reason.NO_CANDIDATE]
    for one in candidates:
        photo_on = _photo_date(one, rule, policy.zone)
        reason = _photo_refused(one, rule, photo_on, applied_on)
        if reason is None and photo_on is not None:
            preference = rule.sources.index(one.source)
            fitting.append((preference, -photo_on.toordinal(), one, photo_on))
        elif reason is not None:
            reasons.append(reason)
    if not fitting:
        return max(reasons, key=_NEARNESS.index)
    # Equal in both: as the order names them.
    fitting.sort(key=lambda row: row[:2])
    _, _, best, photo_on = fitting[0]
    return Offer(
        candidate=best,
        rule=name,
        policy_version=policy.version,
        basis=rule.date_basis,
        photo_on=photo_on,
        last_day=years_after(photo_on, rule.max_age_years, rule.leap_day),
        age_days=(applied_on - photo_on).days,
        geometry=rule.geometry,
        same_person=rule.same_person,
        others=tuple(row[2] for row in fitting[1:]),
        recheck=rule.recheck,
        policy_sha256=policy.sha256,
    )


_NEARNESS: Final = (
    Reason.NO_CANDIDATE, Reason.OTHER_SOURCE, Reason.DATE_UNKNOWN, Reason.TOO_OLD,
)  # fmt: skip


def _photo_date(candidate: Candidate, rule: ReuseRule, zone: ZoneInfo) -> date | None:
    # The other date is no substitute: an issue date says nothing about when the photo was taken.
    when = candidate.captured_at if rule.date_basis == "capture" else candidate.issued_at
    return civil_date(when, zone)


def _photo_refused(
    candidate: Candidate, rule: ReuseRule, photo_on: date | None, applied_on: date
) -> Reason | None:
    if candidate.source not in rule.sources:
        return Reason.OTHER_SOURCE
    if photo_on is None or photo_on > applied_on:
        return Reason.DATE_UNKNOWN
    if years_after(photo_on, rule.max_age_years, rule.leap_day) < applied_on:
        return Reason.TOO_OLD
    return None


def years_after(day: date, years: int, leap_day: str = "28_feb") -> date:
    """Return the same calendar day so many years later; 29 February falls as the policy says."""
    year = min(day.year + years, MAXYEAR)
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28) if leap_day == "28_feb" else date(year, 3, 1)


def civil_date(when: When, zone: ZoneInfo) -> date | None:
    """Return the civil date there, or None if nobody can tell.

    A time stamp without an offset has no known day near midnight: it is unknown, never guessed.
    """
    if isinstance(when, str):
        when = _parsed(when)
    if isinstance(when, datetime):
        if when.tzinfo is None:
            return None
        try:
            return when.astimezone(zone).date()
        except OverflowError:
            return None
    return when


def _parsed(text: str) -> date | None:
    # fromisoformat alone would also take week dates and dates without hyphens.
    if not _CIVIL.match(text):
        return None
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Who or what vouched that the photo is the applicant's.

    Attributes:
        method: "attendant", or the matcher's name and version.
        attendant_id: of the attendant who signed; None for a matcher alone.
        value, threshold: the matcher's, None for an attendant alone.
    """

    method: str
    agreed: bool
    attendant_id: str | None = None
    value: float | None = None
    threshold: float | None = None


def reuse_record(
    offer: Offer,
    comparison: Comparison,
    agreed_by: Literal["applicant", "proxy"],
    recheck: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what the package records of a photo that was taken over.

    Nothing of the person: neither birth date nor age, nor name or number; the photo's date and
    digest only. `recheck` are reading rows of the old photo against today's document.

    Raises:
        ValueError: the comparison does not agree or does not satisfy the policy.
    """
    _check_comparison(offer, comparison)
    return {
        "v": 1,
        "origin": "reused",
        "source": offer.candidate.source,
        "date": offer.photo_on.isoformat(),
        "date_basis": offer.basis,
        "age_days": offer.age_days,
        "policy": {
            "id": offer.rule,
            "version": offer.policy_version,
            "sha256": offer.policy_sha256,
        },
        "agreed_by": agreed_by,
        "comparison": {
            "method": comparison.method,
            "value": comparison.value,
            "threshold": comparison.threshold,
            "attendant_id": comparison.attendant_id,
        },
        "recheck": [dict(row) for row in recheck],
        "geometry": "waived" if offer.geometry == "waive" else "required",
        "sha256": offer.candidate.sha256,
    }


def declined_record() -> dict[str, Any]:
    """Return what is recorded of a person who wants a new photo: the choice, and no reason."""
    return {"v": 1, "origin": "captured", "reuse": "declined"}


def _check_comparison(offer: Offer, comparison: Comparison) -> None:
    if not comparison.agreed:
        raise ValueError("the comparison does not agree: a new photo is taken")
    if offer.same_person in {"attendant", "both"} and not comparison.attendant_id:
        raise ValueError("the policy wants an attendant's word")
    if offer.same_person in {"matcher", "both"}:
        value, threshold = comparison.value, comparison.threshold
        if value is None or threshold is None or value < threshold:
            raise ValueError("the policy wants a matcher's value at or above its threshold")

"""From an order's candidates to one earlier photo that may be shown to the person, or the reason.

The rule decides first (`edge.reuse.rule`), then the bytes, then what is seen in them. Nothing here
asks the person or compares faces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge.orders.order import Order
from edge.photos.recheck import recheck
from edge.reuse.policy import ReusePolicy
from edge.reuse.rule import Candidate, Offer, Refusal, may_reuse
from edge.vision.client import Photo
from quality.document import MEASURE_OF, Document
from quality.measure import Reading, Verdict

REUSE_OFF: Final = "reuse_off"
APPLICATION_DATE_UNKNOWN: Final = "application_date_unknown"
NO_ATTENDANT: Final = "no_attendant"
NO_MATCHER: Final = "no_matcher"
PHOTO_NOT_HERE: Final = "photo_not_here"
OTHER_PHOTO: Final = "other_photo"
"""The bytes are none of the photos that the order names."""
RECHECK_FAILED: Final = "recheck_failed"
GEOMETRY_FAILED: Final = "geometry_failed"
OTHER_PERSON: Final = "other_person"
NOT_COMPARED: Final = "not_compared"
"""The matcher gave no answer, again and again."""
INTERRUPTED: Final = "interrupted"
"""A restart came between the offer and its end; the bytes were in memory only."""
UNJUDGED: Final = "photo_unjudged"


@dataclass(frozen=True, slots=True)
class NoOffer:
    """No earlier photo is offered. `code` is for record and staff, never for the person."""

    code: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Vouchers:
    """Who or what can vouch here that a photo is the person's."""

    attendant: bool
    matcher: bool


@dataclass(frozen=True, slots=True)
class EarlierPhoto:
    """A photo that may be offered, in memory only.

    Attributes:
        content: the bytes as they came; they are what is sealed.
        photo: what the vision worker read of them.
        readings: against today's limits, by document id.
    """

    offer: Offer
    content: bytes
    photo: Photo
    readings: Mapping[str, tuple[Reading, ...]]

    @property
    def failed(self) -> tuple[str, ...]:
        """Measures that it does not pass today; of a geometry that is waived, none."""
        rows = [row for readings in self.readings.values() for row in readings]
        found = (r.measure for r in rows if r.verdict is Verdict.REJECTED and not _waived(r))
        return tuple(dict.fromkeys(found))


def weigh(
    policy: ReusePolicy | None, order: Order, candidates: Sequence[Candidate], vouchers: Vouchers
) -> Offer | NoOffer:
    """Decide by the rule alone whether one of these candidates may be offered."""
    if policy is None:
        return NoOffer(REUSE_OFF)
    try:
        applied_at = order.applied_at or ""
        found = may_reuse(policy, candidates, order.born_on, applied_at, order.applies_for)
    except ValueError:
        return NoOffer(APPLICATION_DATE_UNKNOWN)
    if isinstance(found, Refusal):
        return NoOffer(found.reason.value, found.rule)
    absent = _absent(found, vouchers)
    return NoOffer(absent, found.rule) if absent else found


def _absent(offer: Offer, vouchers: Vouchers) -> str:
    """Return who would have to vouch and is not here; "" if all are."""
    if offer.same_person in {"attendant", "both"} and not vouchers.attendant:
        return NO_ATTENDANT
    if offer.same_person in {"matcher", "both"} and not vouchers.matcher:
        return NO_MATCHER
    return ""


def named_by(order: Order, content: bytes) -> tuple[Candidate, ...]:
    """Return the order's candidates that these very bytes are."""
    digest = hashlib.sha256(content).hexdigest()
    return tuple(one for one in order.candidates if one.sha256 == digest)


def judged(
    offer: Offer, content: bytes, photo: Photo, documents: Sequence[Document]
) -> EarlierPhoto | NoOffer:
    """Judge a photo by today's documents; what the policy leaves advisory is only recorded."""
    waived = offer.geometry == "waive"
    readings = {one.id: recheck(photo, one, waived=waived) for one in documents}
    hard = [r for rows in readings.values() for r in rows if not r.advisory]
    failed = {r.measure for r in hard if r.verdict is not Verdict.ACCEPTED}
    if failed - MEASURE_OF.keys():
        return NoOffer(GEOMETRY_FAILED, offer.rule)
    if offer.recheck == "strict" and failed:
        return NoOffer(RECHECK_FAILED, offer.rule)
    return EarlierPhoto(offer, content, photo, readings)


def no_reuse(
    policy: ReusePolicy | None, refused: NoOffer, comparison: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what the sitting's record says of a photo that was not taken over.

    Args:
        policy: that was applied.
        refused: why.
        comparison: method, value, threshold and attendant, if somebody or something compared.
    """
    applied = None
    if policy is not None:
        applied = {"id": refused.rule, "version": policy.version, "sha256": policy.sha256}
    return {"v": 1, "reason": refused.code, "policy": applied, "comparison": comparison}


def _waived(reading: Reading) -> bool:
    return reading.advisory and reading.measure not in MEASURE_OF

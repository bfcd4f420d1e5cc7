"""What staff may overrule about a portrait, and what nobody may.

A head covering for faith, an eye that does not open, a neck that does not straighten: none of these
may be a dead end. An attendant signs for the reason, and the record says what was overruled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from quality.advice import Advice, advice_of
from quality.measure import Reading


class OverrideReason(Enum):
    """Why an attendant takes the portrait by hand. The value is what the record carries."""

    HEAD_COVERING_FAITH = "head_covering_faith"
    HEAD_COVERING_HEALTH = "head_covering_health"
    EYE_CONDITION = "eye_condition"
    NECK_CONDITION = "neck_condition"
    OTHER_HEALTH = "other_health"


@dataclass(frozen=True, slots=True)
class Override:
    """An attendant's word for a portrait that the gates alone would have refused.

    Attributes:
        reason: what the attendant saw.
        staff_id: who signed; "" until somebody did.
        waived: names of the measures that were overruled, in alphabetical order; empty if nothing
            had to be.
    """

    reason: OverrideReason
    staff_id: str = ""
    waived: tuple[str, ...] = ()


NEVER_WAIVED: Final = frozenset(
    {"SingleFacePresent", "InterEyeDistance", "HeadSize", "EyesOpen", "EyesVisible"}
)
"""One face, its size, its eyes: without these no office can tell who it is."""
_NEVER_OVERRULED: Final = frozenset(
    {
        Advice.NO_FACE, Advice.MANY_FACES, Advice.TOO_FAR, Advice.TOO_NEAR, Advice.NOT_WHOLE_FACE,
        Advice.OPEN_EYES, Advice.TAKE_OFF_SUNGLASSES, Advice.GLASSES_GLARE, Advice.HAIR_ASIDE,
    }
)  # fmt: skip
"""The same by what cures it, so that a measure of eyes that is added later is kept as well."""


def may_be_waived(reading: Reading, reason: OverrideReason) -> bool:
    """Tell whether an attendant with this reason may overrule this refused reading.

    Narrow eyes may be for a condition of the eyes, and so may eyes that read as dark glasses: deep
    ones, or lenses that a doctor tinted. Eyes behind hair or a glare never.
    """
    if reading.measure in {"EyesOpen", "SunglassesWorn"}:
        # A value is wanted all the same: without one nobody found any eyes.
        return reason is OverrideReason.EYE_CONDITION and reading.native is not None
    return reading.measure not in NEVER_WAIVED and advice_of(reading) not in _NEVER_OVERRULED


def refusals(readings: Iterable[Reading], override: Override | None) -> tuple[Reading, ...]:
    """Return the readings that still refuse the portrait; advisory ones never do."""
    failed = [r for r in readings if not r.advisory and advice_of(r) is not None]
    if override is None:
        return tuple(failed)
    return tuple(r for r in failed if not may_be_waived(r, override.reason))


def waived(readings: Iterable[Reading], reason: OverrideReason) -> tuple[str, ...]:
    """Return the names of the measures that were overruled, in alphabetical order."""
    failed = [r for r in readings if not r.advisory and advice_of(r) is not None]
    return tuple(sorted({r.measure for r in failed if may_be_waived(r, reason)}))

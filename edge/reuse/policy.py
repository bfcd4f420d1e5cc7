"""When an earlier photo may be taken over: the rules as a file, typed, frozen and with sources.

Every condition is a parameter of a versioned file (`firmware_configs/policies/reuse.toml`). A block
without its source, or with an open question that nobody gave a reason for, is refused at load.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from quality.limits import Section, Source, standings

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Years = Annotated[int, Field(ge=0, le=150)]

OPEN_QUESTIONS: Final = frozenset(
    {
        *("date_basis", "leap_day", "same_person", "recheck"),
        *("geometry", "changed_looks", "fingers"),
    }
)
"""What the public text leaves open: each needs the reason for its answer."""


class ReuseRule(Section):
    """One block: for whom, for which documents, from which sources, how old at most.

    Attributes:
        valid_from, valid_until: civil dates of the application, both inclusive.
        min_age_years: completed years on the application date.
        max_age_years: calendar years between the photo's date and the application, inclusive.
        sources: of the earlier photo, the preferred one first.
        date_basis: which of the photo's dates counts.
        leap_day: what 29 February counts as in a year without one.
        same_person: who vouches that the photo is the applicant's.
        geometry: "waive" takes an old photo as it is and marks it so.
        reasons: why each open question is answered as it is.
    """

    enabled: bool
    valid_from: date
    valid_until: date | None = None
    min_age_years: Years
    documents: Annotated[tuple[Name, ...], Field(min_length=1)]
    sources: Annotated[tuple[Name, ...], Field(min_length=1)]
    max_age_years: Annotated[int, Field(ge=1, le=50)]
    date_basis: Literal["capture", "issue"]
    leap_day: Literal["28_feb", "1_mar"]
    choice: Literal["applicant"]
    same_person: Literal["attendant", "matcher", "both"]
    recheck: Literal["advisory", "strict"]
    geometry: Literal["waive", "require"]
    changed_looks: Literal["new_photo"]
    fingers: Literal["capture"]
    source: Source
    verified: bool
    reasons: Mapping[str, Source]

    @model_validator(mode="after")
    def _is_reasoned(self) -> ReuseRule:
        for question in sorted(OPEN_QUESTIONS - self.reasons.keys()):
            raise ValueError(f"reasons: {question} is open in the public text and needs a reason")
        for unknown in sorted(self.reasons.keys() - OPEN_QUESTIONS):
            raise ValueError(f"reasons: {unknown!r} is no open question")
        for names in (self.documents, self.sources):
            if len(set(names)) != len(names):
                raise ValueError("a name stands twice in documents or sources")
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from")
        if self.verified and "secondary" in standings(self.source):
            raise ValueError("verified, but its source is a secondary copy")
        return self


class ReusePolicy(Section):
    """All rules of one file, in their order, under one version.

    Attributes:
        sha256: of the file, hexadecimal, as whoever read it found it; records name it.
    """

    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    version: Annotated[str, Field(min_length=3)]
    time_zone: str
    reuse: Annotated[Mapping[Name, ReuseRule], Field(min_length=1)]

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"no time zone {name!r}") from None
        return name

    @property
    def zone(self) -> ZoneInfo:
        """Where civil dates are counted."""
        return ZoneInfo(self.time_zone)

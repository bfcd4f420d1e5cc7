"""Which fingers one visit is about: the order's, else the documents', else the station's.

Settled as the sitting begins and kept with its progress: a restart goes on by the same wishes,
whatever a settings file says meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edge.fingers.plan import FingerPlan
from edge.fingers.profile import FingerProfile
from edge.settings_sections import Fingers


@dataclass(frozen=True, slots=True)
class OrderedFingers:
    """What an order says of fingers; None where it says nothing.

    Attributes:
        positions: wanted fingers in the order of asking; () for none at all.
        profile: a file of `firmware_configs/fingers`.
        records: kinds of records beside the PNG, `formats.finger.records`.
        minimum: with so many fingers nothing of fingers counts as missing.
    """

    positions: tuple[str, ...] | None = None
    profile: str | None = None
    records: tuple[str, ...] | None = None
    minimum: int | None = None


@dataclass(frozen=True, slots=True)
class FingerWishes:
    """The wishes of one visit, settled.

    Attributes:
        profile: its id.
        slots, fallback, other_hand: as `FingerPlan` has them.
        minimum, enrolment_grade, card_codes: as `FingerProfile` has them.
        records: kinds of records beside the PNG.
    """

    profile: str
    slots: tuple[str, ...]
    fallback: tuple[str, ...]
    other_hand: bool
    minimum: int | None
    enrolment_grade: bool
    card_codes: bool
    records: tuple[str, ...]

    @classmethod
    def from_progress(cls, kept: Mapping[str, Any]) -> FingerWishes:
        """Return the wishes that were kept by `for_progress`."""
        lists = {name: tuple(kept[name]) for name in ("slots", "fallback", "records")}
        return cls(**{**kept, **lists})

    def for_progress(self) -> dict[str, Any]:
        """Return what the journal keeps while the sitting runs: ids and codes."""
        return asdict(self)

    def plan(
        self, given: Iterable[str] = (), closed: Iterable[str] = (), *, ended: bool = False
    ) -> FingerPlan:
        """Return the plan, with what became of fingers before a restart."""
        return FingerPlan(
            self.slots, self.fallback, self.other_hand, tuple(given), tuple(closed), ended
        )


def wishes_of(
    ordered: OrderedFingers,
    documents: Iterable[str | None],
    station: Fingers,
    profiles: Mapping[str, FingerProfile],
) -> FingerWishes:
    """Settle which fingers a visit is about.

    The order's positions come before its profile, and that before the documents'. Of several
    documents the one that wants most fingers counts, and enrolment grade is demanded if any does.

    Args:
        ordered: what the order says.
        documents: the profile that each document names, None for those that name none.
        station: the station's own.
        profiles: by id.

    Raises:
        KeyError: there is no such profile.
    """
    named = [profiles[name] for name in documents if name is not None]
    if ordered.profile is not None:
        profile = profiles[ordered.profile]
    else:
        profile = max(named, key=lambda each: each.count, default=profiles[station.profile])
    slots, minimum = profile.slots, profile.minimum
    if ordered.positions is not None:
        slots, minimum = ordered.positions, None
    elif ordered.profile is None and not named and station.positions is not None:
        slots, minimum = station.positions, None
    records = station.records if ordered.records is None else ordered.records
    least = (ordered.minimum, minimum, station.minimum)
    wanted_least = next((number for number in least if number is not None), None)
    return FingerWishes(
        profile=profile.id,
        slots=slots,
        fallback=profile.fingers,
        other_hand=profile.other_hand,
        minimum=None if wanted_least is None else min(wanted_least, len(slots)),
        enrolment_grade=profile.enrolment_grade or any(each.enrolment_grade for each in named),
        card_codes=profile.card_codes,
        records=records,
    )

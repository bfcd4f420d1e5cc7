"""What an order asks for, on its way into the journal and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from edge.orders.errors import OrderUnknown
from edge.orders.order import NO_PREFERENCES, Order, Preferences
from edge.reuse.rule import Candidate


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an order asks for, as it came; the members of `Order` and the time that it stands.

    Attributes:
        not_before_ms: UTC; None: at once.
        expires_at_ms: UTC; None: a day after it may begin.
    """

    order_ref: str = field(repr=False)
    applies_for: str = ""
    documents: tuple[str, ...] = ()
    positions: tuple[str, ...] | None = None
    finger_profile: str | None = None
    finger_records: tuple[str, ...] | None = None
    finger_minimum: int | None = None
    applied_at: str | None = None
    born_on: str | None = field(default=None, repr=False)
    candidates: tuple[Candidate, ...] = ()
    proxy: bool = False
    proxy_relation: str = ""
    authorisation_ref: str = field(default="", repr=False)
    surname: str = field(default="", repr=False)
    honorific: str = field(default="", repr=False)
    slip_code: str = field(default="", repr=False)
    preferences: Preferences = NO_PREFERENCES
    completes_package_id: str | None = None
    materials: tuple[str, ...] = ()
    keep_preferences: bool = False
    urgent: bool = False
    not_before_ms: int | None = None
    expires_at_ms: int | None = None

    def standing(self, not_before_ms: int, expires_at_ms: int) -> Wanted:
        """Return the same wishes with the times that the order stands."""
        return replace(self, not_before_ms=not_before_ms, expires_at_ms=expires_at_ms)


def kept_wishes(wanted: Wanted, ordered_at: str) -> dict[str, Any]:
    """Return what the journal keeps of the wishes while the order is open."""
    kept = asdict(wanted)
    del kept["not_before_ms"], kept["expires_at_ms"]
    # The day of the order counts, not that of the sitting.
    kept["applied_at"] = wanted.applied_at or ordered_at
    return kept


def wanted_again(kept: Mapping[str, Any], ordered_at: str) -> Wanted:
    """Return the wishes that were kept so, without the times that the order stands."""
    order = order_of("", kept)
    members = {one.name: getattr(order, one.name) for one in fields(Order)}
    del members["sitting_id"]
    # The moment of the order stands for a day that nobody said.
    if members["applied_at"] == ordered_at:
        members["applied_at"] = None
    return Wanted(**members)


def order_of(sitting_id: str, kept: Mapping[str, Any]) -> Order:
    """Return the order that was kept so."""
    rest = {**kept}
    positions, records = rest.pop("positions"), rest.pop("finger_records", None)
    return Order(
        sitting_id=sitting_id,
        documents=tuple(rest.pop("documents")),
        positions=None if positions is None else tuple(positions),
        finger_records=None if records is None else tuple(records),
        candidates=tuple(Candidate(**one) for one in rest.pop("candidates")),
        materials=tuple(rest.pop("materials", ())),
        # An order of an older release says nothing of preferences.
        preferences=Preferences(**rest.pop("preferences", {})),
        **rest,
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What may be ordered at one station.

    Attributes:
        documents: ids of photo documents.
        positions: names of fingers.
        finger_profiles: ids.
        finger_records: kinds of records that can be made here.
    """

    documents: Collection[str] = ()
    positions: Collection[str] = ()
    finger_profiles: Collection[str] = ()
    finger_records: Collection[str] = ()


def check_known(wanted: Wanted, known: Known) -> None:
    """Raise `OrderUnknown`, with every place in the wishes, for what this station does not have."""
    keys: list[tuple[str | int, ...]] = [
        ("documents", n) for n, one in enumerate(wanted.documents) if one not in known.documents
    ]
    for name, asked, here in (
        ("positions", wanted.positions, known.positions),
        ("records", wanted.finger_records, known.finger_records),
    ):
        keys += [("fingers", name, n) for n, one in enumerate(asked or ()) if one not in here]
    if wanted.finger_profile is not None and wanted.finger_profile not in known.finger_profiles:
        keys.append(("fingers", "profile"))
    if keys:
        raise OrderUnknown(keys)

"""Whether a device's calibration still holds, from the records alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, Protocol

from edge.calibration.record import Kind, Overall

State = Literal["valid", "due", "expired", "failed", "none"]
Policy = Literal["warn", "block"]
DAY_MS: Final = 24 * 3600 * 1000
DUE_DAYS: Final = 30


class Ruled(Protocol):
    """What of a record decides. Its number rises with each record of a station."""

    @property
    def id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def overall(self) -> Overall: ...
    @property
    def ended_at_ms(self) -> int: ...
    @property
    def valid_until(self) -> str | None: ...
    @property
    def restores(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Validity:
    """What a device's calibration is worth now.

    Attributes:
        state: "valid"; "due" in its last 30 days; "expired"; "failed": the newest full calibration,
            or the newest quick check since; "none": none was passed, or it was taken back.
        days_left: until the end of its last day, below 0 once expired; None without one.
        calibration_id: of the one in force, whose parameters the station goes by; None without.
        valid_until: its last day, UTC.
    """

    state: State
    days_left: float | None = None
    calibration_id: str | None = None
    valid_until: str | None = None


NONE: Final = Validity("none")


def in_force(records: Sequence[Ruled]) -> Ruled | None:
    """Return the full calibration that a device goes by: the newest that passed, after undoing.

    Args:
        records: of one device, in any order.
    """
    found: Ruled | None = None
    by_id = {one.id: one for one in records}
    for one in sorted(records, key=lambda one: one.number):
        if one.kind == "undo":
            found = by_id.get(one.restores or "")
        elif one.kind == "full" and one.overall.passed:
            found = one
    return found


def before(records: Sequence[Ruled]) -> Ruled | None:
    """Return the full calibration that an undo would put in force again; None: none would be."""
    present = in_force(records)
    if present is None:
        return None
    passed = [
        one for one in records
        if one.kind == "full" and one.overall.passed and one.number < present.number
    ]  # fmt: skip
    return max(passed, key=lambda one: one.number, default=None)


def validity(records: Sequence[Ruled], now_ms: int, *, lost: bool = False) -> Validity:
    """Return what a device's calibration is worth.

    Args:
        records: of one device, in any order.
        now_ms: UTC; a clock that went back behind the newest record does not make it younger.
        lost: the newest record of the device is missing or damaged: nobody knows what it said.
    """
    present = in_force(records)
    failed = lost or _failed(records)
    if present is None or present.valid_until is None:
        return Validity("failed") if failed else NONE
    now_ms = max([now_ms, *(one.ended_at_ms for one in records)])
    days = days_left(present.valid_until, now_ms)
    state: State = "valid" if days > DUE_DAYS else "due" if days > 0 else "expired"
    return Validity("failed" if failed else state, days, present.id, present.valid_until)


def _failed(records: Sequence[Ruled]) -> bool:
    """Whether the newest full calibration failed, or a quick check since: it clears no full one."""
    by_number = sorted(records, key=lambda one: one.number)
    full = next((one for one in reversed(by_number) if one.kind == "full"), None)
    quick = next((one for one in reversed(by_number) if one.kind == "quick"), None)
    if quick is not None and full is not None and quick.number < full.number:
        quick = None
    return any(one is not None and one.overall is Overall.FAIL for one in (full, quick))


def days_left(valid_until: str, now_ms: int) -> float:
    """Return the days until the end of a last day, UTC."""
    end = datetime.combine(date.fromisoformat(valid_until), datetime.min.time(), UTC)
    return (end.timestamp() * 1000 + DAY_MS - now_ms) / DAY_MS


def last_day(ended_at_ms: int, days: int) -> str:
    """Return the last day of what was found then and holds for so many days."""
    return (datetime.fromtimestamp(ended_at_ms / 1000, UTC).date() + timedelta(days)).isoformat()

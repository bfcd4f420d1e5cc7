"""Sittings that somebody left after agreeing: what was accepted lies sealed until staff see to it.

Closed as accepted with something missing, deleted, or gone on with: each is a row of the audit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.record import Record
from edge.record_room import RecordRoom
from edge.sitting import Missing
from edge.states import NotNow
from edge.store import Actor


@dataclass(frozen=True, slots=True)
class LeftSitting:
    """One of them, as a console lists it; nothing that says whose it is.

    Attributes:
        order_ref: the centre's own reference, "" without an order.
        opened_at: RFC 3339, UTC.
        portrait_in: a portrait is sealed.
        fingers_in: positions whose print is sealed.
        missing: what a package closed now would lack.
    """

    sitting_id: str
    order_ref: str
    opened_at: str
    portrait_in: bool
    fingers_in: tuple[str, ...]
    missing: tuple[Missing, ...]


class LeftSittings:
    """All of them; only the sitting's loop changes them, `all` is for any thread."""

    def __init__(self, records: RecordRoom, present: Callable[[], str]) -> None:
        """Prepare; `present` returns the id of the sitting that runs, "" without one."""
        self._records = records
        self._present = present

    def all(self) -> tuple[LeftSitting, ...]:
        """Return the sittings that were left, oldest first."""
        return tuple(
            LeftSitting(
                record.sitting_id,
                record.progress.order_ref or "",
                record.progress.opened_at,
                record.portrait_in,
                record.fingers_in,
                record.missing_if_closed,
            )
            for record in self._records.left(self._present())
        )

    def close(self, sitting_id: str, staff_id: str) -> None:
        """Hand in what was accepted. Raises `NotNow`, `StoreFull`, `StoreBroken`."""
        self.record(sitting_id).close_for(staff_id)

    def delete(self, sitting_id: str, staff_id: str) -> None:
        """Delete what was accepted. Raises `NotNow`, `StoreFull`, `StoreBroken`."""
        self.record(sitting_id).delete(Actor("attendant", staff_id))

    def record(self, sitting_id: str) -> Record:
        """Return the record of one of them. Raises `NotNow`: no such sitting was left."""
        left = self._records.left(self._present())
        found = next((record for record in left if record.sitting_id == sitting_id), None)
        if found is None:
            raise NotNow("no such sitting was left")
        return found

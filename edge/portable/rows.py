"""What the journal knows of visit lists; every function runs in the caller's transaction.

Of an order that was taken from a list a digest of its reference stays, so that no later list brings
it again: the reference itself is erased as the order ends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import apsw

from edge.store.counters import counted
from edge.trust import audit
from edge.trust.audit import STATION
from edge.utc import rfc3339

SEQUENCE: Final = "visits/sequence"
TAKEN: Final = "visits/order/"
REMEMBERED_MS: Final = 400 * 24 * 3600 * 1000
"""As long as an ended order can be read."""


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that has not ended, with what may be shown of it to an officer."""

    sitting_id: str
    state: str
    slip_code: str = field(repr=False)
    surname: str = field(repr=False)
    order_ref: str = field(repr=False)


def mark_of(order_ref: str) -> str:
    """Return what stays of a reference."""
    return hashlib.sha256(b"anxin-visit\x00" + order_ref.encode()).hexdigest()[:40]


def last_sequence(db: apsw.Connection) -> int:
    """Return the number of the newest list that was taken in; 0 before the first."""
    return counted(db, SEQUENCE)


def was_taken(db: apsw.Connection, order_ref: str) -> bool:
    """Tell whether an order of this reference came before, by a list or, if it is open, at all."""
    if counted(db, f"{TAKEN}{mark_of(order_ref)}"):
        return True
    found = db.execute(
        "select 1 from sitting_order where state <> 'ended' and wanted ->> '$.order_ref' = ?",
        (order_ref,),
    ).get
    return found is not None


def note_list(
    db: apsw.Connection, list_id: str, sequence: int, order_refs: Iterable[str], at_ms: int
) -> None:
    """Remember a list and its orders: both come no second time."""
    marks = [(f"{TAKEN}{mark_of(order_ref)}", at_ms) for order_ref in order_refs]
    db.executemany("insert or replace into counter(name, value) values(?, ?)", marks)
    db.execute("insert or replace into counter(name, value) values(?, ?)", (SEQUENCE, sequence))
    about = {"list_id": list_id, "sequence": str(sequence), "orders": str(len(marks))}
    audit.append(db, rfc3339(at_ms), STATION, "visits.load", about, "ok")


def note_over(db: apsw.Connection, list_id: str, at_ms: int) -> None:
    """Note that a list is over and wiped, and forget what came long ago."""
    audit.append(db, rfc3339(at_ms), STATION, "visits.wipe", {"list_id": list_id}, "ok")
    db.execute(
        "delete from counter where substr(name, 1, ?) = ? and value < ?",
        (len(TAKEN), TAKEN, at_ms - REMEMBERED_MS),
    )


def open_orders(db: apsw.Connection) -> tuple[OpenOrder, ...]:
    """Return the orders that have not ended, in order of arrival."""
    found = db.execute(
        "select sitting_id, state, wanted from sitting_order where state <> 'ended' order by id"
    )
    return tuple(_open(*row) for row in found)


def _open(sitting_id: str, state: str, wanted: str) -> OpenOrder:
    said: dict[str, Any] = json.loads(wanted)
    names = (str(said.get(name, "")) for name in ("slip_code", "surname", "order_ref"))
    return OpenOrder(sitting_id, state, *names)

"""What becomes of orders beyond waiting and running; every function runs in one transaction.

The plain rows are in `edge.store.orders`. Here: an order is changed, withdrawn from a person who
has given nothing yet, left alone, and in the end forgotten but for its id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import apsw

from edge import figures
from edge.events import note_event
from edge.orders.errors import OrderUnknown
from edge.store import open_packages
from edge.store import orders as store_orders
from edge.store.orders import Ending, StoredOrder
from edge.trust.audit import Actor
from edge.utc import now_ms

LEFT: Final = Ending("to_window")
"""Whoever comes back after having left is helped by staff: see `docs/orders.md`."""


def change(  # noqa: PLR0917 - what stands in the row
    db: apsw.Connection,
    row: StoredOrder,
    wanted: Mapping[str, Any],
    photo: tuple[str, str | None],
    times_ms: tuple[int, int],
    at_ms: int,
) -> None:
    """Replace what an order asks for; `times_ms`: not before, expires at."""
    text = json.dumps(dict(wanted), separators=(",", ":"), ensure_ascii=False)
    db.execute(
        "update sitting_order set wanted = ?, photo = ?, photo_reason = ?, not_before_ms = ?,"
        " expires_at_ms = ?, version = version + 1 where id = ?",
        (text, *photo, *times_ms, row.cursor),
    )
    if photo[0] == "needed" != row.photo:
        note_event(db, "sitting.reuse_photo_needed", row.sitting_id, {}, at_ms)


def not_before_ms(db: apsw.Connection, row: StoredOrder) -> int:
    """Return when an order may begin."""
    return int(
        db.execute("select not_before_ms from sitting_order where id = ?", (row.cursor,)).get
    )


def check_completes(db: apsw.Connection, package_id: str | None) -> None:
    """Refuse to complete a package that this station closed and that lacks nothing.

    One that it does not know may be another station's.

    Raises:
        OrderUnknown: names the member.
    """
    result = db.execute(
        "select o.result from package p join sitting_order o using (sitting_id)"
        " where p.package_id = ? and o.result is not null",
        (package_id,),
    ).get
    if result is not None and result != "accepted_with_missing":
        raise OrderUnknown([("completes_package_id",)])


def has_sample(db: apsw.Connection, sitting_id: str) -> bool:
    """Tell whether anything biometric of a sitting was accepted."""
    found = db.execute(
        "select 1 from package join part on part.package = package.id where sitting_id = ?"
        " and (name glob 'portrait/*' or name glob 'finger/*') limit 1",
        (sitting_id,),
    ).get
    return found is not None


def withdraw(db: apsw.Connection, sitting_id: str, actor: Actor, at_ms: int) -> None:
    """End a running order as cancelled, and delete its package, in which no sample is."""
    found: list[Any] = db.execute(
        "select id, package_id from package where sitting_id = ? and state = 'open'", (sitting_id,)
    ).fetchall()  # no cursor is held while the next one runs: apsw 3.54 would never free it
    for cursor, package_id in found:
        db.execute("delete from package where id = ?", (cursor,))
        open_packages.note(db, actor, "package.drop", package_id)
    if store_orders.end(db, sitting_id, Ending("cancelled"), at_ms, actor):
        figures.count(db, figures.SITTING, "cancelled", at_ms)


def leave_alone(package_id: str, sitting: Mapping[str, Any], db: apsw.Connection) -> None:
    """Mark an open package as left, so that nobody is led into it; its order ends, once.

    Where nothing was agreed to yet, the order is let be: it may wait again.
    """
    cursor = open_packages.open_cursor(db, package_id)
    sitting_id, before = db.execute(
        "select sitting_id, sitting from package where id = ?", (cursor,)
    ).get
    text = json.dumps({**sitting, "left_alone": True}, separators=(",", ":"), ensure_ascii=False)
    db.execute("update package set sitting = ? where id = ?", (text, cursor))
    if sitting.get("consented") and not json.loads(before).get("left_alone"):
        at_ms = now_ms()
        figures.count(db, figures.SITTING, LEFT.result, at_ms)
        store_orders.end(db, sitting_id, LEFT, at_ms)


def running_beside(db: apsw.Connection, present: str | None) -> list[str]:
    """Return the sittings of orders that run although another sitting, or none, is present."""
    found = db.execute(
        "select sitting_id from sitting_order where state = 'running' and sitting_id is not ?",
        (present,),
    )
    return [sitting_id for (sitting_id,) in found]


def settle(db: apsw.Connection, sitting_id: str, at_ms: int) -> None:
    """End the order of a sitting that nobody can go on with; without consent it waits again."""
    left = list(
        db.execute(
            "select package_id, sitting from package where sitting_id = ? and state = 'open'"
            " and sitting ->> '$.consented'",
            (sitting_id,),
        )
    )
    for package_id, sitting in left:
        leave_alone(package_id, json.loads(sitting), db)
    if left:
        # Also where an earlier run marked the package and was cut off before the order.
        store_orders.end(db, sitting_id, LEFT, at_ms)
    else:
        store_orders.set_state(db, sitting_id, "running", "waiting", at_ms)


def forgotten(row: StoredOrder) -> bool:
    """Tell whether nothing but the id of an order is left."""
    return row.state == "ended" and row.ended_at_ms is None


def any_to_forget(db: apsw.Connection, until_ms: int) -> bool:
    """Tell whether an order ended before that moment and is not forgotten."""
    row = db.execute("select 1 from sitting_order where ended_at_ms <= ? limit 1", (until_ms,)).get
    return row is not None


def forget(db: apsw.Connection, until_ms: int) -> None:
    """Erase all but the id of orders that ended before that moment."""
    db.execute(
        "update sitting_order set photo = 'none', photo_reason = null, ended_at_ms = null,"
        " result = null, missing = null, version = version + 1 where ended_at_ms <= ?",
        (until_ms,),
    )

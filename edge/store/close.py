"""Closing a package: everything that must be true together, in the caller's one transaction."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import apsw

from edge import figures
from edge.events import note_event
from edge.seal import Closing, digest_of, package_file
from edge.store import orders as store_orders
from edge.store.counters import count
from edge.store.errors import NoSuchPackage, OutOfTurn
from edge.store.orders import Ending
from edge.store.rows import Role
from edge.trust import audit
from edge.trust.audit import Actor
from edge.utc import rfc3339


@dataclass(frozen=True, slots=True)
class Order:
    """What `Store.close_package` was asked for; `reserve` makes sure that no number comes twice."""

    manifest_record: bytes
    statement_of: Callable[[Closing], str]
    previous: str | None
    sinks: Mapping[str, Role]
    actor: Actor
    reserve: Callable[[apsw.Connection], None]
    ending: Ending | None = None


def close(db: apsw.Connection, package_id: str, order: Order, now_ms: int) -> None:
    """Add the manifest, number and sign the package, make its deliveries; twice is once.

    Raises:
        NoSuchPackage: never opened, or dropped.
        OutOfTurn: the manifest names another predecessor than the chain does.
        ValueError: the manifest was sealed for another place.
    """
    row = db.execute(
        "select id, state, station_id, kid, sitting_id from package where package_id = ?",
        (package_id,),
    ).get
    if row is None:
        raise NoSuchPackage(f"no package {package_id}")
    cursor, state, station_id, kid, sitting_id = row
    if state != "open":
        return
    last_sequence, previous = db.execute("select sequence, digest from chain").get
    if order.previous != previous:
        raise OutOfTurn(f"package {package_id} was not made after the last one")
    order.reserve(db)
    content = add_manifest(db, cursor, order.manifest_record)
    at = rfc3339(now_ms)
    head = audit.append(db, at, order.actor, "package.close", {"package_id": package_id}, "ok")
    closing = Closing(
        package_id=package_id,
        station_id=station_id,
        sequence=last_sequence + 1,
        previous=previous,
        digest=digest_of(content),
        size=len(content),
        sealed_at=at,
        kid=kid,
        audit_n=head.n,
        audit_head=head.hash.hex(),
    )
    if order.ending is not None:
        lacks = [row["what"] for row in order.ending.missing]
        figures.count_closed(db, cursor, order.ending.result, lacks, now_ms)
    keep(db, cursor, closing, order, now_ms)
    if order.ending is not None and not store_orders.end(db, sitting_id, order.ending, now_ms):
        store_orders.mend(db, sitting_id, order.ending, now_ms, order.actor)


def add_manifest(db: apsw.Connection, cursor: int, record: bytes) -> bytes:
    """Put the manifest behind all parts and return the whole file."""
    query = "select n, record from part where package = ? order by n"
    parts: list[Any] = db.execute(query, (cursor,)).fetchall()
    place = parts[-1][0] + 1 if parts else 0
    if sealed_for(record) != place:
        raise ValueError(f"the manifest is not sealed for place {place}")
    db.execute("insert into part(package, n, record) values(?, ?, ?)", (cursor, place, record))
    return package_file([*(part[1] for part in parts), record])


def sealed_for(record: bytes) -> int:
    """Return the place that a record's header names."""
    (length,) = struct.unpack_from(">I", record)
    return int(json.loads(record[4 : 4 + length])["n"])


def keep(db: apsw.Connection, cursor: int, closing: Closing, order: Order, now_ms: int) -> None:
    """Write the closed package's row, its deliveries and its place in the chain."""
    statement = order.statement_of(closing)
    db.execute(
        "update package set state = 'ready', sitting = null, sequence = ?, sealed_at_ms = ?,"
        " size = ?, digest = ?, statement = ? where id = ?",
        (closing.sequence, now_ms, closing.size, closing.digest, statement, cursor),
    )
    db.execute("update part set facts = null where package = ?", (cursor,))
    for sink, role in order.sinks.items():
        db.execute(
            "insert into delivery(package, sink, custody, state) values(?, ?, ?, 'waiting')",
            (cursor, sink, role == "custody"),
        )
    db.execute("update chain set sequence = ?, digest = ?", (closing.sequence, closing.digest))
    count(db, "persons")
    told = {"sequence": closing.sequence, "size": closing.size}
    note_event(db, "package.sealed", closing.package_id, told, now_ms)

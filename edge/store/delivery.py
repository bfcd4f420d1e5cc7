"""The rows of deliveries and closed packages; every function runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import apsw

from edge.events import note_event
from edge.store.damage import delete_parts
from edge.store.errors import NoSuchPackage
from edge.store.rows import Delivery, PackageRow, Pending
from edge.utc import now_ms

COLUMNS: Final = (
    "id, package_id, sitting_id, station_id, kid, state, sequence, sealed_at_ms, size, digest,"
    " statement"
)


def package_row(db: apsw.Connection, package_id: str) -> PackageRow:
    """Return one closed package. Raises `NoSuchPackage`."""
    found = db.execute(
        f"select {COLUMNS} from package where package_id = ? and sequence is not null",  # noqa: S608
        (package_id,),
    ).fetchall()  # apsw 3.54 never frees a cursor that is held while the next one runs
    rows = _rows(db, found)
    if not rows:
        raise NoSuchPackage(f"no closed package {package_id}")
    return rows[0]


def package_rows(
    db: apsw.Connection, after: int, limit: int, state: str | None
) -> list[PackageRow]:
    """Return one page of closed packages; a keyset, so a page costs the same at any depth."""
    # Two queries: one with "state = coalesce(:state, state)" would not use the index of states.
    of_state = "" if state is None else " and state = :state"
    query = (
        f"select {COLUMNS} from package where id > :after and sequence is not null{of_state}"  # noqa: S608
        " order by id limit :limit"
    )
    found = db.execute(query, {"after": after, "limit": limit, "state": state}).fetchall()
    return _rows(db, found)


def _rows(db: apsw.Connection, found: Iterable[tuple[Any, ...]]) -> list[PackageRow]:
    return [PackageRow(*(*row, _deliveries(db, row[0]))) for row in list(found)]


def _deliveries(db: apsw.Connection, cursor: int) -> tuple[Delivery, ...]:
    found = db.execute(
        "select sink, custody, state, attempts, last_code, last_try_at_ms, receipt from delivery"
        " where package = ? order by sink",
        (cursor,),
    )
    return tuple(Delivery(row[0], "custody" if row[1] else "copy", *row[2:]) for row in found)


def pending(
    db: apsw.Connection, sink: str, limit: int, after: int, *, urgent: bool
) -> list[Pending]:
    """Return what waits for the sink, oldest first; with `urgent` the green channel's alone."""
    # "cross join" keeps the order of the tables: few are urgent, however many wait.
    tables = (
        "package indexed by package_urgent cross join delivery on package.id = delivery.package"
        if urgent
        else "delivery join package on package.id = delivery.package"
    )
    only = " and package.state = 'ready' and package.urgent" if urgent else ""
    # The column of the table that leads: of the other's, SQLite would sort all that wait.
    place = "package.id" if urgent else "delivery.package"
    found = db.execute(
        "select id, package_id, station_id, sequence, sealed_at_ms, size, digest, statement,"  # noqa: S608
        f" attempts, last_code, urgent from {tables} where sink = ?"
        f" and delivery.state in ('waiting', 'sending') and {place} > ?{only}"
        f" order by {place} limit ?",
        (sink, after, limit),
    )
    return [Pending(*(*row, bool(marked))) for *row, marked in found]


def waiting(db: apsw.Connection, sink: str) -> tuple[int, int | None]:
    """Return how many packages wait for the sink and when the oldest was sealed."""
    mine = "sink = ? and delivery.state in ('waiting', 'sending')"
    # The count needs the index alone, the oldest one row: also with 50,000 waiting.
    count = db.execute(f"select count(*) from delivery where {mine}", (sink,)).get  # noqa: S608
    oldest: int | None = db.execute(
        "select sealed_at_ms from delivery join package on id = package"  # noqa: S608
        f" where {mine} order by delivery.package limit 1",
        (sink,),
    ).get
    return count, oldest


def begin_try(db: apsw.Connection, package_id: str, sink: str, now_ms: int) -> None:
    """Count a try before it begins."""
    db.execute(
        "update delivery set state = 'sending', attempts = attempts + 1, last_try_at_ms = ?"
        " where sink = ? and package = ? and state in ('waiting', 'sending')",
        (now_ms, sink, _cursor(db, package_id)),
    )


def record_try(db: apsw.Connection, package_id: str, sink: str, code: str) -> None:
    """Let the package wait again."""
    db.execute(
        "update delivery set state = 'waiting', last_code = ?"
        " where sink = ? and package = ? and state in ('waiting', 'sending')",
        (code, sink, _cursor(db, package_id)),
    )


def record_receipt(db: apsw.Connection, package_id: str, sink: str, receipt: str | None) -> None:
    """Mark the delivery and delete the parts if they may go.

    Raises:
        ValueError: a custody sink without a receipt.
    """
    cursor = _cursor(db, package_id)
    custody = db.execute(
        "select custody from delivery where package = ? and sink = ?", (cursor, sink)
    ).get
    if custody is None:
        raise NoSuchPackage(f"package {package_id} was never meant for {sink}")
    if custody and receipt is None:
        raise ValueError("custody passes only with a receipt")
    db.execute(
        "update delivery set state = 'delivered', last_code = 'ok', receipt = ?"
        " where package = ? and sink = ? and state != 'delivered'",
        (receipt, cursor, sink),
    )
    _let_go(db, cursor)


def quarantine(
    db: apsw.Connection, package_id: str, sink: str, code: str, receipt: str | None
) -> None:
    """Set the delivery aside; the package too, unless another custody sink has it or may."""
    cursor = _cursor(db, package_id)
    db.execute(
        "update delivery set state = 'quarantined', last_code = ?, receipt = ?"
        " where package = ? and sink = ? and state != 'delivered'",
        (code, receipt, cursor, sink),
    )
    hope = db.execute(
        "select 1 from delivery where package = ? and custody and state != 'quarantined'", (cursor,)
    ).get
    if hope is None:
        db.execute(
            "update package set state = 'quarantined' where id = ? and state = 'ready'", (cursor,)
        )
        if db.changes():
            about = {"sink": sink, "code": code}
            note_event(db, "package.quarantined", package_id, about, now_ms())
    _let_go(db, cursor)


def _let_go(db: apsw.Connection, cursor: int) -> None:
    taken = db.execute(
        "select sink from delivery where package = ? and custody and state = 'delivered' limit 1",
        (cursor,),
    ).get
    if taken is None:
        return
    _settle(db, cursor, taken)
    copies = db.execute(
        "select 1 from delivery where package = ? and not custody"
        " and state in ('waiting', 'sending')",
        (cursor,),
    ).get
    if not copies:
        delete_parts(db, cursor)


def _settle(db: apsw.Connection, cursor: int, sink: str) -> None:
    """Custody has passed: the first receipt counts, and no other custody sink is asked any more."""
    db.execute(
        "update package set state = 'receipted' where id = ? and state != 'receipted'", (cursor,)
    )
    if db.changes() == 0:
        return
    db.execute(
        "update delivery set state = 'delivered', last_code = 'receipted_elsewhere'"
        " where package = ? and custody and state in ('waiting', 'sending')",
        (cursor,),
    )
    package_id, sequence = db.execute(
        "select package_id, sequence from package where id = ?", (cursor,)
    ).get
    note_event(db, "package.delivered", package_id, {"sink": sink, "sequence": sequence}, now_ms())


def recover(db: apsw.Connection) -> None:
    """At the start: what was being sent waits, and its receipt is asked for first."""
    db.execute(
        "update delivery set state = 'waiting', last_code = 'interrupted' where state = 'sending'"
    )


def _cursor(db: apsw.Connection, package_id: str) -> int:
    cursor: int | None = db.execute(
        "select id from package where package_id = ? and sequence is not null", (package_id,)
    ).get
    if cursor is None:
        raise NoSuchPackage(f"no closed package {package_id}")
    return cursor

"""The rows of open packages; every function runs in the caller's transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import apsw

from edge import figures
from edge.seal import KeptPart, Part
from edge.store.errors import NoSuchPackage, PackageClosed
from edge.store.rows import OpenPackage
from edge.trust import audit
from edge.trust.audit import STATION, Actor
from edge.utc import now_ms, rfc3339


def package_state(db: apsw.Connection, package_id: str) -> tuple[int, str] | None:
    """Return cursor and state of a package, None if it is unknown."""
    row: tuple[int, str] | None = db.execute(
        "select id, state from package where package_id = ?", (package_id,)
    ).get
    return row


def begin(db: apsw.Connection, package: OpenPackage, *, urgent: bool) -> None:
    """Open a package without parts; one that is there already stays as it is."""
    if package_state(db, package.package_id) is not None:
        return
    db.execute(
        "insert into package(package_id, sitting_id, station_id, kid, state,"
        " opened_at_ms, sitting, urgent) values(?, ?, ?, ?, 'open', ?, ?, ?)",
        (
            package.package_id, package.sitting_id, package.station_id, package.kid,
            package.opened_at_ms, _json(package.sitting), urgent,
        ),
    )  # fmt: skip
    note(db, STATION, "package.open", package.package_id)


def every(db: apsw.Connection) -> list[OpenPackage]:
    """Return the open packages, oldest first."""
    found: list[Any] = db.execute(
        "select id, package_id, sitting_id, station_id, kid, opened_at_ms, sitting"
        " from package where state = 'open' order by id"
    ).fetchall()
    return [
        OpenPackage(*(*row, json.loads(sitting), kept_parts(db, cursor)))
        for cursor, *row, sitting in found
    ]


def add(
    db: apsw.Connection,
    package_id: str,
    parts: Sequence[Part],
    sitting: Mapping[str, Any] | None,
) -> None:
    """Put parts in their places and note what a restart needs; None leaves that as it is.

    Raises:
        NoSuchPackage, PackageClosed: it is none that is open.
        ValueError: a place is taken by another part.
    """
    cursor = open_cursor(db, package_id)
    for part in parts:
        put_part(db, cursor, part)
        note(db, STATION, "part.add", package_id)
    if sitting is not None:
        db.execute("update package set sitting = ? where id = ?", (_json(sitting), cursor))


def drop(db: apsw.Connection, package_id: str, actor: Actor, at_ms: int) -> None:
    """Delete an open package; one that was never there is let be. Raises `PackageClosed`."""
    if package_state(db, package_id) is None:
        return
    cursor = open_cursor(db, package_id)
    db.execute("delete from package where id = ?", (cursor,))
    note(db, actor, "package.drop", package_id)
    figures.count_dropped(db, actor.id, at_ms)


def next_n(db: apsw.Connection, package_id: str, name: str | None) -> int:
    """Return the place of the part of that name, or the first behind all parts."""
    cursor = open_cursor(db, package_id)
    own = db.execute("select n from part where package = ? and name = ?", (cursor, name)).get
    return int(last_n(db, cursor) + 1 if own is None else own)


def open_cursor(db: apsw.Connection, package_id: str) -> int:
    """Return the cursor of an open package. Raises `NoSuchPackage`, `PackageClosed`."""
    row = package_state(db, package_id)
    if row is None:
        raise NoSuchPackage(f"no package {package_id}")
    if row[1] != "open":
        raise PackageClosed(f"package {package_id} is closed")
    return row[0]


def last_n(db: apsw.Connection, cursor: int) -> int:
    """Return the last place that is taken, -1 in an empty package."""
    last: int | None = db.execute("select max(n) from part where package = ?", (cursor,)).get
    return -1 if last is None else last


def kept_parts(db: apsw.Connection, cursor: int) -> tuple[KeptPart, ...]:
    """Return what is kept in clear of an open package, in order of place."""
    found = db.execute(
        "select n, name, media_type, size, sha256, record_sha256, facts from part"
        " where package = ? order by n",
        (cursor,),
    )
    return tuple(KeptPart(*(*row, json.loads(facts))) for *row, facts in found)


def put_part(db: apsw.Connection, cursor: int, part: Part) -> None:
    """Put one part of an open package in its place, instead of an earlier one of its name.

    Raises:
        ValueError: the place is taken by another part.
    """
    db.execute("delete from part where package = ? and name = ?", (cursor, part.name))
    if db.execute("select 1 from part where package = ? and n = ?", (cursor, part.n)).get:
        raise ValueError(f"place {part.n} is taken")
    facts = _json(part.facts)
    record_sha256 = hashlib.sha256(part.record).hexdigest()
    db.execute(
        "insert into part(package, n, name, media_type, size, sha256, record_sha256,"
        " facts, record) values(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            cursor, part.n, part.name, part.media_type, part.size, part.sha256, record_sha256,
            facts, part.record,
        ),
    )  # fmt: skip


def note(
    db: apsw.Connection, actor: Actor, act: str, package_id: str, outcome: str = "ok", **ids: str
) -> None:
    """Append one row to the audit chain, in the same transaction as what it records."""
    about = {"package_id": package_id, **ids} if package_id else ids
    audit.append(db, rfc3339(now_ms()), actor, act, about, outcome)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), separators=(",", ":"), ensure_ascii=False)

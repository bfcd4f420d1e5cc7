"""The rows of open packages; every function runs in the caller's transaction."""

from __future__ import annotations

import hashlib
import json

import apsw

from edge.seal import KeptPart, Part
from edge.store.errors import NoSuchPackage, PackageClosed
from edge.trust import audit
from edge.trust.audit import Actor
from edge.utc import now_ms, rfc3339


def package_state(db: apsw.Connection, package_id: str) -> tuple[int, str] | None:
    """Return cursor and state of a package, None if it is unknown."""
    row: tuple[int, str] | None = db.execute(
        "select id, state from package where package_id = ?", (package_id,)
    ).get
    return row


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
    facts = json.dumps(dict(part.facts), separators=(",", ":"), ensure_ascii=False)
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

"""What a collecting client sees of closed packages: pages by `sequence`, and what it may take.

`sequence` is given at the closing and never changes, so a client that pages neither misses nor
repeats a package, whatever happens meanwhile. Every function runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import apsw

from edge.sinks.load import PULL

OFTEN: Final = 5
"""So many leases of one package without a receipt are an alarm; they never drop it."""
_COLUMNS: Final = "sequence, package_id, kid, state, sealed_at_ms, size, digest, statement, leases"
_CHUNK: Final = 256
_NOT_REFUSED: Final = (
    "not exists (select 1 from delivery where delivery.package = package.id"  # noqa: S608
    f" and delivery.sink = '{PULL}' and delivery.state = 'quarantined')"
)
"""Who collects refused it, and only another sink has hope: leased again, it would stop the rest."""

State = Literal["ready", "leased", "receipted", "quarantined"]


@dataclass(frozen=True, slots=True)
class Collectable:
    """One closed package as a client is shown it.

    Attributes:
        state: `leased` only where the caller knows of a lease; the journal calls that `ready`.
        digest: of the file, RFC 9530.
        statement: the signed seal statement, compact JWS.
        deliveries: how often it was leased.
    """

    sequence: int
    package_id: str
    kid: str
    state: str
    sealed_at_ms: int
    size: int
    digest: str
    statement: str
    deliveries: int


@dataclass(frozen=True, slots=True)
class Room:
    """How much one lease may hold; one package always fits, however large."""

    packages: int
    bytes: int


def page(
    db: apsw.Connection, after: int, limit: int, state: State | None, leased: Container[str]
) -> list[Collectable]:
    """Return closed packages behind a sequence; costs the same at any depth.

    Args:
        db: any connection.
        after: the last sequence of the page before.
        limit: rows at most.
        state: only packages in this state.
        leased: ids that somebody has leased now.
    """
    found: list[Collectable] = []
    kept_as = "ready" if state == "leased" else state
    # A literal, so that SQLite sees which index fits.
    which = "true" if kept_as is None else f"state = '{kept_as}'"
    for row in _rows(db, which, after=after, chunk=limit):
        shown = _as_shown(row, leased)
        if state in (None, shown.state):
            found.append(shown)
            if len(found) == limit:
                break
    return found


def one(db: apsw.Connection, package_id: str, leased: Container[str]) -> Collectable | None:
    """Return one closed package; None if there is no such package."""
    row = db.execute(
        f"select {_COLUMNS} from package where package_id = ? and sequence is not null",  # noqa: S608
        (package_id,),
    ).get
    return None if row is None else _as_shown(Collectable(*row), leased)


def digest(db: apsw.Connection, package_id: str) -> str | None:
    """Return the digest of one closed package's file; None if there is no such package."""
    found: str | None = db.execute(
        "select digest from package where package_id = ? and sequence is not null", (package_id,)
    ).get
    return found


def choose(db: apsw.Connection, room: Room, taken: Container[str]) -> list[Collectable]:
    """Return the ready packages that a lease would hold: urgent ones first, then by sequence."""
    chosen: dict[str, Collectable] = {}
    size = 0
    for row in _waiting(db):
        if row.package_id in taken or row.package_id in chosen:
            continue
        if len(chosen) == room.packages or (chosen and size + row.size > room.bytes):
            break
        chosen[row.package_id] = row
        size += row.size
    return list(chosen.values())


def any_ready(db: apsw.Connection, taken: Container[str]) -> bool:
    """Tell whether a lease would hold anything."""
    return any(row.package_id not in taken for row in _waiting(db))


def count_lease(db: apsw.Connection, chosen: list[Collectable]) -> list[Collectable]:
    """Count one more lease of each, and return them as they are now."""
    db.executemany(
        "update package set leases = leases + 1 where package_id = ?",
        [(row.package_id,) for row in chosen],
    )
    return [replace(row, state="leased", deliveries=row.deliveries + 1) for row in chosen]


def often_leased(db: apsw.Connection) -> int:
    """Return how many ready packages were leased five times or more and never receipted."""
    return int(
        db.execute(
            f"select count(*) from package where state = 'ready' and leases >= {OFTEN}"  # noqa: S608
        ).get
    )


def _waiting(db: apsw.Connection) -> Iterator[Collectable]:
    # By its own index: the planner would rather read all that waits than sort the few.
    urgent = f"state = 'ready' and urgent and {_NOT_REFUSED}"
    yield from _rows(db, urgent, how="indexed by package_urgent")
    yield from _rows(db, f"state = 'ready' and {_NOT_REFUSED}")


def _rows(
    db: apsw.Connection, which: str, *, how: str = "", after: int = 0, chunk: int = _CHUNK
) -> Iterator[Collectable]:
    """Yield rows behind a sequence, read in pieces so that nobody reads a whole table."""
    query = (
        f"select {_COLUMNS} from package {how} where {which} and sequence > ?"  # noqa: S608
        f" order by sequence limit {chunk}"
    )
    while True:
        rows = [Collectable(*row) for row in _read(db, query, after)]
        yield from rows
        if len(rows) < chunk:
            return
        after = rows[-1].sequence


def _read(db: apsw.Connection, query: str, after: int) -> list[tuple[Any, ...]]:
    return db.execute(query, (after,)).fetchall()


def _as_shown(row: Collectable, leased: Container[str]) -> Collectable:
    if row.state == "ready" and row.package_id in leased:
        return replace(row, state="leased")
    return row

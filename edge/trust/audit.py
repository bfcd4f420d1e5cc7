"""The hash-chained record of who did what: `hash(n) = SHA-256(hash(n-1) || entry bytes)`.

An entry is kept as its exact bytes and holds ids and codes only, never anything about a person.
The chain shows an edited or removed row; a cut tail shows only against a head that left the
station, which is why every seal statement carries one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import apsw

ZERO: Final = bytes(32)
"""`hash(0)`."""


class AuditBroken(Exception):
    """The chain does not hold: rows were edited or removed. Announce it, never repair it."""

    def __init__(self, n: int, reason: str) -> None:
        super().__init__(f"audit row {n}: {reason}")
        self.n = n


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: kind "station", "person", "attendant", "technician" or "centre"; id: a code."""

    kind: str
    id: str


STATION: Final = Actor("station", "service")
"""What nobody asked for: the service does it by itself."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: number and hash of its last row."""

    n: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is stored."""

    n: int
    hash: bytes
    entry: bytes


def head(db: apsw.Connection) -> Head:
    """Return the end of the chain; (0, 32 zero bytes) before the first row."""
    row = db.execute("select n, hash from audit order by n desc limit 1").get
    return Head(*row) if row else Head(0, ZERO)


def append(  # noqa: PLR0917 - the members of an entry in their order
    db: apsw.Connection, at: str, actor: Actor, act: str, about: Mapping[str, str], outcome: str
) -> Head:
    """Add one row inside the caller's transaction and return the new end of the chain.

    Args:
        db: the write connection, in the transaction that does what is recorded.
        at: RFC 3339, UTC.
        actor: who did it.
        act: a code such as "package.close".
        about: ids only.
        outcome: a code, "ok" or why not.
    """
    last = head(db)
    entry = json.dumps(
        {
            "n": last.n + 1,
            "at": at,
            "actor": {"kind": actor.kind, "id": actor.id},
            "act": act,
            "about": dict(about),
            "outcome": outcome,
        },
        separators=(",", ":"),
    ).encode()
    new = Head(last.n + 1, link(last.hash, entry))
    db.execute("insert into audit(n, hash, entry) values(?, ?, ?)", (new.n, new.hash, entry))
    return new


def link(previous: bytes, entry: bytes) -> bytes:
    """Return the hash of a row from the row before and its own entry."""
    return hashlib.sha256(previous + entry).digest()


def verify(rows: Iterable[Row], after: Head | None = None, known: Head | None = None) -> Head:
    """Check consecutive rows and return the end of the chain.

    Args:
        rows: ascending by `n`.
        after: the trusted row before the first; None: the chain begins at row 1.
        known: a head that left the station earlier; the chain must still contain it.

    Raises:
        AuditBroken: a row is edited, missing or out of order, or the tail was cut.
    """
    last = after or Head(0, ZERO)
    met = known is None or known == last
    for row in rows:
        if row.n != last.n + 1:
            raise AuditBroken(last.n + 1, "missing")
        # Whoever edits the file by hand may leave text where we wrote bytes.
        if not isinstance(row.entry, bytes) or row.hash != link(last.hash, row.entry):
            raise AuditBroken(row.n, "does not follow from the row before")
        if _number(row.entry) != row.n:
            raise AuditBroken(row.n, "names another number")
        last = Head(row.n, row.hash)
        if known is not None and known.n == row.n:
            if known.hash != row.hash:
                raise AuditBroken(row.n, "differs from the head that left the station")
            met = True
    if not met and known is not None:
        raise AuditBroken(known.n, "the tail is cut")
    return last


def verify_tail(db: apsw.Connection, rows_max: int = 10_000) -> Head:
    """Check the last rows of the store's chain, as at every start. Raises `AuditBroken`."""
    first = max(0, head(db).n - rows_max)
    found = db.execute("select n, hash, entry from audit where n >= ? order by n", (first,))
    rows = (Row(*row) for row in found)
    if first == 0:
        return verify(rows)
    trusted = next(rows)
    return verify(rows, Head(trusted.n, trusted.hash))


def _number(entry: bytes) -> object:
    try:
        said = json.loads(entry)
    except (ValueError, RecursionError):
        return None
    return said.get("n") if isinstance(said, dict) else None

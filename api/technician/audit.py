"""The audit chain, newest rows first, each page held against the row before it; or all of it."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import apsw
from flask import Blueprint, request

from api.problems import FieldError, Refused
from api.technician.console import Annex, Console
from api.technician.places import EVERYBODY, Place, auditors_too
from edge.store import Store
from edge.trust import audit
from edge.trust.audit import AuditBroken, Head, Row, verify

ROWS: Final = 50
AT_ONCE: Final = 2000
"""Rows that are read together: the check of a long chain keeps no reader from its turn."""
HASH_SHOWN: Final = 12
"""Hexadecimal digits of a hash on the page: enough to compare by eye with a head that left."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One row as the page has it; `about` are ids and codes, `hash` its first digits."""

    n: int
    at: str
    kind: str
    who: str
    act: str
    about: str
    outcome: str
    hash: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page of the chain.

    Attributes:
        rows: newest first.
        end: number of the chain's last row.
        broken_at: number of the first row that does not follow; None if all here do.
    """

    rows: tuple[Shown, ...]
    end: int
    broken_at: int | None

    @property
    def older(self) -> int | None:
        """Where the page before this one begins; None at the beginning of the chain."""
        return self.rows[-1].n if self.rows and self.rows[-1].n > 1 else None


def audit_pages(console: Console) -> Blueprint:
    """Return the routes of the audit chain."""
    pages = Blueprint("audit", __name__)
    alone = threading.Lock()
    pages.add_url_rule("/audit", "page", auditors_too(partial(_page, console)))
    pages.add_url_rule("/audit/whole", "whole", auditors_too(partial(_whole, console, alone)))
    return pages


def _page(console: Console) -> str:
    leaf = read_leaf(console.station.store, _before())
    return console.draw("audit.html", leaf=leaf, whole=None)


def _whole(console: Console, alone: threading.Lock) -> str:
    store = console.station.store
    # One at a time: it reads every row, and nobody shall keep all workers with it.
    with alone:
        try:
            end: Head | None = verify_chain(store)
            broken_at = None
        except AuditBroken as broken:
            end, broken_at = None, broken.n
    whole = {"end": end, "broken_at": broken_at, "shown": HASH_SHOWN}
    return console.draw("audit.html", leaf=read_leaf(store, None), whole=whole)


def _before() -> int | None:
    asked = request.args.get("before", "")
    if not asked:
        return None
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 15):
        raise Refused("invalid-request", [FieldError("before", "int_parsing")])
    return int(asked)


def verify_chain(store: Store) -> Head:
    """Check every row from the first on, as it lies in the running journal; return the end.

    A tail that was cut off shows only against a head that left the station (`docs/security.md`).

    Raises:
        AuditBroken: a row is edited or missing.
    """
    last = Head(0, audit.ZERO)
    while rows := store.audit_rows(last.n, AT_ONCE):
        last = verify(rows, last)
    return last


def read_leaf(store: Store, before: int | None) -> Leaf:
    """Return the rows below number `before`, the newest without one, and check that they follow."""
    end, kept = store.read(partial(_rows, before=before))
    trusted = Head(0, audit.ZERO) if not kept or kept[0].n == 1 else Head(kept[0].n, kept[0].hash)
    page = kept if trusted.n == 0 else kept[1:]
    broken_at = None
    try:
        verify(page, trusted)
    except AuditBroken as broken:
        broken_at = broken.n
    return Leaf(tuple(_shown(row) for row in reversed(page)), end.n, broken_at)


def _rows(db: apsw.Connection, before: int | None) -> tuple[Head, list[Row]]:
    end = audit.head(db)
    found = db.execute(
        "select n, hash, entry from audit where n < ? order by n desc limit ?",
        (end.n + 1 if before is None else before, ROWS + 1),
    ).fetchall()
    return end, [Row(*row) for row in reversed(found)]


def _shown(row: Row) -> Shown:
    try:
        said: dict[str, Any] = json.loads(row.entry)
        actor = said["actor"]
        about = " ".join(f"{name}={value}" for name, value in said["about"].items())
        words = (said["at"], actor["kind"], actor["id"], said["act"], about, said["outcome"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # Somebody edited it: the check says so, and the page stands all the same.
        words = ("", "", "", "", "", "")
    at, kind, who, act, about, outcome = (str(one) for one in words)
    hashed = row.hash.hex() if isinstance(row.hash, bytes) else ""
    return Shown(row.n, at, kind, who, act, about, outcome, hashed[:HASH_SHOWN])


AUDIT: Final = Annex(audit_pages, (Place("audit.page", "place.audit", EVERYBODY),))

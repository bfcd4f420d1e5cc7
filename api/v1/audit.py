"""`/v1/audit`: the chain of who did what, row by row, and its end in the station's own hand."""

from __future__ import annotations

from typing import Annotated, Final

from flask import Blueprint, json, request
from joserfc import jws
from pydantic import Field
from spectree import SpecTree

from api.v1.contract import Answer, NoQuery, Query, answers
from api.v1.station import V1Station
from edge.trust import audit

N_MAX: Final = (1 << 62) - 1


class EntryQuery(Query):
    """From which row on."""

    after: Annotated[
        int, Field(ge=0, le=N_MAX, description="Number of the last row that is known.")
    ] = 0
    limit: Annotated[int, Field(ge=1, le=1000, description="Rows a page.")] = 200


class Entry(Answer):
    """One row: `hash`, in hex, is SHA-256 of the hash before it and the very bytes of `entry`."""

    n: int
    hash: str
    entry: str


class EntryPage(Answer):
    """Rows in their order; `next` is null where nothing follows yet."""

    items: tuple[Entry, ...]
    next: int | None


class Heads(Answer):
    """The end of the chain; `signed` says the same under the station's key, a compact JWS."""

    n: int
    hash: str
    signed: str | None


def audit_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return the two routes of the audit chain."""
    routes = Blueprint("audit", __name__)
    store = station.store

    @routes.get("/v1/audit/heads")
    @spec.validate(query=NoQuery, resp=answers(Heads), tags=["audit"])
    def read_heads() -> Heads:
        """Say where the chain ends now: a later one without this row was rewritten."""
        signed = station.audit_head()
        if not signed:
            head = store.read(audit.head)
            return Heads(n=head.n, hash=head.hash.hex(), signed=None)
        # What it says, not what is true a moment later.
        said = json.loads(jws.extract_compact(signed.encode()).payload)
        return Heads(n=said["n"], hash=said["head"], signed=signed)

    @routes.get("/v1/audit/entries")
    @spec.validate(query=EntryQuery, resp=answers(EntryPage), tags=["audit"])
    def list_entries() -> EntryPage:
        """List rows of the chain: ids and codes, never anything about a person."""
        query: EntryQuery = request.context.query  # type: ignore[attr-defined]
        # One more than asked for says whether there is another page.
        rows = store.audit_rows(query.after, query.limit + 1)
        shown = rows[: query.limit]
        return EntryPage(
            items=tuple(
                Entry(n=row.n, hash=row.hash.hex(), entry=row.entry.decode()) for row in shown
            ),
            next=shown[-1].n if len(rows) > query.limit else None,
        )

    return routes

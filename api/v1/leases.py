"""`/v1/leases`: packages for one client alone, for a time, so that no two do the same work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from flask import Blueprint, Response
from pydantic import BeforeValidator, Field
from spectree import SpecTree

from api.problems import Refused
from api.security import checked_id
from api.v1.bodies import JSON, MERGE_PATCH, once, read_body
from api.v1.caller import caller
from api.v1.contract import Answer, Id, Moment, NoQuery
from api.v1.new_sitting import Asked
from api.v1.packages import Package, package_answer
from api.v1.station import V1Station
from edge.delivery.collection import Room
from edge.delivery.leases import Lease, LeaseExpired, LeasesExhausted, NoSuchLease
from edge.orders.idempotency import KeyReused
from edge.utc import rfc3339

MIB: Final = 1 << 20
NOTHING_WAITS_S: Final = 5
_SLUGS: Final[dict[type[Exception], str]] = {
    KeyReused: "idempotency-key-reused",
    LeaseExpired: "lease-expired",
    LeasesExhausted: "leases-exhausted",
    NoSuchLease: "not-found",
}


def _whole(said: object) -> object:
    # To JSON Schema 60.0 is an integer; what a client's number type writes is not its fault.
    return int(said) if isinstance(said, float) and said.is_integer() else said


Whole = Annotated[int, BeforeValidator(_whole)]
Ttl = Annotated[Whole, Field(ge=30, le=3600, description="Seconds from now.")]


class NewLease(Asked):
    """What a client wants to collect; one package is leased at least, however large it is."""

    max_packages: Annotated[Whole, Field(ge=1, le=100, description="Packages at most.")] = 10
    max_bytes: Annotated[
        Whole, Field(ge=1, le=256 * MIB, description="Bytes at most, of all packages together.")
    ] = 256 * MIB
    ttl_s: Ttl = 300


class LongerLease(Asked):
    """For how long the lease shall last from now on."""

    ttl_s: Ttl


class LeaseAnswer(Answer):
    """One lease. Nobody else may collect its packages until it expires or is ended."""

    lease_id: Id
    expires_at: Moment
    packages: tuple[Package, ...]


def lease_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return the three routes of leases."""
    routes = Blueprint("leases", __name__)
    leases = station.leases

    @routes.post("/v1/leases")
    @spec.validate(query=NoQuery, tags=["leases"])
    def take_lease() -> Response:
        """Lease what is ready: urgent packages first, then the oldest; 204 when nothing waits."""
        mark, asked = once(), read_body(NewLease)
        room = Room(asked.max_packages, asked.max_bytes)
        with refusing():
            taken = leases.take(caller().name, room, asked.ttl_s, mark)
        if taken is None:
            return Response(status=204, headers={"Retry-After": str(NOTHING_WAITS_S)})
        lease, replayed = taken
        answer = _answer(lease, 201)
        answer.headers["Location"] = f"/v1/leases/{lease.lease_id}"
        if replayed:
            answer.headers["Idempotency-Replayed"] = "true"
        return answer

    @routes.patch("/v1/leases/<lease_id>")
    @spec.validate(query=NoQuery, tags=["leases"])
    def extend_lease(lease_id: str) -> Response:
        """Let a lease last longer, or shorter: `ttl_s` counts from now."""
        asked = read_body(LongerLease, JSON, MERGE_PATCH)
        with refusing():
            return _answer(leases.extend(caller().name, checked_id(lease_id), asked.ttl_s), 200)

    @routes.delete("/v1/leases/<lease_id>")
    @spec.validate(query=NoQuery, tags=["leases"])
    def end_lease(lease_id: str) -> tuple[str, int]:
        """Give back what is left of a lease; after its last receipt it ends by itself."""
        with refusing():
            leases.end(caller().name, checked_id(lease_id))
        return "", 204

    return routes


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what leases refuse into the problem that says so."""
    try:
        yield
    except tuple(_SLUGS) as error:
        raise Refused(_SLUGS[type(error)]) from None


def _answer(lease: Lease, status: int) -> Response:
    said = LeaseAnswer(
        lease_id=lease.lease_id,
        expires_at=rfc3339(lease.expires_at_ms),
        packages=tuple(package_answer(row) for row in lease.packages),
    )
    return Response(said.model_dump_json(), status, mimetype="application/json")

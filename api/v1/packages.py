"""`/v1/packages`: list, read, download sealed, hand in the receipt. Never a plain sample."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Annotated, Final, Literal, TypeVar

from flask import Blueprint, Response, request
from pydantic import Field
from spectree import SpecTree

from api.problems import Refused
from api.security import checked_id
from api.v1.caller import actor, caller
from api.v1.contract import Answer, Id, Moment, NoQuery, Query, answers, unread
from api.v1.paging import Place
from api.v1.station import V1Station
from edge.delivery import collection
from edge.delivery.collection import Collectable
from edge.delivery.receipt import ReceiptConflict, ReceiptInvalid
from edge.seal import MEDIA_TYPE
from edge.sinks.load import PULL
from edge.store import NoSuchPackage, PackageGone, PackageRow, PackageUnreadable
from edge.utc import rfc3339

RECEIPT_TYPE: Final = "application/jose"
_CONDITIONS: Final = frozenset(
    f"HTTP_{name}" for name in
    ("RANGE", "IF_RANGE", "IF_MATCH", "IF_NONE_MATCH", "IF_MODIFIED_SINCE", "IF_UNMODIFIED_SINCE")
)  # fmt: skip

T = TypeVar("T")


class PackageQuery(Query):
    """Which page of which packages."""

    state: Annotated[
        Literal["ready", "leased", "receipted", "quarantined"] | None,
        Field(description="Only packages in this state."),
    ] = None
    after: Annotated[
        Annotated[str, Field(max_length=200)] | None,
        Field(description="Where to go on: `next` of the page before, unchanged."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Packages a page.")] = 50


class Package(Answer):
    """One closed package; `seal` is the station's signed statement, a compact JWS.

    `sequence` counts a station's packages without a gap. `deliveries` is how often it was leased.
    """

    package_id: Id
    sequence: int
    size: int
    digest: str
    sealed_at: Moment
    kid: str
    state: Literal["ready", "leased", "receipted", "quarantined"]
    deliveries: int
    seal: str


class PackagePage(Answer):
    """One page, in the order of closing; `next` is null on the last one."""

    items: tuple[Package, ...]
    next: str | None


def package_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return the four routes of packages."""
    routes = Blueprint("packages", __name__)
    store, leases = station.store, station.leases
    hand_on = unread(routes)

    @routes.get("/v1/packages")
    @spec.validate(query=PackageQuery, resp=answers(PackagePage, "HTTP_400"), tags=["packages"])
    def list_packages() -> PackagePage:
        """List closed packages in the order in which they were closed."""
        return package_page(station, request.context.query)  # type: ignore[attr-defined]

    @routes.get("/v1/packages/<package_id>")
    @spec.validate(query=NoQuery, resp=answers(Package, "HTTP_404"), tags=["packages"])
    def read_package(package_id: str) -> Package:
        """Return one package's metadata with its seal statement."""
        wanted, leased = checked_id(package_id), leases.leased()
        row = store.read(lambda db: collection.one(db, wanted, leased))
        if row is None:
            raise Refused("not-found")
        return package_answer(row)

    @routes.get("/v1/packages/<package_id>/sealed")
    @spec.validate(query=NoQuery, tags=["packages"])
    def download_package(package_id: str) -> str:
        """Return the sealed file; ranges and conditional requests are served."""
        wanted = checked_id(package_id)
        digest = store.read(lambda db: collection.digest(db, wanted))
        if digest is None:
            raise Refused("not-found")
        if leases.holder(wanted) not in (None, caller().name):
            raise Refused("leased-by-other")
        try:
            content = _found(lambda: store.sealed(wanted))
        except PackageUnreadable:
            # It was set aside: no receipt will ever free its lease.
            leases.settle(wanted)
            raise
        return hand_on(sealed_answer(wanted, digest, content))

    @routes.put("/v1/packages/<package_id>/receipt")
    @spec.validate(query=NoQuery, tags=["packages"])
    def put_receipt(package_id: str) -> tuple[str, int]:
        """Hand in the centre's signed receipt; again is harmless."""
        row = _found(lambda: store.package(checked_id(package_id)))
        if request.mimetype != RECEIPT_TYPE:
            raise Refused("media-type")
        take_receipt(station, row, request.get_data().decode("ascii", "replace").strip())
        leases.settle(row.package_id)
        return "", 204

    return routes


def package_page(station: V1Station, query: PackageQuery) -> PackagePage:
    """Return the page that a query asks for.

    Raises:
        Refused: `after` is no place in this list.
    """
    place = Place("packages", query.state)
    after, leased = place.after(query.after), station.leases.leased()
    # One more than asked for says whether there is another page.
    rows = station.store.read(
        lambda db: collection.page(db, after, query.limit + 1, query.state, leased)
    )
    more = rows[query.limit - 1].sequence if len(rows) > query.limit else None
    return PackagePage(
        items=tuple(package_answer(row) for row in rows[: query.limit]),
        next=None if more is None else place.cursor(more),
    )


def take_receipt(station: V1Station, row: PackageRow, token: str) -> None:
    """Record a receipt once it is verified: `stored` frees the parts, `refused` sets them aside.

    Raises:
        Refused: the receipt proves nothing, contradicts what is held, or nobody waits for one.
    """
    try:
        receipt = station.verifier.verify(token, row.package_id, row.digest, row.size)
    except ReceiptInvalid:
        raise Refused("receipt-invalid") from None
    except ReceiptConflict:
        raise Refused("receipt-conflict") from None
    custody = [delivery for delivery in row.deliveries if delivery.role == "custody"]
    if any(delivery.receipt == token for delivery in custody):
        return
    if row.state == "receipted":
        if receipt.outcome == "stored":
            return
        raise Refused("receipt-conflict")
    if not custody:
        raise Refused("receipt-conflict")
    # Who brings it collects; a station without a sink for that lets it stand for its own delivery.
    sink = next((one.sink for one in custody if one.sink == PULL), custody[0].sink)
    if receipt.outcome == "stored":
        station.store.record_receipt(row.package_id, sink, token, actor())
    else:
        station.store.quarantine(row.package_id, sink, receipt.code or "refused", token)


def sealed_answer(package_id: str, digest: str, content: bytes) -> Response:
    """Answer 200, 206, 304 or 416. Repr-Digest covers the whole file, Content-Digest this message.

    Source: RFC 9530, section 2 and 3; RFC 9110, section 14.
    """
    answer = Response(content, mimetype=MEDIA_TYPE)
    answer.headers.set("Content-Disposition", "attachment", filename=f"{package_id}.sealed")
    answer.set_etag(etag_of(digest))
    if _CONDITIONS.isdisjoint(request.environ):
        answer.headers["Accept-Ranges"] = "bytes"
    else:
        answer.make_conditional(request.environ, accept_ranges=True, complete_length=len(content))
    answer.headers["Repr-Digest"] = digest
    if answer.status_code == 200:
        answer.headers["Content-Digest"] = digest
    return answer


def etag_of(digest: str) -> str:
    """Return the hex SHA-256 of a digest in the form of RFC 9530; the store has checked it."""
    return base64.b64decode(digest.removeprefix("sha-256=:").removesuffix(":")).hex()


def _found(read: Callable[[], T]) -> T:
    try:
        return read()
    except NoSuchPackage:
        raise Refused("not-found") from None
    except PackageGone:
        raise Refused("package-gone") from None


def package_answer(row: Collectable) -> Package:
    """Return a package as it is shown."""
    return Package(
        package_id=row.package_id,
        sequence=row.sequence,
        size=row.size,
        digest=row.digest,
        sealed_at=rfc3339(row.sealed_at_ms),
        kid=row.kid,
        state=row.state,  # type: ignore[arg-type]
        deliveries=row.deliveries,
        seal=row.statement,
    )

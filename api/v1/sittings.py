"""`/v1/sittings`: order a sitting, send its earlier photo, see how it goes, cancel it.

Nothing personal that came in an order is ever said again: neither here nor in a problem.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final, Literal

from flask import Blueprint, Response, json, request
from pydantic import Field
from spectree import SpecTree

from api.problems import FieldError, Refused
from api.security import checked_id
from api.v1.contract import Answer, NoQuery, Query, answers, utc
from api.v1.new_sitting import pointer, wanted_of
from api.v1.paging import Place
from api.v1.station import V1Station
from edge.audit import Actor
from edge.orders import (
    NoRoomForPhotos,
    NoSuchOrder,
    OrderClosed,
    OrderRow,
    Orders,
    OrdersFull,
    OrderStale,
    OrderUnknown,
    OtherPhoto,
    PhotoUnreadable,
)
from edge.orders.idempotency import KeyBusy, KeyReused, Once
from edge.photo_fault import PhotoFault
from edge.utc import now_ms

JPEG: Final = "image/jpeg"
PUT_PHOTO: Final = "sittings.put_photo"
CLIENT: Final = Actor("client", "token")
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_DIGEST: Final = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]{1,88}):\s*(?=,|$)")
_SLUGS: Final[dict[type[Exception], str]] = {
    KeyBusy: "idempotency-in-progress",
    KeyReused: "idempotency-key-reused",
    NoSuchOrder: "not-found",
    OrderClosed: "illegal-move",
    OrderStale: "stale",
    OtherPhoto: "digest-mismatch",
}
_TOO_LARGE: Final = frozenset({PhotoFault.TOO_LARGE, PhotoFault.TOO_MANY_PIXELS})


class SittingQuery(Query):
    """Which page of which sittings."""

    state: Annotated[
        Literal["waiting", "running", "ended"] | None,
        Field(description="Only sittings in this state."),
    ] = None
    after: Annotated[
        Annotated[str, Field(max_length=200)] | None,
        Field(description="Where to go on: `next` of the page before, unchanged."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Sittings a page.")] = 50


class MissingRow(Answer):
    """What the package lacks ("portrait" or "finger:<position>") and why, as codes."""

    what: str
    reason: str


class ReusePhotoAnswer(Answer):
    """Where the earlier photo stands.

    `state` is one of none, needed, held, used, declined, unfit; `reason` a code: why it is unfit,
    or why the last look-up brought nothing.
    """

    state: str
    reason: str | None


class Sitting(Answer):
    """One ordered sitting; `state` is one of waiting, running, ended, `step` a screen's id.

    `result` is null until it has ended, and where a restart came between: then the package says.
    """

    sitting_id: str
    state: str
    step: str | None
    result: str | None
    missing: tuple[MissingRow, ...]
    reuse_photo: ReusePhotoAnswer
    package_id: str | None
    ordered_at: str | None
    expires_at: str | None
    ended_at: str | None


class SittingPage(Answer):
    """One page, oldest first; `next` is null on the last one."""

    items: tuple[Sitting, ...]
    next: str | None


def sitting_routes(station: V1Station, orders: Orders, spec: SpecTree) -> Blueprint:
    """Return the five routes of sittings."""
    routes = Blueprint("sittings", __name__)

    @routes.post("/v1/sittings")
    @spec.validate(query=NoQuery, tags=["sittings"])
    def order_sitting() -> Response:
        """Order a sitting; the same request again gives the same answer and no second one."""
        if request.mimetype != "application/json":
            raise Refused("media-type")
        body = request.get_data()
        once = _once(body)
        with refusing(), orders.repeats.first(once) as earlier:
            if earlier is not None:
                return _said(earlier, replayed=True)
            if station.store.refusals:
                raise Refused("not-accepting", reasons=station.store.refusals)
            return _said(_add(orders, body, once), replayed=False)

    @routes.get("/v1/sittings")
    @spec.validate(query=SittingQuery, resp=answers(SittingPage, "HTTP_400"), tags=["sittings"])
    def list_sittings() -> SittingPage:
        """List sittings in the order in which they were ordered."""
        query: SittingQuery = request.context.query  # type: ignore[attr-defined]
        place = Place("sittings", query.state)
        # One more than asked for says whether there is another page.
        rows = orders.rows(place.after(query.after), query.limit + 1, query.state)
        more = rows[query.limit - 1].cursor if len(rows) > query.limit else None
        return SittingPage(
            items=tuple(_sitting(row, station) for row in rows[: query.limit]),
            next=None if more is None else place.cursor(more),
        )

    @routes.get("/v1/sittings/<sitting_id>")
    @spec.validate(query=NoQuery, resp=answers(Sitting, "HTTP_404"), tags=["sittings"])
    def read_sitting(sitting_id: str) -> tuple[Sitting, int, dict[str, str]]:
        """Say how one sitting goes; its ETag is what a cancellation must show."""
        with refusing():
            row = orders.row(checked_id(sitting_id))
        return _sitting(row, station), 200, {"ETag": f'"{row.etag}"'}

    @routes.delete("/v1/sittings/<sitting_id>")
    @spec.validate(query=NoQuery, tags=["sittings"])
    def cancel_sitting(sitting_id: str) -> tuple[str, int]:
        """Cancel a sitting that waits."""
        if "If-Match" not in request.headers:
            raise Refused("if-match-required")
        read = request.if_match
        with refusing():
            orders.cancel(
                checked_id(sitting_id), lambda etag: read.star_tag or read.is_strong(etag), CLIENT
            )
        return "", 204

    @routes.put("/v1/sittings/<sitting_id>/reuse-photo")
    @spec.validate(query=NoQuery, tags=["sittings"])
    def put_photo(sitting_id: str) -> tuple[str, int]:
        """Send the earlier photo; it stays in memory. The same again is harmless."""
        wanted = checked_id(sitting_id)
        content = _photo()
        with refusing():
            orders.bring_photo(wanted, content)
        return "", 204

    return routes


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what orders refuse into the problem that says so."""
    try:
        yield
    except tuple(_SLUGS) as error:
        raise Refused(_SLUGS[type(error)]) from None
    except OrderUnknown as error:
        found = [FieldError(pointer(key), "unknown_to_station") for key in error.keys]
        raise Refused("invalid-request", found) from None
    except OrdersFull:
        raise Refused("not-accepting", reasons=("orders_full",)) from None
    except NoRoomForPhotos:
        raise Refused("not-accepting", reasons=("photos_full",)) from None
    except PhotoUnreadable as error:
        slug = "too-large" if error.code in _TOO_LARGE else "photo-unreadable"
        raise Refused(slug, [FieldError("#", error.code.value)]) from None


def _once(body: bytes) -> Once:
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise Refused("idempotency-key-required")
    return Once.of(CLIENT.id, key, request.method, request.path, body)


def _add(orders: Orders, body: bytes, once: Once) -> str:
    """Keep the order and its answer in one transaction, and return the answer."""
    said = ""

    def answer(row: OrderRow) -> str:
        nonlocal said
        sitting = _sitting(row, None).model_dump(mode="json")
        said = json.dumps({"etag": row.etag, "sitting": sitting}, ensure_ascii=False)
        return said

    orders.add(wanted_of(body, now_ms()), once=once, answer=answer, actor=CLIENT)
    return said


def _said(kept: str, *, replayed: bool) -> Response:
    said = json.loads(kept)
    sitting = said["sitting"]
    answer = Response(json.dumps(sitting, ensure_ascii=False), 201, mimetype="application/json")
    answer.headers["Location"] = f"/v1/sittings/{sitting['sitting_id']}"
    answer.headers["ETag"] = f'"{said["etag"]}"'
    if replayed:
        answer.headers["Idempotency-Replayed"] = "true"
    return answer


def _photo() -> bytes:
    """Return the body if it is what it says it is. Raises `Refused`."""
    if request.mimetype != JPEG:
        raise Refused("media-type")
    if request.content_length is None:
        raise Refused("length-required")
    content = request.get_data(cache=False)
    found = _DIGEST.search(request.headers.get("Content-Digest", ""))
    try:
        said = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        said = b""
    if not hmac.compare_digest(said, hashlib.sha256(content).digest()):
        raise Refused("digest-mismatch", [FieldError("Content-Digest", "mismatch")])
    return content


def _sitting(row: OrderRow, station: V1Station | None) -> Sitting:
    running = row.state == "running" and station is not None
    return Sitting(
        sitting_id=row.sitting_id,
        state=row.state,
        step=station.step(row.sitting_id) if running and station else None,
        result=row.result,
        missing=tuple(MissingRow(what=one["what"], reason=one["reason"]) for one in row.missing),
        reuse_photo=ReusePhotoAnswer(state=row.photo, reason=row.photo_reason),
        package_id=row.package_id,
        ordered_at=utc(row.ordered_at_ms),
        expires_at=utc(row.expires_at_ms),
        ended_at=utc(row.ended_at_ms),
    )

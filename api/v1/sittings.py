"""`/v1/sittings`: order a sitting, change it, send its earlier photo, see how it goes, cancel it.

Nothing personal that came in an order is ever said again: neither here nor in a problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from flask import Blueprint, Response, json, request
from spectree import SpecTree

from api.problems import FieldError, Refused
from api.security import checked_id
from api.v1.caller import actor, caller
from api.v1.changed_sitting import MEDIA_TYPE as MERGE_PATCH
from api.v1.changed_sitting import changed
from api.v1.contract import NoQuery, answers
from api.v1.new_sitting import pointer, wanted_of
from api.v1.paging import Place
from api.v1.photo_body import checked_photo, refused_photo
from api.v1.sitting_answer import Sitting, SittingPage, SittingQuery, sitting_answer
from api.v1.station import V1Station
from edge.orders import (
    NoRoomForPhotos,
    NoSuchOrder,
    OrderClosed,
    OrderGone,
    OrderRow,
    Orders,
    OrdersFull,
    OrderStale,
    OrderUnknown,
    OtherPhoto,
    PhotoUnreadable,
)
from edge.orders.idempotency import KeyBusy, KeyReused, Once
from edge.utc import now_ms

JSON: Final = "application/json"
PUT_PHOTO: Final = "sittings.put_photo"
_LASTING: Final = frozenset({"no_sealing_key", "clock_suspect"})
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SLUGS: Final[dict[type[Exception], str]] = {
    KeyBusy: "idempotency-in-progress",
    KeyReused: "idempotency-key-reused",
    NoSuchOrder: "not-found",
    OrderClosed: "illegal-move",
    OrderGone: "order-gone",
    OrderStale: "stale",
    OtherPhoto: "digest-mismatch",
    TimeoutError: "station-busy",
}


def sitting_routes(station: V1Station, orders: Orders, spec: SpecTree) -> Blueprint:
    """Return the six routes of sittings."""
    routes = Blueprint("sittings", __name__)
    _route_reads(routes, station, orders, spec)
    _route_orders(routes, station, orders, spec)
    _route_changes(routes, station, orders, spec)
    return routes


def _route_orders(routes: Blueprint, station: V1Station, orders: Orders, spec: SpecTree) -> None:

    @routes.post("/v1/sittings")
    @spec.validate(query=NoQuery, tags=["sittings"])
    def order_sitting() -> Response:
        """Order a sitting; the same request again gives the same answer and no second one."""
        if request.mimetype != JSON:
            raise Refused("media-type")
        body = request.get_data()
        once = _once(body)
        with refusing(), orders.repeats.first(once) as earlier:
            if earlier is not None:
                return _said(earlier, replayed=True)
            reasons = _refusals(station)
            if reasons:
                raise Refused("not-accepting", reasons=reasons)
            return _said(_add(orders, body, once), replayed=False)

    @routes.put("/v1/sittings/<sitting_id>/reuse-photo")
    @spec.validate(query=NoQuery, tags=["sittings"])
    def put_photo(sitting_id: str) -> tuple[str, int]:
        """Send the earlier photo; it stays in memory. The same again is harmless."""
        wanted = checked_id(sitting_id)
        content = checked_photo(digest_needed=True)
        with refusing():
            orders.bring_photo(wanted, content)
        return "", 204


def _route_reads(routes: Blueprint, station: V1Station, orders: Orders, spec: SpecTree) -> None:
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
            items=tuple(sitting_answer(row, station) for row in rows[: query.limit]),
            next=None if more is None else place.cursor(more),
        )

    @routes.get("/v1/sittings/<sitting_id>")
    @spec.validate(query=NoQuery, resp=answers(Sitting, "HTTP_404", "HTTP_410"), tags=["sittings"])
    def read_sitting(sitting_id: str) -> tuple[Sitting, int, dict[str, str]]:
        """Say how one sitting goes; its ETag is what a cancellation must show."""
        with refusing():
            row = orders.row(checked_id(sitting_id))
        return sitting_answer(row, station), 200, {"ETag": f'"{row.etag}"'}


def _route_changes(routes: Blueprint, station: V1Station, orders: Orders, spec: SpecTree) -> None:
    @routes.patch("/v1/sittings/<sitting_id>")
    @spec.validate(query=NoQuery, tags=["sittings"])
    def change_sitting(sitting_id: str) -> Response:
        """Change what a sitting that waits is about."""
        if request.mimetype != MERGE_PATCH:
            raise Refused("media-type")
        wanted, read, body, at_ms = (
            checked_id(sitting_id),
            _if_match(),
            request.get_data(),
            now_ms(),
        )
        with refusing():
            row = orders.change(wanted, read, lambda now: changed(now, body, at_ms), actor())
        answer = Response(sitting_answer(row, station).model_dump_json(), mimetype=JSON)
        answer.headers["ETag"] = f'"{row.etag}"'
        return answer

    @routes.delete("/v1/sittings/<sitting_id>")
    @spec.validate(query=NoQuery, tags=["sittings"])
    def cancel_sitting(sitting_id: str) -> tuple[str, int]:
        """Cancel a sitting that waits, or that runs without any accepted sample."""
        wanted, read, who = checked_id(sitting_id), _if_match(), actor()
        with refusing():
            if orders.row(wanted).state == "running":
                station.withdraw(wanted, lambda: orders.withdraw(wanted, read, who))
            else:
                orders.cancel(wanted, read, who)
        return "", 204


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
        raise refused_photo(error) from None


def _if_match() -> Callable[[str], bool]:
    """Return what tells whether an etag is the one that the client has read."""
    if "If-Match" not in request.headers:
        raise Refused("if-match-required")
    read = request.if_match
    return lambda etag: bool(read.star_tag or read.is_strong(etag))


def _refusals(station: V1Station) -> tuple[str, ...]:
    """Return why no order is taken: what nobody can wait for before a sitting, a device can."""
    lasting = (reason for reason in station.reasons() if reason in _LASTING)
    return tuple(dict.fromkeys((*station.store.refusals, *lasting)))


def _once(body: bytes) -> Once:
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise Refused("idempotency-key-required")
    return Once.of(caller().name, key, request.method, request.path, body)


def _add(orders: Orders, body: bytes, once: Once) -> str:
    """Keep the order and its answer in one transaction, and return the answer."""
    said = ""

    def answer(row: OrderRow) -> str:
        nonlocal said
        sitting = sitting_answer(row, None).model_dump(mode="json")
        said = json.dumps({"etag": row.etag, "sitting": sitting}, ensure_ascii=False)
        return said

    orders.add(wanted_of(body, now_ms()), once=once, answer=answer, actor=actor())
    return said


def _said(kept: str, *, replayed: bool) -> Response:
    said = json.loads(kept)
    sitting = said["sitting"]
    answer = Response(json.dumps(sitting, ensure_ascii=False), 201, mimetype=JSON)
    answer.headers["Location"] = f"/v1/sittings/{sitting['sitting_id']}"
    answer.headers["ETag"] = f'"{said["etag"]}"'
    if replayed:
        answer.headers["Idempotency-Replayed"] = "true"
    return answer

"""What is answered to a station, in the order that nothing can be lost by.

check the seal → store the object → publish the event → sign the receipt. Wherever this is cut, the
station has no receipt, keeps its package and comes again; and twice is once at every step.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Final

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from gateway.listener import CERTIFIED
from gateway.places import MEDIA_TYPE, Away, Bus, Objects
from gateway.seal import (
    PACKAGE_ID,
    CardBroken,
    ReceiptKey,
    Rejected,
    Stations,
    Stored,
    check_seal,
    digest_of,
)

log = logging.getLogger("gateway")
BODY_BYTES_MAX: Final = 16 << 20
HEAD_CHARACTERS_MAX: Final = 600


class Ingest:
    """One gateway. It knows nothing from one request to the next."""

    def __init__(
        self, stations: Stations, objects: Objects, bus: Bus, receipts: ReceiptKey
    ) -> None:
        self._stations = stations
        self._objects = objects
        self._bus = bus
        self._receipts = receipts

    def put(self, package_id: str) -> Response:
        """Take a package: 201 and the receipt, 412 if it is here, 409 if another one is."""
        content = _body(package_id)
        seal = request.headers.get("Anxin-Seal", "")
        station_id, digest = check_seal(seal, package_id, content, self._stations)
        if _is_another(station_id):
            raise Rejected(403, "client-unknown")
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = request.headers.get("Anxin-Audit-Head", "")
        if len(head) > HEAD_CHARACTERS_MAX or not head.isascii():
            head = ""  # No reason to refuse a package.
        stored = Stored(package_id, station_id, digest, len(content), now, seal, head)
        earlier = self._objects.put(stored, content)
        if earlier and (earlier.digest, earlier.station_id) != (digest, station_id):
            raise Rejected(409, "digest-conflict")
        self._bus.publish(earlier or stored)
        if earlier:
            raise Rejected(412, "stored-already")
        return Response(self._receipts.receipt(stored), 201, mimetype="application/jose")

    def receipt(self, package_id: str) -> Response:
        """Say again what was said, or would have been but for a cut line or a dead gateway."""
        stored = self._objects.find(package_id) if PACKAGE_ID.fullmatch(package_id) else None
        if stored is None or _is_another(stored.station_id):
            raise Rejected(404, "not-found")
        # Whoever stored it may have died before the event: no receipt goes out without one.
        self._bus.publish(stored)
        return Response(self._receipts.receipt(stored), 200, mimetype="application/jose")

    def ready(self) -> Response:
        """Tell a load balancer whether to send stations here."""
        return Response(status=204 if self._bus.connected else 503)


def create_app(ingest: Ingest) -> Flask:
    """Return the WSGI application of one gateway."""
    app = Flask("gateway", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
    app.put("/ingest/v1/packages/<package_id>")(ingest.put)
    app.get("/ingest/v1/packages/<package_id>/receipt")(ingest.receipt)
    app.get("/ready")(ingest.ready)

    @app.errorhandler(Rejected)
    def rejected(rejection: Rejected) -> Response:
        return _problem(rejection.status, rejection.slug)

    @app.errorhandler(CardBroken)
    @app.errorhandler(Away)
    def away(reason: Exception) -> Response:
        log.warning("503 %s %s", type(reason).__name__, reason)
        answer = _problem(503, "unavailable")
        answer.headers["Retry-After"] = "2"
        return answer

    @app.errorhandler(HTTPException)
    def other(error: HTTPException) -> Response:
        code = error.code or 500
        return _problem(
            code,
            {413: "too-large", 404: "not-found", 500: "unavailable"}.get(code, "invalid-request"),
        )

    return app


def _body(package_id: str) -> bytes:
    if not PACKAGE_ID.fullmatch(package_id):
        raise Rejected(404, "not-found")
    if request.content_length is None:
        raise Rejected(411, "length-required")
    if request.mimetype != MEDIA_TYPE:
        raise Rejected(415, "media-type")
    content = request.get_data(cache=False)
    if request.headers.get("Content-Digest") != digest_of(content):
        raise Rejected(422, "digest-mismatch")
    return content


def _is_another(station_id: str) -> bool:
    """Whether the certificate, where one is asked for, names another station."""
    return bool(request.environ.get(CERTIFIED, station_id) != station_id)


def _problem(status: int, slug: str) -> Response:
    """Return a problem as in RFC 9457."""
    body = {
        "type": f"urn:anxin:problem:{slug}",
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
    }
    answer = jsonify(body)
    answer.status_code = status
    answer.mimetype = "application/problem+json"
    return answer

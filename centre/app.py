"""The stand-in centre: takes packages over HTTPS, opens them, and answers with signed receipts.

It shows what a real centre has to do, in one process and one folder:

    root.json, keys.jws, tls-ca.pem     what a station pins
    stations/<id>.json          registered stations, handed over as files, never over the network
    packages/<id>/              what arrived, opened
    earlier-photos/<ref>/       photos that stations may ask for, by order (`centre/orders.py`)
    keys/                       private halves; whoever reads them reads every package
"""

from __future__ import annotations

import re
import signal
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from traceback import format_exc
from typing import Any, Final

from cheroot import wsgi
from flask import Flask, Response, jsonify, render_template_string, request
from werkzeug.exceptions import ClientDisconnected, HTTPException

from centre.intake import Intake
from centre.keys import CentreKeyring, open_or_make_keys
from centre.opening import Rejected, digest_of, signed_by_station
from centre.orders import order_routes
from centre.shelf import Shelf
from centre.tls import ShakingConnection, open_or_make_tls
from centre.upload import Uploads

BODY_BYTES_MAX: Final = 16 << 20
MEDIA_TYPE: Final = "application/vnd.anxin.package"
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PIECE_BYTES: Final = 64 << 10
TITLES: Final = {
    "ask-stale": "This was asked too long ago, or the clocks differ.",
    "client-unknown": "No such station is registered here.",
    "digest-conflict": "Another package of this id is here already.",
    "digest-mismatch": "The bytes are not those that the statement names.",
    "invalid-request": "The request does not fit the statement.",
    "length-required": "A package comes with its length.",
    "media-type": "This is no package.",
    "not-found": "Nothing of that id is here.",
    "package-refused": "The package does not open as the specification says.",
    "signature-invalid": "The seal statement is not signed by this station's key.",
    "stored-already": "This package is here already; ask for its receipt.",
    "upload-broken": "The line broke; what had arrived is kept for a while.",
    "upload-damaged": "What had arrived is of no use: send the whole again.",
    "upload-offset": "What has arrived ends elsewhere: send the whole again.",
    "too-large": "A package has at most 16 MiB.",
}
PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Stand-in centre</title>
<style>body{font:16px/1.5 sans-serif;margin:2rem}td,th{padding:.2rem 1rem .2rem 0;text-align:left}
</style><h1>Stand-in centre</h1><p>{{ rows|length }} packages arrived and were opened.</p><table>
<tr><th>package<th>station<th>closed at<th>result<th>parts<th>bytes</tr>
{% for row in rows %}<tr><td>{{ row.package_id }}</td><td>{{ row.station_id }}</td>
<td>{{ row.closed_at }}</td><td>{{ row.result }}</td><td>{{ row.parts|length }}</td>
<td>{{ row.bytes }}</td></tr>{% endfor %}</table></html>"""


class Ingest:
    """What the centre does with one request."""

    def __init__(self, intake: Intake, uploads: Uploads) -> None:
        """Use what takes packages, and what keeps the halves of broken uploads."""
        self._intake, self._uploads = intake, uploads

    def put(self, package_id: str) -> Response:
        """Take a package: 201 with a receipt, 412 if it is here, 409 if another one is."""
        _check_form(package_id)
        content = self._arriving(package_id, b"")
        if request.headers.get("Content-Digest", "") != digest_of(content):
            raise Rejected(422, "digest-mismatch")
        return self._take(package_id, content)

    def go_on(self, package_id: str) -> Response:
        """Take the rest of a package whose upload broke: as `put`, 416 if it does not fit on."""
        _check_form(package_id)
        statement = self._statement(package_id)
        half = self._uploads.half(package_id, str(statement["digest"]))
        rest_bytes = (request.content_length or 0) + len(half)
        offset = request.headers.get("Upload-Offset", "")
        if not half or offset != str(len(half)) or statement.get("size") != rest_bytes:
            answer = _problem(416, "upload-offset")
            answer.headers["Upload-Offset"] = str(len(half))
            return answer
        content = self._arriving(package_id, half)
        if digest_of(content) != statement["digest"]:
            # The half was damaged here: not the station's fault, and no reason to quarantine.
            self._uploads.forget(package_id)
            raise Rejected(503, "upload-damaged")
        return self._take(package_id, content)

    def receipt(self, package_id: str) -> Response:
        """Say again what was said about a package; if nothing was, how much of it has arrived."""
        _check_id(package_id)
        word = self._intake.word(package_id)
        if word is not None:
            return _jose(word, 200)
        answer = _problem(404, "not-found")
        if offset := self._uploads.offset(package_id):
            answer.headers["Upload-Offset"] = str(offset)
        return answer

    def listing(self) -> str:
        """Show a person what arrived."""
        return render_template_string(PAGE, rows=list(self._intake.shelf.listing()))

    def _take(self, package_id: str, content: bytes) -> Response:
        taken = self._intake.take(package_id, content, request.headers.get("Anxin-Seal", ""))
        if head := request.headers.get("Anxin-Audit-Head"):
            self._intake.heads.note_head(head, self._intake.shelf.stations())
        self._uploads.forget(package_id)
        if taken.outcome == "stored":
            return _jose(taken.receipt, 201)
        if taken.outcome == "refused":
            return _problem(422, "package-refused", code=taken.code, receipt=taken.receipt)
        if taken.outcome == "conflict":
            return _problem(409, "digest-conflict")
        if request.headers.get("If-None-Match") == "*":
            return _problem(412, "stored-already")
        return _jose(taken.receipt, 200)

    def _arriving(self, package_id: str, before: bytes) -> bytes:
        """Read the body behind what is here already; if the line breaks, keep what arrived."""
        content = bytearray(before)
        wanted_bytes = len(before) + (request.content_length or 0)
        with suppress(ClientDisconnected, OSError):
            while piece := request.stream.read(PIECE_BYTES):
                content += piece
        if len(content) < wanted_bytes:
            statement = self._statement(package_id)
            self._uploads.keep(package_id, str(statement["digest"]), bytes(content))
            raise Rejected(408, "upload-broken")
        return bytes(content)

    def _statement(self, package_id: str) -> Mapping[str, Any]:
        token, stations = request.headers.get("Anxin-Seal", ""), self._intake.shelf.stations()
        statement = signed_by_station(token, "anxin-seal+jws", stations)
        if statement.get("package_id") != package_id:
            raise Rejected(422, "invalid-request")
        return statement


def create_app(shelf: Shelf, keyring: CentreKeyring, name: str = "centre-demo") -> Flask:
    """Return the application of one centre."""
    app = Flask("centre", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
    ingest = Ingest(Intake(shelf, keyring, name), Uploads(shelf.folder))
    app.put("/ingest/v1/packages/<package_id>")(ingest.put)
    app.patch("/ingest/v1/packages/<package_id>")(ingest.go_on)
    app.get("/ingest/v1/packages/<package_id>/receipt")(ingest.receipt)
    app.get("/")(ingest.listing)
    order_routes(app, shelf)

    @app.errorhandler(Rejected)
    def rejected(rejection: Rejected) -> Response:
        return _problem(rejection.status, rejection.slug)

    @app.errorhandler(HTTPException)
    def http_problem(error: HTTPException) -> Response:
        code = error.code or 500
        return _problem(code, {413: "too-large", 404: "not-found"}.get(code, "invalid-request"))

    return app


class _CalmServer(wsgi.Server):
    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        # A station that leaves in the middle of its answer is everyday life: it asks again.
        if not isinstance(sys.exc_info()[1], OSError):
            sys.stderr.write(f"centre: {msg}\n{format_exc() if traceback else ''}")


def serve(
    folder: Path,
    host: str,
    port: int,
    ready: Callable[[int], None] | None = None,
    shelf: Shelf | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then end cleanly.

    Args:
        folder: of this centre; keys are made there at the first start.
        host: name or address to listen on, which the certificate names too.
        port: 0 takes any free one.
        ready: is called with the port once connections are accepted.
        shelf: another one than the folder's own; a proof counts on it.
    """
    app = create_app(shelf or Shelf(folder), open_or_make_keys(folder))
    server = _CalmServer((host, port), app, numthreads=8, request_queue_size=128)
    server.ssl_adapter = open_or_make_tls(folder, host)
    server.ConnectionClass = ShakingConnection
    server.max_request_body_size = BODY_BYTES_MAX
    server.max_request_header_size = 64 << 10
    server.shutdown_timeout = 1
    server.prepare()
    stopping = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
    serving = threading.Thread(target=server.serve, name="centre")
    serving.start()
    if ready:
        ready(int(server.bind_addr[1]))
    try:
        while not stopping.wait(0.5) and serving.is_alive():
            continue
    finally:
        server.stop()
        serving.join()


def _check_form(package_id: str) -> None:
    _check_id(package_id)
    if request.content_length is None:
        raise Rejected(411, "length-required")
    if request.content_length > BODY_BYTES_MAX:
        raise Rejected(413, "too-large")
    if request.mimetype != MEDIA_TYPE:
        raise Rejected(415, "media-type")


def _check_id(package_id: str) -> None:
    if not UUID.fullmatch(package_id):
        raise Rejected(404, "not-found")


def _jose(receipt: str, status: int) -> Response:
    return Response(receipt, status, mimetype="application/jose")


def _problem(status: int, slug: str, **members: Any) -> Response:
    body = {
        "type": f"urn:anxin:problem:{slug}",
        "title": TITLES.get(slug, slug),
        "status": status,
        "instance": f"urn:uuid:{uuid.uuid4()}",
        **members,
    }
    answer = jsonify(body)
    answer.status_code = status
    answer.mimetype = "application/problem+json"
    return answer

"""The stand-in centre: takes packages over HTTPS, opens them, and answers with signed receipts.

It shows what a real centre has to do, in one process and one folder:

    public.json, tls-ca.pem     what a station pins
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
from datetime import UTC, datetime
from pathlib import Path
from traceback import format_exc
from typing import Any, Final

from cheroot import wsgi
from flask import Flask, Response, jsonify, render_template_string, request
from werkzeug.exceptions import HTTPException

from centre.keys import CentreKeyring, open_or_make_keys
from centre.opening import Refused, Rejected, check_statement, digest_of, open_package
from centre.orders import order_routes
from centre.shelf import Shelf, Word
from centre.tls import ShakingConnection, open_or_make_tls

BODY_BYTES_MAX: Final = 16 << 20
MEDIA_TYPE: Final = "application/vnd.anxin.package"
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
REPEATED: Final = ("package_id", "station_id", "digest", "size")
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
    """What the centre does with one request, whatever brought it."""

    def __init__(self, shelf: Shelf, keyring: CentreKeyring, name: str) -> None:
        """Use the shelf and the keys; `name` is what receipts say in `by`."""
        self._shelf = shelf
        self._keyring = keyring
        self._name = name

    def put(self, package_id: str) -> Response:
        """Take a package: 201 with a receipt, 412 if it is here, 409 if another one is."""
        content = _body(package_id)
        stations = self._shelf.stations()
        token = request.headers.get("Anxin-Seal", "")
        statement = check_statement(token, package_id, content, stations)
        digest = str(statement["digest"])
        earlier = self._shelf.word(package_id)
        if earlier:
            return _again(earlier, digest)
        try:
            keys = stations[str(statement["station_id"])]
            opened = open_package(content, statement, self._keyring, keys)
        except Refused as refusal:
            word = self._receipt(statement, "refused", refusal.code)
            self._shelf.refuse(package_id, word)
            return _problem(422, "package-refused", code=refusal.code, receipt=word)
        word = self._receipt(statement, "stored", None)
        said = self._shelf.store(package_id, opened, token, word)
        return _again(said, digest) if said.receipt != word else _jose(word, 201)

    def receipt(self, package_id: str) -> Response:
        """Say again what was said about a package."""
        _check_id(package_id)
        word = self._shelf.word(package_id) or self._shelf.refusal(package_id)
        if word is None:
            raise Rejected(404, "not-found")
        return _jose(word.receipt, 200)

    def listing(self) -> str:
        """Show a person what arrived."""
        return render_template_string(PAGE, rows=list(self._shelf.listing()))

    def _receipt(self, statement: Mapping[str, Any], outcome: str, code: str | None) -> str:
        return self._keyring.sign_receipt(
            {
                "v": 1,
                "receipt_id": str(uuid.uuid4()),
                **{name: statement[name] for name in REPEATED},
                "outcome": outcome,
                "code": code,
                "received_at": _now(),
                "by": self._name,
            }
        )


def create_app(shelf: Shelf, keyring: CentreKeyring, name: str = "centre-demo") -> Flask:
    """Return the application of one centre."""
    app = Flask("centre", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
    ingest = Ingest(shelf, keyring, name)
    app.put("/ingest/v1/packages/<package_id>")(ingest.put)
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
    server = wsgi.Server((host, port), app, numthreads=8, request_queue_size=128)
    server.ssl_adapter = open_or_make_tls(folder, host)
    server.ConnectionClass = ShakingConnection
    server.max_request_body_size = BODY_BYTES_MAX
    server.max_request_header_size = 64 << 10
    server.shutdown_timeout = 1
    server.error_log = _log
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


def _log(text: str = "", level: int = 20, traceback: bool = False) -> None:
    # A station that leaves in the middle of its answer is everyday life: it asks again.
    if not isinstance(sys.exc_info()[1], OSError):
        sys.stderr.write(f"centre: {text}\n{format_exc() if traceback else ''}")


def _body(package_id: str) -> bytes:
    _check_id(package_id)
    if request.content_length is None:
        raise Rejected(411, "length-required")
    if request.mimetype != MEDIA_TYPE:
        raise Rejected(415, "media-type")
    content = request.get_data(cache=False)
    if request.headers.get("Content-Digest", "") != digest_of(content):
        raise Rejected(422, "digest-mismatch")
    return content


def _check_id(package_id: str) -> None:
    if not UUID.fullmatch(package_id):
        raise Rejected(404, "not-found")


def _again(word: Word, digest: str) -> Response:
    if word.digest != digest:
        return _problem(409, "digest-conflict")
    if request.headers.get("If-None-Match") == "*":
        return _problem(412, "stored-already")
    return _jose(word.receipt, 200)


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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""``python -m proofs.ingesting.object_store PORT JOURNAL``: moto's S3 behind one thread.

moto keeps objects in memory. With a journal its own recorder writes every request there before it
is carried out; at the next start they are carried out again, so that a killed process comes back
with everything that it acknowledged, as a store on disks does. One thread, because moto looks for
an object and writes it in two steps: two threads could both find a place free. And moto keeps what
it got of an upload that was cut, and believes any checksum; S3 does neither, so here a body that is
not the announced one is refused before moto sees it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from cheroot import wsgi
from werkzeug.test import Client


def carry_out_again(application: Any, journal: Path) -> None:
    """Bring the objects back. A last line that was cut belongs to an answer never given."""
    lines = journal.read_bytes().splitlines(keepends=True) if journal.exists() else []
    if lines and not lines[-1].endswith(b"\n"):
        cut = lines.pop()
        os.truncate(journal, journal.stat().st_size - len(cut))
    client = Client(application)
    for line in lines:
        entry = json.loads(line)
        if entry["method"] in {"PUT", "POST", "DELETE"}:
            body = base64.b64decode(entry["body"]) if entry["body_encoded"] else b""
            client.open(
                entry["url"], method=entry["method"], headers=entry["headers"], data=body
            ).close()


def whole_bodies_only(application: Any) -> Any:
    """Return the application behind S3's own check: the length, and the SHA-256 if one is named."""

    def checked(environ: dict[str, Any], start: Any) -> Any:
        announced = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(announced) if announced else b""
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        if len(body) != announced or environ.get("HTTP_X_AMZ_CHECKSUM_SHA256", digest) != digest:
            start("400 Bad Request", [("Content-Length", "0")])
            return [b""]
        environ["wsgi.input"] = io.BytesIO(body)
        return application(environ, start)

    return checked


def main() -> None:
    """Serve until SIGTERM."""
    port, journal = int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None
    if journal:
        os.environ["MOTO_RECORDER_FILEPATH"] = str(journal)
    # Loaded late: the recorder reads its settings when it is loaded.
    from moto.moto_api import recorder  # noqa: PLC0415
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
        DomainDispatcherApplication,
        create_backend_app,
    )

    application = DomainDispatcherApplication(create_backend_app)
    if journal:
        carry_out_again(application, journal)
        recorder.start_recording()
    server = wsgi.Server(
        ("127.0.0.1", port), whole_bodies_only(application), numthreads=1, request_queue_size=512
    )
    server.keep_alive_conn_limit = 1000
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    server.prepare()
    serving = threading.Thread(target=server.serve)
    serving.start()
    stopping.wait()
    server.stop()
    serving.join()


if __name__ == "__main__":
    main()

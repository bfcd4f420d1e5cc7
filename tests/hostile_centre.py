"""A centre that misbehaves on a real TLS socket: whatever a test tells it to answer."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from centre.tls import CA_FILE, open_or_make_tls
from proofs.delivering.faulty_line import secured

Answer = Callable[["Request"], bytes | None]
"""Raw bytes to send, or None to cut the line without a word."""


class Request:
    """One request as it came in."""

    def __init__(self, head: bytes, body: bytes) -> None:
        line, *fields = head.decode().split("\r\n")
        self.method, self.path, _ = line.split(" ")
        self.headers = {k.lower(): v for k, v in (field.split(": ", 1) for field in fields)}
        self.body = body


def answer(status: int, body: str = "", **headers: str) -> bytes:
    """A well-formed HTTP answer."""
    fields = {
        "Content-Length": str(len(body)),
        **{k.replace("_", "-"): headers[k] for k in headers},
    }
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {fields[name]}" for name in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


BODY_LIMIT: Final = 1 << 24


class HostileCentre:
    """Serves one request a connection; `script` decides, `requests` remembers.

    With `closes_late` a connection is cut only when a second request comes over it.
    """

    def __init__(
        self,
        folder: Path,
        script: Answer,
        *,
        body_limit: int = BODY_LIMIT,
        tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        closes_late: bool = False,
    ) -> None:
        self.script = script
        self.stream: Callable[[ssl.SSLSocket, Request], None] | None = None
        """Instead of `script`: writes for itself until the line breaks."""
        self.mute = False
        """Accepts and never shakes hands."""
        self.requests: list[Request] = []
        self.leave = threading.Event()
        self._body_limit = body_limit
        self._closes_late = closes_late
        self._context: ssl.SSLContext = open_or_make_tls(folder, "127.0.0.1").context
        self._context.minimum_version = self._context.maximum_version = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = [threading.Thread(target=self._accept)]
        self.port = self._socket.getsockname()[1]
        self.options = {"url": f"https://127.0.0.1:{self.port}", "ca_file": str(folder / CA_FILE)}

    def __enter__(self) -> HostileCentre:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._socket.accept()
                line.settimeout(20)
                thread = threading.Thread(target=self._serve, args=(line,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, line: socket.socket) -> None:
        if self.mute:
            with line:
                while line.recv(65536):
                    continue
            return
        with line, contextlib.suppress(OSError), secured(self._context, line) as secure:
            request = self._read(secure)
            self.requests.append(request)
            if self.stream is not None:
                self.stream(secure, request)
                return
            said = self.script(request)
            if said is not None:
                secure.sendall(said)
            if self._closes_late:
                secure.recv(1)

    def _read(self, secure: ssl.SSLSocket) -> Request:
        received = b""
        while b"\r\n\r\n" not in received:
            received += secure.recv(65536) or self._gone()
        head, _, body = received.partition(b"\r\n\r\n")
        request = Request(head, body)
        wanted = min(int(request.headers.get("content-length", "0")), self._body_limit)
        while len(request.body) < wanted:
            request.body += secure.recv(65536) or self._gone()
        return request

    def _gone(self) -> bytes:
        raise ConnectionResetError

"""What stands between a station and its centre and fails: a proxy that ends TLS, as balancers do.

It reads whole requests, so it can do to each what networks and proxies do: cut before, in the
middle of and after the body, send a request twice, lose, halve, swap or delay the answer, answer
itself, and have either end killed at any of these steps.
"""

from __future__ import annotations

import http.client
import random
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

End = Literal["station", "centre"]
PATIENCE_S: Final = 20.0
HEAD_BYTES_MAX: Final = 64 << 10
PIECE_BYTES: Final = 16 << 10
PASS: Final = "pass"
FAULTS: Final = (
    "cut_before",
    "cut_in_body",
    "cut_after_body",
    "cut_in_body_at_the_centre",
    "drop_answer",
    "halve_answer",
    "late_answer",
    "twice",
    "twice_at_once",
    "error_before",
    "error_after",
    "busy",
    "empty_200",
    "earlier_receipt",
    "kill_station_before",
    "kill_station_in_body",
    "kill_station_after_body",
    "kill_station_before_answer",
    "kill_station_in_answer",
    "kill_station_after_answer",
    "kill_centre_before",
    "kill_centre_in_body",
    "kill_centre_after_body",
    "kill_centre_before_answer",
)


class _LineCut(Exception):
    """The connection to the station ends here."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came from the station."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """The centre's answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def whole(self) -> bytes:
        """Return it as bytes of HTTP/1.1."""
        fields = {**self.headers, "Content-Length": str(len(self.body))}
        lines = [f"HTTP/1.1 {self.status} Answer", *(f"{k}: {v}" for k, v in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


def faults(seed: int, share: float, kinds: Sequence[str] = FAULTS) -> Iterator[str]:
    """Return what happens to each request: every kind once at first, then by chance."""
    chance = random.Random(seed)
    yield from chance.sample(kinds, len(kinds))
    while True:
        yield chance.choice(kinds) if chance.random() < share else PASS


def secured(context: ssl.SSLContext, line: socket.socket) -> ssl.SSLSocket:
    """Shake hands as the server; raises `OSError` and leaves nothing open.

    CPython 3.11 forgets the socket of a peer that was gone before it was wrapped: it is found in
    the frames of the failure.
    """
    try:
        return context.wrap_socket(line, server_side=True)
    except OSError as error:
        frame = error.__traceback__
        while frame is not None:
            forgotten = frame.tb_frame.f_locals.get("self")
            if isinstance(forgotten, ssl.SSLSocket):
                forgotten.close()
            frame = frame.tb_next
        raise


class FaultyLine:
    """Listens for the station; `centre_port` is where the centre listens now, None if nowhere."""

    def __init__(
        self,
        server_tls: ssl.SSLContext,
        client_tls: ssl.SSLContext,
        plan: Iterator[str],
        kill: Callable[[End], None],
    ) -> None:
        """Listen at once.

        Args:
            server_tls: with a certificate that the station trusts.
            client_tls: trusts the centre.
            plan: one fault a request.
            kill: ends one side, by SIGKILL.
        """
        self._server_tls, self._client_tls = server_tls, client_tls
        self._plan, self._kill = plan, kill
        self._drawing = threading.Lock()
        self.centre_port: int | None = None
        self.done: Counter[str] = Counter()
        """How often each fault happened."""
        self._earlier: Answered | None = None
        self._closing = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._socket.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, name="faulty-line")]
        self._threads[0].start()

    def close(self) -> None:
        """Listen no more, and wait for what runs."""
        self._closing.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._closing.is_set():
                line, _ = self._socket.accept()
                self._threads = [one for one in self._threads if one.is_alive()]
                thread = threading.Thread(target=self._serve, args=(line,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, line: socket.socket) -> None:
        line.settimeout(PATIENCE_S)
        with (
            suppress(OSError, _LineCut, http.client.HTTPException),
            line,
            secured(self._server_tls, line) as secure,
        ):
            while not self._closing.is_set():
                self._one(secure)

    def _draw(self) -> str:
        with self._drawing:
            fault = next(self._plan)
            self.done[fault] += 1
            return fault

    def _one(self, secure: ssl.SSLSocket) -> None:
        asked_head, begun = _read_head(secure)
        fault = self._draw()
        if fault == "kill_station_before":
            self._kill("station")
        if fault == "kill_centre_before":
            self._kill("centre")
        if fault in {"cut_before", "kill_station_before"}:
            raise _LineCut
        if fault in {"cut_in_body", "kill_station_in_body"}:
            _read_body(secure, asked_head, begun, share=0.5)
            if fault == "kill_station_in_body":
                self._kill("station")
            raise _LineCut
        asked = _read_body(secure, asked_head, begun, share=1.0)
        if fault == "cut_after_body":
            raise _LineCut
        if fault in {"cut_in_body_at_the_centre", "kill_centre_in_body"}:
            self._forward_half(asked, kill=fault == "kill_centre_in_body")
            raise _LineCut
        if fault == "kill_station_after_body":
            self._kill("station")
        self._answer(secure, asked, fault)

    def _answer(  # noqa: C901 - what can happen to an answer, whole
        self, secure: ssl.SSLSocket, asked: Asked, fault: str
    ) -> None:
        own = {"error_before": 500, "busy": 503, "empty_200": 200}.get(fault)
        if own is not None:
            secure.sendall(Answered(own, {"Retry-After": "0"}, b"").whole())
            return
        if fault == "earlier_receipt" and self._earlier is not None:
            # The centre gets nothing: a station that takes this for its receipt has lost a package.
            secure.sendall(self._earlier.whole())
            return
        answered = self._forwarded(asked, fault)
        if fault in {"drop_answer", "kill_station_after_body"}:
            raise _LineCut
        if fault in {"kill_station_before_answer", "kill_centre_before_answer"}:
            self._kill("station" if "station" in fault else "centre")
            raise _LineCut
        if fault in {"halve_answer", "kill_station_in_answer"}:
            whole = answered.whole()
            secure.sendall(whole[: len(whole) // 2])
            if fault == "kill_station_in_answer":
                self._kill("station")
            raise _LineCut
        if fault == "late_answer":
            # Until the station has given up: it cuts the line.
            with suppress(OSError):
                secure.recv(1)
            raise _LineCut
        if fault == "error_after":
            answered = Answered(502, {}, b"")
        if answered.status in {200, 201}:
            self._earlier = answered
        secure.sendall(answered.whole())
        if fault == "kill_station_after_answer":
            self._kill("station")
            raise _LineCut

    def _forwarded(self, asked: Asked, fault: str) -> Answered:
        if fault == "kill_centre_after_body":
            self._forward_and_kill(asked)
            raise _LineCut
        if fault == "twice":
            self._forward(asked)
        if fault == "twice_at_once":
            other = threading.Thread(target=self._forward_quietly, args=(asked,))
            other.start()
            try:
                return self._forward(asked)
            finally:
                other.join()
        return self._forward(asked)

    def _forward(self, asked: Asked) -> Answered:
        connection = self._to_centre()
        try:
            connection.request(asked.method, asked.path, asked.body or None, asked.headers)
            answer = connection.getresponse()
            kept = ("content-type", "location", "retry-after", "upload-offset")
            headers = {k: v for k, v in answer.getheaders() if k.lower() in kept}
            return Answered(answer.status, headers, answer.read())
        except (OSError, http.client.HTTPException):
            # What a balancer says when the server behind it is gone.
            return Answered(502, {}, b"")
        finally:
            connection.close()

    def _forward_quietly(self, asked: Asked) -> None:
        with suppress(_LineCut):
            self._forward(asked)

    def _forward_half(self, asked: Asked, *, kill: bool) -> None:
        connection = self._to_centre()
        with suppress(OSError, http.client.HTTPException):
            connection.putrequest(asked.method, asked.path, skip_host=True)
            for name, value in asked.headers.items():
                connection.putheader(name, value)
            connection.endheaders(asked.body[: len(asked.body) // 2] or None)
        if kill:
            self._kill("centre")
        connection.close()

    def _forward_and_kill(self, asked: Asked) -> None:
        connection = self._to_centre()
        with suppress(OSError, http.client.HTTPException):
            connection.request(asked.method, asked.path, asked.body or None, asked.headers)
        # It may have begun, kept, or all but answered: chance decides.
        self._closing.wait(random.random() * 0.03)
        self._kill("centre")
        connection.close()

    def _to_centre(self) -> http.client.HTTPSConnection:
        port = self.centre_port
        if port is None:
            raise _LineCut
        return http.client.HTTPSConnection(
            "127.0.0.1", port, context=self._client_tls, timeout=PATIENCE_S
        )


def _read_head(secure: ssl.SSLSocket) -> tuple[list[str], bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = secure.recv(PIECE_BYTES)
        if not piece or len(received) > HEAD_BYTES_MAX:
            raise _LineCut
        received += piece
    head, _, begun = received.partition(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n"), begun


def _read_body(secure: ssl.SSLSocket, head: list[str], begun: bytes, *, share: float) -> Asked:
    method, path, _ = head[0].split(" ")
    headers = dict(field.split(": ", 1) for field in head[1:])
    size = int(next((v for k, v in headers.items() if k.lower() == "content-length"), "0"))
    body = bytearray(begun)
    while len(body) < size * share:
        piece = secure.recv(PIECE_BYTES)
        if not piece:
            raise _LineCut
        body += piece
    return Asked(method, path, headers, bytes(body))

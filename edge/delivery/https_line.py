"""One HTTP/1.1 connection over TLS that is kept: one request at a time, each bit of progress seen.

No library of requests: an upload may take minutes on a weak link and is ended by a stall alone, a
cap on its rate must hold between any two pieces, and another thread must be able to cut the line at
any instant. Answers are parsed by `http.client`, from a reader that counts bytes and seconds.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from edge.delivery.pinned_tls import is_tls, turns_us_away
from edge.sinks.sink import SinkAway, SinkClosed

ANSWER_BYTES_MAX: Final = 64 << 10
ARRIVING_BYTES_MAX: Final = 256 << 10
"""Of one answer with all that may stand around it: interim answers, fields, chunks, trailers.
`http.client` bounds none of them together, and takes a chunk of "-1" bytes for one without end."""
PIECE_BYTES: Final = 64 << 10
KEPT_S_MAX: Final = 60.0
"""A connection that rested longer is made anew: balancers forget them silently."""
STALE_SHOWS_S: Final = 2.0
"""A kept connection that was closed fails in a round trip; one that breaks later had been alive,
and its upload is not begun again unasked."""
HTTPS_PORT: Final = 443


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    headers: http.client.HTTPMessage
    text: str


class HttpsLine:
    """The way to one address. One thread asks; `cancel` may come from another."""

    def __init__(
        self,
        url: str,
        tls: ssl.SSLContext,
        *,
        connect_timeout_s: float,
        stall_timeout_s: float,
        rate_bytes_s: float | None = None,
    ) -> None:
        """Connect to nothing yet.

        Args:
            url: "https://host" or "https://host:port".
            tls: what is trusted there, and our own certificate if one is asked for.
            connect_timeout_s: for TCP, and again for the handshake.
            stall_timeout_s: without a byte of progress, in either direction.
            rate_bytes_s: content leaves no faster; None: as fast as it goes.
        """
        where = urlsplit(url)
        self._host, self._port = where.hostname or "", where.port or HTTPS_PORT
        self._authority = where.netloc
        self._tls = tls
        self._connect_timeout_s, self._stall_timeout_s = connect_timeout_s, stall_timeout_s
        self._rate_bytes_s = rate_bytes_s
        self._secure: ssl.SSLSocket | None = None
        self._last_s = 0.0
        self._cut = threading.Lock()
        self._wire: socket.socket | None = None
        self._cancelled = threading.Event()

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes,
        meanwhile: Callable[[], None] | None = None,
    ) -> Answer:
        """Ask once; once more if a connection kept from before turned out to be closed.

        Only for requests that may be repeated (RFC 9112, 9.3.1): here all are. `meanwhile` is
        called once everything has left us: what is still on the wire needs no processor.

        Raises:
            SinkAway, SinkClosed: by what failed; "cut" and "timeout" leave open what arrived.
        """
        young = time.monotonic() - self._last_s < KEPT_S_MAX
        kept = self._secure is not None and young and _is_quiet(self._secure)
        if not kept:
            self._drop()
        began_s = time.monotonic()
        try:
            return self._ask_once(method, path, headers, content, meanwhile)
        except SinkAway as away:
            stale = kept and time.monotonic() - began_s < STALE_SHOWS_S
            if away.code != "cut" or not stale:
                raise
        return self._ask_once(method, path, headers, content, meanwhile)

    def cancel(self) -> None:
        """Cut the line under a running request; later ones fail at once."""
        self._cancelled.set()
        with self._cut:
            if self._wire is not None:
                with suppress(OSError):
                    self._wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Cancel, and give everything back."""
        self.cancel()
        self._drop()

    def _ask_once(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes,
        meanwhile: Callable[[], None] | None,
    ) -> Answer:
        if self._cancelled.is_set():
            raise SinkAway("cancelled")
        secure = self._secure or self._connect()
        try:
            early = self._send(secure, self._head(method, path, headers), content)
            if meanwhile is not None:
                meanwhile()
            answer, keep = _read(secure, method, self._stall_timeout_s)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._drop()
            raise _failure(error) from error
        except SinkAway:
            self._drop()
            raise
        self._last_s = time.monotonic()
        if early or not keep:
            self._drop()
        return answer

    def _head(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        fields = {"Host": self._authority, "User-Agent": "anxin-station", **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {fields[name]}" for name in fields)]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a header with a line break")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send(self, secure: ssl.SSLSocket, head: bytes, content: bytes) -> bool:
        """Send all; True if the other side answered before it had read all of it."""
        secure.settimeout(self._stall_timeout_s)
        try:
            self._send_pieces(secure, head + content[:PIECE_BYTES])
            began_s = time.monotonic()
            for start in range(PIECE_BYTES, len(content), PIECE_BYTES):
                self._hold_back(start, began_s)
                self._send_pieces(secure, content[start : start + PIECE_BYTES])
        except TimeoutError:
            raise
        except OSError as error:
            if self._cancelled.is_set() or is_tls(error):
                raise
            # It may have refused by the head alone and said so before it closed.
            return True
        return False

    def _send_pieces(self, secure: ssl.SSLSocket, piece: bytes) -> None:
        # Not `sendall`, whose time limit is for the whole: here it is for each bit of progress.
        rest = memoryview(piece)
        while rest:
            if self._cancelled.is_set():
                raise ConnectionAbortedError
            rest = rest[secure.send(rest) :]

    def _hold_back(self, sent_bytes: int, began_s: float) -> None:
        if self._rate_bytes_s is not None:
            ahead_s = sent_bytes / self._rate_bytes_s - (time.monotonic() - began_s)
            if ahead_s > 0:
                self._cancelled.wait(ahead_s)

    def _connect(self) -> ssl.SSLSocket:
        try:
            places = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise SinkAway("connect") from error
        failure: OSError = OSError("no address")
        for family, _, _, _, address in places:
            try:
                bare = socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:
                # A kernel without IPv6 is told of IPv6 addresses all the same.
                failure = error
                continue
            # Wrapped before it is connected, so that whatever fails there is a socket to close:
            # CPython forgets the one of a peer that is gone before it is wrapped.
            secure = self._tls.wrap_socket(
                bare, server_hostname=self._host, do_handshake_on_connect=False
            )
            try:
                self._shake_hands(secure, address)
            except OSError as error:
                secure.close()
                self._drop()
                failure = error
                if is_tls(error):
                    break
            else:
                self._secure = secure
                return secure
        raise (SinkClosed("tls") if is_tls(failure) else SinkAway("connect")) from failure

    def _shake_hands(self, secure: ssl.SSLSocket, address: Any) -> None:
        secure.settimeout(self._connect_timeout_s)
        secure.connect(address)
        secure.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A descriptor of its own: a cut must reach the wire, whatever TLS does with its own.
        with self._cut:
            self._wire = socket.socket(fileno=os.dup(secure.fileno()))
        if self._cancelled.is_set():
            self.cancel()
        secure.do_handshake()

    def _drop(self) -> None:
        with self._cut:
            wire, self._wire = self._wire, None
        secure, self._secure = self._secure, None
        for one in (secure, wire):
            if one is not None:
                one.close()


class _Reader(io.RawIOBase):
    """Bytes of one answer: a limit of seconds for the first, and for all that follow together.

    And a limit of bytes.
    """

    def __init__(self, secure: ssl.SSLSocket, limit_s: float) -> None:
        self._secure, self._limit_s = secure, limit_s
        self._end_s: float | None = None
        self._left_bytes = ARRIVING_BYTES_MAX

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left_s = self._limit_s if self._end_s is None else self._end_s - time.monotonic()
        if left_s <= 0 or self._left_bytes <= 0:
            raise SinkAway("endless_answer", unclear=True)
        self._secure.settimeout(left_s)
        try:
            read = self._secure.recv_into(buffer)
        except TimeoutError:
            if self._end_s is None:
                raise
            # A peer that drips must not hold the queue.
            raise SinkAway("endless_answer", unclear=True) from None
        self._end_s = self._end_s or time.monotonic() + self._limit_s
        self._left_bytes -= read
        return read


class _Readable:
    """What `http.client` wants of a socket."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._reader)


class _Response(http.client.HTTPResponse):
    """One that passes over every interim answer (RFC 9110, 15.2), not over 100 alone.

    Else what a 103 announces would be taken for the answer to the next request.
    """

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        interim = 100 <= status < 200 and status != http.HTTPStatus.SWITCHING_PROTOCOLS
        return version, http.HTTPStatus.CONTINUE if interim else status, reason


def _is_quiet(secure: ssl.SSLSocket) -> bool:
    """Tell whether a kept connection is open, and nothing came over it unasked.

    An answer too many would be taken for the next one's, and set another package aside.
    """
    secure.settimeout(0)
    try:
        secure.recv(1)
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return True
    except OSError:
        return False
    return False


def _read(secure: ssl.SSLSocket, method: str, limit_s: float) -> tuple[Answer, bool]:
    """Return the answer and whether the connection may be kept."""
    source = cast("socket.socket", _Readable(_Reader(secure, limit_s)))
    response = _Response(source, method=method)
    with response:
        response.begin()
        body = response.read(ANSWER_BYTES_MAX + 1)
        if len(body) > ANSWER_BYTES_MAX:
            raise SinkAway("endless_answer", unclear=True)
        if response.length:
            raise http.client.IncompleteRead(body)
        # What was read is all that came: a rest would be taken for the next answer.
        keep = not response.will_close and response.version == 11 and response.status >= 200
        text = body.decode("ascii", "replace").strip()
        return Answer(response.status, response.headers, text), keep


def _failure(error: Exception) -> SinkAway | SinkClosed:
    if turns_us_away(error):
        return SinkClosed("tls")
    if isinstance(error, TimeoutError):
        return SinkAway("timeout", unclear=True)
    return SinkAway("cut", unclear=True)

"""Earlier photos by HTTPS GET, as `docs/orders.md` says: TLS 1.3, a pinned CA, a signed request.

The other side may be slow, endless, wrong or hostile: one look-up ends in its time, reads no more
than a photo may have, follows nothing and believes nothing but the digest.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
from pydantic import BaseModel, ConfigDict, Field

from edge.candidates.lookup import (
    Ask,
    LookupAway,
    LookupFailed,
    LookupRefused,
    PhotoUnfit,
    Sign,
    exactly,
)
from edge.delivery.pinned_tls import is_tls, pinned
from edge.photos.fault import PHOTO_BYTES_MAX
from edge.utc import now_ms, rfc3339

ASK_TYP: Final = "anxin-ask+jws"
JPEG: Final = "image/jpeg"
LATER: Final = frozenset({408, 425, 429, *(set(range(500, 600)) - {501})})


class Config(BaseModel):
    """Where the centre listens and whom to trust there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=r"^https://[^/?#\s]+$")]
    ca_file: Path


def open_lookup(config: Config, station_id: str, sign: Sign) -> HttpsLookup:
    """Return the look-up; nothing is connected yet. Raises `OSError` for an unreadable CA file."""
    return HttpsLookup(config, station_id, sign)


class HttpsLookup:
    """One centre behind HTTPS; a connection for each photo."""

    def __init__(self, config: Config, station_id: str, sign: Sign) -> None:
        """Use `open_lookup`."""
        self._url = config.url
        self._trust = pinned(config.ca_file)
        self._station_id = station_id
        self._sign = sign
        self._lock = threading.Lock()
        self._lines: set[_Line] = set()
        self._closed = False

    def find(self, ask: Ask, timeout_s: float) -> bytes:
        """Return the photo. Raises as `Lookup.find`.

        The time counts for the whole of it, an answer that drips byte by byte included; only the
        system's own resolution of a name cannot be cut short.
        """
        with self._line(timeout_s) as line:
            try:
                return exactly(self._ask(ask, line, timeout_s), ask)
            except (httpx.HTTPError, httpx.StreamError) as error:
                raise _failure(error, line) from error

    def close(self) -> None:
        """Cut what runs."""
        with self._lock:
            self._closed = True
            lines = tuple(self._lines)
        for line in lines:
            line.cut()

    @contextmanager
    def _line(self, timeout_s: float) -> Iterator[_Line]:
        line = _Line()
        with self._lock:
            if self._closed:
                raise LookupAway("closed")
            self._lines.add(line)
        watch = threading.Timer(timeout_s, line.cut)
        watch.name = "lookup-limit"
        watch.start()
        try:
            yield line
        finally:
            watch.cancel()
            watch.join()
            with self._lock:
                self._lines.discard(line)
            line.close()

    def _ask(self, ask: Ask, line: _Line, timeout_s: float) -> bytes:
        headers = {"Accept": JPEG, "Accept-Encoding": "identity", "Anxin-Ask": self._signed(ask)}
        path = f"/orders/v1/{ask.order_ref}/earlier-photo"
        with (
            httpx.Client(
                base_url=self._url,
                verify=self._trust,
                timeout=httpx.Timeout(timeout_s),
                trust_env=False,
                follow_redirects=False,
            ) as client,
            client.stream(
                "GET",
                path,
                params={"sha256": ask.sha256},
                headers=headers,
                extensions={"trace": line.trace},
            ) as response,
        ):
            _check(response)
            return _read(response)

    def _signed(self, ask: Ask) -> str:
        said = {
            "v": 1,
            "station_id": self._station_id,
            "order_ref": ask.order_ref,
            "sha256": ask.sha256,
            "asked_at": rfc3339(now_ms()),
        }
        return self._sign(json.dumps(said, separators=(",", ":")).encode(), ASK_TYP)


class _Line:
    """The socket under one request: whoever cuts it wakes the thread that waits there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.was_cut = False

    def trace(self, event: str, details: dict[str, Any]) -> None:
        if event != "connection.connect_tcp.complete":
            return
        line = details["return_value"].get_extra_info("socket")
        with self._lock:
            # Our own descriptor: the number of a closed one may be another's by now.
            self._socket = socket.socket(fileno=os.dup(line.fileno()))
            cut_before = self.was_cut
        if cut_before:
            self.cut()

    def cut(self) -> None:
        with self._lock:
            self.was_cut = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None


def _check(response: httpx.Response) -> None:
    status, code = response.status_code, f"http_{response.status_code}"
    if status == 404:
        raise LookupRefused("not_found")
    if status in LATER:
        raise LookupAway(code)
    if status != 200:
        raise LookupRefused(code)
    if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() != JPEG:
        raise PhotoUnfit("wrong_type")
    size = response.headers.get("Content-Length", "")
    if size.isdecimal() and len(size) < 20 and int(size) > PHOTO_BYTES_MAX:
        raise PhotoUnfit("too_large")


def _read(response: httpx.Response) -> bytes:
    content = bytearray()
    # Raw: what a coding would unfold to is no length that anybody promised.
    for piece in response.iter_raw():
        content += piece
        if len(content) > PHOTO_BYTES_MAX:
            raise PhotoUnfit("too_large")
    return bytes(content)


def _failure(error: Exception, line: _Line) -> LookupFailed:
    if line.was_cut or isinstance(error, httpx.TimeoutException):
        return LookupAway("timeout")
    if is_tls(error):
        return LookupRefused("tls")
    return LookupAway("connect" if isinstance(error, httpx.ConnectError) else "cut")

"""Packages by HTTPS PUT, as `docs/package.md` says: TLS 1.3, a pinned CA, one live connection.

The table of answers is the contract: what an answer means is decided here, what is done about it
in `edge/outbox.py`.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import httpx
from pydantic import BaseModel, ConfigDict, Field

from edge.pinned_tls import is_tls, pinned
from edge.seal import MEDIA_TYPE
from edge.sinks.sink import (
    AlreadyThere,
    Outgoing,
    PackageConflict,
    PackageRefused,
    ReceiptPending,
    SinkAway,
    SinkClosed,
)

ANSWER_BYTES_MAX: Final = 64 << 10
RETRY_AFTER_MAX_S: Final = 3600.0
CHUNK_BYTES: Final = 64 << 10
REFUSING: Final = frozenset({400, 411, 413, 415, 422})


class Config(BaseModel):
    """Where the centre listens and whom to trust there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=r"^https://[^/?#\s]+$")]
    ca_file: Path
    connect_timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    stall_timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0


def open_sink(config: Config) -> HttpsSink:
    """Return the sink; nothing is connected yet. Raises `OSError` for an unreadable CA file."""
    return HttpsSink(config)


class HttpsSink:
    """One centre behind HTTPS."""

    gives_receipts: ClassVar[bool] = True

    def __init__(self, config: Config) -> None:
        """Use `open_sink`."""
        self._stall_timeout_s = config.stall_timeout_s
        self._socket: socket.socket | None = None
        self._cancelled = self._connected = False
        # No total limit: 2 MB at 64 kbit/s take 250 s. Thirty seconds without progress end it.
        timeout = httpx.Timeout(config.stall_timeout_s, connect=config.connect_timeout_s)
        self._client = httpx.Client(
            base_url=config.url,
            verify=pinned(config.ca_file),
            timeout=timeout,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=60),
        )

    def send(self, package: Outgoing) -> str:
        """Put the package there; the answer claims to be a receipt. Raises as `Sink.send`."""
        headers = {
            "Content-Type": MEDIA_TYPE,
            # By hand: with a generator httpx would send chunks, which the centre refuses.
            "Content-Length": str(len(package.content)),
            "Content-Digest": package.digest,
            "If-None-Match": "*",
            "Anxin-Seal": package.statement,
        }
        status, answer, retry_after_s = self._ask(
            "PUT", f"/ingest/v1/packages/{package.package_id}", headers, package.content
        )
        if status == 412:
            raise AlreadyThere("http_412")
        return _receipt(status, answer, retry_after_s)

    def receipt(self, package_id: str) -> str | None:
        """Ask for the receipt again: a lost answer costs 1 KB, not the upload."""
        path = f"/ingest/v1/packages/{package_id}/receipt"
        status, answer, retry_after_s = self._ask("GET", path, {}, b"")
        if status == 404:
            return None
        return _receipt(status, answer, retry_after_s)

    def cancel(self) -> None:
        """Cut the connection under a running request."""
        self._cancelled = True
        line = self._socket
        if line is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self.cancel()
        self._client.close()
        if self._socket is not None:
            self._socket.close()

    def _ask(
        self, method: str, path: str, headers: dict[str, str], content: bytes
    ) -> tuple[int, str, float]:
        """Ask once; once more if a connection kept from before turned out to be closed.

        Every request here is idempotent, so RFC 9112 9.3.1 allows it.
        """
        self._connected = False
        try:
            return self._ask_once(method, path, headers, content)
        except SinkAway as away:
            if away.code != "cut" or self._connected:
                raise
        return self._ask_once(method, path, headers, content)

    def _ask_once(
        self, method: str, path: str, headers: dict[str, str], content: bytes
    ) -> tuple[int, str, float]:
        if self._cancelled:
            raise SinkAway("cancelled")
        try:
            with self._client.stream(
                method,
                path,
                headers=headers,
                content=self._pieces(content) if content else None,
                extensions={"trace": self._trace},
            ) as response:
                return response.status_code, self._read(response), _retry_after_s(response)
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise _failure(error) from error

    def _pieces(self, content: bytes) -> Iterator[bytes]:
        for start in range(0, len(content), CHUNK_BYTES):
            if self._cancelled:
                raise httpx.WriteError("cancelled")
            yield content[start : start + CHUNK_BYTES]

    def _read(self, response: httpx.Response) -> str:
        end_s = time.monotonic() + self._stall_timeout_s
        answer = b""
        for piece in response.iter_raw():
            answer += piece
            # A peer that drips, or never ends, must not hold the queue.
            if len(answer) > ANSWER_BYTES_MAX or time.monotonic() > end_s:
                raise SinkAway("endless_answer", unclear=True)
        return answer.decode("ascii", "replace").strip()

    def _trace(self, event: str, details: dict[str, Any]) -> None:
        # The only way to the socket: `cancel` needs it to wake a thread that waits for an answer.
        if event == "connection.connect_tcp.complete":
            self._connected = True
            line = details["return_value"].get_extra_info("socket")
            earlier, self._socket = self._socket, socket.socket(fileno=os.dup(line.fileno()))
            if earlier is not None:
                earlier.close()
            if self._cancelled:
                self.cancel()


def _receipt(status: int, answer: str, retry_after_s: float) -> str:
    code = f"http_{status}"
    if status == 202:
        raise ReceiptPending(code, retry_after_s=retry_after_s)
    if 200 <= status < 300:
        return answer
    if status in REFUSING:
        raise PackageRefused(code)
    if status == 409:
        raise PackageConflict(code)
    if status in {408, 429} or (status >= 500 and status != 501):
        # 5xx may come from a proxy that lost an answer of the centre.
        raise SinkAway(code, unclear=status >= 500, retry_after_s=retry_after_s)
    raise SinkClosed(code)


def _retry_after_s(response: httpx.Response) -> float:
    try:
        asked_s = float(response.headers.get("Retry-After", "0"))
    except ValueError:
        return 0.0
    return min(max(asked_s, 0.0), RETRY_AFTER_MAX_S)


def _failure(error: Exception) -> SinkAway | SinkClosed:
    if is_tls(error):
        return SinkClosed("tls")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return SinkAway("connect")
    if isinstance(error, httpx.TimeoutException):
        return SinkAway("timeout", unclear=True)
    return SinkAway("cut", unclear=True)

"""The head of one HTTP/1.1 request, read where no I/O happens.

Answers one question: is the request here in whole, so that a worker may take it? What two readers
could read differently is refused here, before either reads it: two lengths, two hosts, a line end
of one byte, a blank before a colon. What the words mean is the server's and the application's own.

Source: RFC 9112 sections 2.2, 3, 5 and 6.3 (message framing and its smuggling traps).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

HEADER_BYTES_MAX: Final = 16 * 1024
"""Request line and header fields together."""

END: Final = b"\r\n\r\n"
_LONE_LF: Final = re.compile(rb"(?<!\r)\n")
_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^`|~0-9A-Za-z]+")
"""A token without `_`: WSGI writes `-` as `_`, so that `Content_Length` could pose as the other."""
_LENGTH: Final = re.compile(rb"[0-9]{1,15}")
_ONCE: Final = frozenset(
    {b"host", b"content-length", b"transfer-encoding", b"origin", b"sec-fetch-site",
     b"authorization", b"content-type", b"range", b"idempotency-key", b"content-digest"}
)  # fmt: skip
"""Fields whose second copy one reader would take for the first."""


class BadHead(Exception):
    """No request that this server answers; `status` says why: 400 or 413."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """What it takes to have the whole request.

    Attributes:
        size: bytes of the head, its blank line included.
        body_bytes: of the body as announced; 0 where `chunked`.
        chunked: a body without a length; nobody here reads one.
        waits: the client sends its body only after `100 Continue` (RFC 9110, 10.1.1).
    """

    size: int
    body_bytes: int = 0
    chunked: bool = False
    waits: bool = False


def read_head(received: bytes | bytearray, body_bytes_max: int) -> Head | None:
    """Return the head that these bytes begin with; None while its end has not come.

    Args:
        received: what has arrived, from the first byte of the request line on.
        body_bytes_max: an announced body beyond it is refused.

    Raises:
        BadHead: it is no head, or too large, or announces too large a body.
    """
    end = received.find(END, 0, HEADER_BYTES_MAX)
    begun = bytes(received[: end if end >= 0 else HEADER_BYTES_MAX])
    if _LONE_LF.search(begun):
        raise BadHead(400)
    if end < 0:
        if len(received) >= HEADER_BYTES_MAX:
            raise BadHead(413)
        return None
    first, *lines = begun.split(b"\r\n")
    if _FORBIDDEN.search(first) or not first:
        raise BadHead(400)
    fields = _fields(lines)
    chunked = b"transfer-encoding" in fields
    length = fields.get(b"content-length", b"0")
    if not _LENGTH.fullmatch(length):
        raise BadHead(400)
    if int(length) > body_bytes_max:
        raise BadHead(413)
    waits = fields.get(b"expect", b"").lower() == b"100-continue"
    return Head(end + len(END), 0 if chunked else int(length), chunked, waits)


def _fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """Return the header fields by lower-case name. Raises `BadHead`."""
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        lowered = name.lower()
        if not colon or not _NAME.fullmatch(name) or _FORBIDDEN.search(value):
            raise BadHead(400)
        if lowered in fields and lowered in _ONCE:
            raise BadHead(400)
        fields[lowered] = value.strip(b" \t")
    return fields

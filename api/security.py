"""What every request must pass before a page sees it, and what every answer carries.

Knows hosts, origins, sizes, tokens and streams; knows nothing of sittings or packages.
Each rule is shown by a test in `tests/test_kiosk_pages.py` or `tests/test_v1.py`.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import SecurityError

from api.problems import Refused

BODY_BYTES_MAX: Final = 256 * 1024
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
TOKEN_BYTES: Final = 32

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), autoplay=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class TokenUnusable(Exception):
    """What stands in the token's file protects nothing. The message says what to do."""


_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[a-z][a-z0-9-]{0,31}")


def install(
    app: Flask,
    *,
    origin_needed: bool,
    hosts: Sequence[str] = LOOPBACK,
    body_limits: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Put the checks before and the headers behind every request of this application.

    Args:
        app: its `TRUSTED_HOSTS` is set here.
        origin_needed: True for pages, where only a browser posts; False for programs, whose
            requests carry no Origin, so that only a foreign one is refused.
        hosts: the names that a request may call this machine by.
        body_limits: bytes of a body at most, by endpoint, where not `BODY_BYTES_MAX`.
    """
    app.config["TRUSTED_HOSTS"] = list(hosts)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
    app.config["MAX_FORM_PARTS"] = 32
    # A path with a doubled slash is unknown, not another spelling to be led to.
    app.url_map.merge_slashes = False

    @app.before_request
    def check() -> None:
        check_host()
        check_body(body_limits.get(request.endpoint or "", BODY_BYTES_MAX))
        check_origin(needed=origin_needed)

    @app.after_request
    def dress(answer: Response) -> Response:
        return with_headers(answer)


def check_host() -> None:
    """Refuse a name that is not ours (DNS rebinding), and a request that names no host at all."""
    if "HTTP_HOST" not in request.environ:
        raise SecurityError("no host")
    _ = request.host  # raises SecurityError unless in TRUSTED_HOSTS


def check_body(limit: int = BODY_BYTES_MAX) -> None:
    """Refuse bodies of unstated or excessive length before anything reads them."""
    # cheroot accepts Content-Length beside Transfer-Encoding: two lengths are a smuggler's door.
    if "Transfer-Encoding" in request.headers:
        raise Refused("length-required")
    if (request.content_length or 0) > limit:
        raise Refused("too-large")
    request.max_content_length = limit


def check_origin(*, needed: bool) -> None:
    """Refuse a change that another site's page asks for.

    `Referrer-Policy: no-referrer` makes Chromium send `Origin: null` with a plain form post, so
    "null" is accepted only together with `Sec-Fetch-Site: same-origin`, which no page can forge.
    Source: Fetch standard, "append a request Origin header"; Fetch Metadata.
    """
    if request.method in SAFE_METHODS:
        check_embedding()
        return
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        raise Refused("origin-foreign")
    if origin is None:
        if needed:
            raise Refused("origin-foreign")
        return
    if origin == "null" and site == "same-origin":
        return
    try:
        parts = urlsplit(origin)
    except ValueError:
        raise Refused("origin-foreign") from None
    if (parts.scheme, parts.netloc) != (request.scheme, request.host):
        raise Refused("origin-foreign")


def check_embedding() -> None:
    """Refuse what another site's page would show, frame or read; a person may follow its link.

    Source: Fetch Metadata, "resource isolation policy" (web.dev); browsers of before 2023 send no
    such fields, and for them the headers of the answer speak.
    """
    if request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
        return
    followed = (request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest"))
    if followed != ("navigate", "document"):
        raise Refused("origin-foreign")


def with_headers(answer: Response) -> Response:
    """Set the house's headers, over what Flask puts on files."""
    answer.headers.update(HEADERS)
    if answer.mimetype == "font/woff2":
        # Two megabytes that are nobody's: kept for an hour, not fetched for every screen.
        answer.headers["Cache-Control"] = "private, max-age=3600"
    # The rest of a refused body would be taken for the next request on this connection.
    if answer.status_code in (411, 413):
        answer.headers["Connection"] = "close"
    return answer


def open_or_make_token(path: Path) -> str:
    """Return the bearer token of a file that only its owner can read; make it at first start.

    Raises:
        OSError: the file cannot be read or made.
        TokenUnusable: what stands there is no token, or others may read it and so know it.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            raise TokenUnusable(
                f"{path} may be read by others, who may know the token:"
                f" remove the file, the next start makes one."
            ) from None
        # Not as ASCII: a damaged file is refused in the same words as a short one.
        token = path.read_bytes().decode("ascii", "replace").strip()
        if len(token) < TOKEN_BYTES or not token.isascii():
            raise TokenUnusable(
                f"{path} holds no token of {TOKEN_BYTES} characters or more:"
                f" remove the file, the next start makes one."
            ) from None
        return token
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        file.write(token + "\n")
        file.flush()
        os.fsync(file.fileno())
    return token


def same_secret(given: str, right: str) -> bool:
    """Compare in constant time; an empty secret never matches."""
    return bool(right) and hmac.compare_digest(given.encode(), right.encode())


def check_bearer(token: str) -> None:
    """Refuse a request without this listener's token."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not same_secret(given.strip(), token):
        raise Refused("client-unknown")


def checked_id(given: str) -> str:
    """Return an id that the station could have made; anything else is not found."""
    if not _ID.fullmatch(given):
        raise Refused("not-found")
    return given


class StreamCap:
    """Counts long answers, so that they never hold the last worker thread."""

    def __init__(self, limit: int) -> None:
        self._places = threading.BoundedSemaphore(limit)
        self.limit = limit

    def enter(self) -> None:
        """Take a place. Raises `Refused` (503) when none is left."""
        if not self._places.acquire(blocking=False):
            raise Refused("streams-exhausted")

    def leave(self) -> None:
        """Give the place back, exactly once for each `enter`."""
        self._places.release()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for the duration of a block."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

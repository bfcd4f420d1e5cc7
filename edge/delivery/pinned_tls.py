"""TLS to a centre whose CA was pinned at provisioning."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

TURNED_AWAY: Final = (
    "CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "HANDSHAKE_FAILURE", "DECRYPT_ERROR",
)  # fmt: skip
"""Words in OpenSSL's reason where the other side does not want this client (RFC 8446, 6.2)."""


def pinned(ca_file: Path) -> ssl.SSLContext:
    """Return a context that trusts this CA alone, TLS 1.3. Raises `OSError`, `ssl.SSLError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cafile=ca_file)
    return context


def is_tls(error: BaseException | None) -> bool:
    """Tell whether TLS itself failed: another certificate, another version."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            # A connection that ends in the handshake is a network that fails, not a foreign peer.
            return not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
        error = error.__cause__ or error.__context__
    return False


def turns_us_away(error: BaseException) -> bool:
    """Tell whether, after our handshake, the other side said that it will not talk to us.

    In TLS 1.3 a server judges a client's certificate when the client has already begun to send.
    Whatever else fails from there on is a line that damaged a record: it may be whole again.
    """
    if not is_tls(error):
        return False
    reasons, one = "", error
    while one is not None:
        reasons += f" {getattr(one, 'reason', '')}"
        one = one.__cause__ or one.__context__  # type: ignore[assignment]
    return any(word in reasons for word in TURNED_AWAY)

"""TLS to a centre whose CA was pinned at provisioning."""

from __future__ import annotations

import ssl
from pathlib import Path


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

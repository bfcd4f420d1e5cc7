"""A file and its detached signature by the station's own key, checkable without any code of ours.

    <file>.jws     BASE64URL(header) ".." BASE64URL(signature)      RFC 7515, appendix F

The header names algorithm, type and key; what is signed is BASE64URL(header) "." BASE64URL(file).
With the payload put between the dots it is an ordinary compact JWS.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Final, Protocol

from joserfc import jws
from joserfc.errors import JoseError

from edge.trust.signatures import ALGORITHMS, PublicKey, signs

Keys = Mapping[str, PublicKey]
"""The station's present and former public keys, by kid."""
_DETACHED: Final = re.compile(r"([A-Za-z0-9_-]{1,1024})\.\.([A-Za-z0-9_-]{86})")


class Signs(Protocol):
    """The station's own key."""

    def sign_jws(self, payload: bytes, typ: str) -> str:
        """Return the compact JWS over exactly these bytes. Raises `KeyUnusable`."""


def detached(key: Signs, content: bytes, typ: str) -> str:
    """Return the detached signature of a file. Raises `KeyUnusable`."""
    header, _, signature = key.sign_jws(content, typ).split(".")
    return f"{header}..{signature}"


def attached(content: bytes, token: str) -> str:
    """Return file and signature in one: a compact JWS."""
    header, _, signature = token.split(".")
    return f"{header}.{_base64url(content)}.{signature}"


def holds(content: bytes, token: str, typ: str, keys: Keys) -> bool:
    """Tell whether one of the keys signed exactly these bytes as a file of that type."""
    parts = _DETACHED.fullmatch(token)
    if parts is None:
        return False
    try:
        whole = attached(content, token)
        head = jws.extract_compact(whole.encode()).headers()
        key = keys.get(str(head.get("kid")))
        if key is None or head.get("typ") != typ or "crit" in head or not signs(key):
            return False
        algorithm = ALGORITHMS[str(key.curve_name)]
        jws.deserialize_compact(whole, key, algorithms=[algorithm])
    except (JoseError, ValueError, RecursionError):
        return False
    return True


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

"""A photo as the body of a request: is it what it says it is, and what its refusal is called."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final

from flask import request

from api.problems import FieldError, Refused
from edge.photos.fault import PhotoFault, PhotoUnreadable

JPEG: Final = "image/jpeg"
_DIGEST: Final = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]{1,88}):\s*(?=,|$)")
_TOO_LARGE: Final = frozenset({PhotoFault.TOO_LARGE, PhotoFault.TOO_MANY_PIXELS})


def checked_photo(*, digest_needed: bool) -> bytes:
    """Return the body of the running request if it is what it says it is.

    Args:
        digest_needed: `Content-Digest` must stand there; else it is checked where it does.

    Raises:
        Refused: another type, no length, or other bytes than the digest names.
    """
    if request.mimetype != JPEG:
        raise Refused("media-type")
    if request.content_length is None:
        raise Refused("length-required")
    content = request.get_data(cache=False)
    given = request.headers.get("Content-Digest")
    if given is None and not digest_needed:
        return content
    found = _DIGEST.search(given or "")
    try:
        said = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        said = b""
    if not hmac.compare_digest(said, hashlib.sha256(content).digest()):
        raise Refused("digest-mismatch", [FieldError("Content-Digest", "mismatch")])
    return content


def refused_photo(error: PhotoUnreadable) -> Refused:
    """Return the problem of a photo that cannot be used, with the code of why."""
    slug = "too-large" if error.code in _TOO_LARGE else "photo-unreadable"
    return Refused(slug, [FieldError("#", error.code.value)])

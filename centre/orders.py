"""Earlier photos that the centre holds for its own orders, given to a registered station only.

earlier-photos/<order reference>/<sha256>.jpg       put there by whoever runs the centre
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from flask import Flask, Response, request

from centre.keys import keep
from centre.opening import Rejected, digest_of, signed_by_station
from centre.shelf import Shelf

FOLDER: Final = "earlier-photos"
ASK_TYP: Final = "anxin-ask+jws"
FRESH: Final = timedelta(minutes=5)
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def keep_earlier_photo(folder: Path, order_ref: str, jpeg: bytes) -> str:
    """Put a photo where stations may ask for it, and return its digest in hexadecimal."""
    if not _REFERENCE.fullmatch(order_ref):
        raise ValueError("no reference of an order")
    sha256 = hashlib.sha256(jpeg).hexdigest()
    keep(folder / FOLDER / order_ref / f"{sha256}.jpg", jpeg, 0o600)
    return sha256


def order_routes(app: Flask, shelf: Shelf) -> None:
    """Serve `GET /orders/v1/{order_ref}/earlier-photo?sha256=…`."""

    @app.get("/orders/v1/<order_ref>/earlier-photo")
    def earlier_photo(order_ref: str) -> Response:
        sha256 = request.args.get("sha256", "")
        _check_ask(request.headers.get("Anxin-Ask", ""), order_ref, sha256, shelf)
        if not _REFERENCE.fullmatch(order_ref) or not _SHA256.fullmatch(sha256):
            raise Rejected(404, "not-found")
        try:
            jpeg = (shelf.folder / FOLDER / order_ref / f"{sha256}.jpg").read_bytes()
        except FileNotFoundError:
            raise Rejected(404, "not-found") from None
        answer = Response(jpeg, 200, mimetype="image/jpeg")
        answer.headers["Content-Digest"] = digest_of(jpeg)
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _check_ask(token: str, order_ref: str, sha256: str, shelf: Shelf) -> None:
    """Refuse who is not registered, and an ask that was signed for something else or long ago."""
    said = signed_by_station(token, ASK_TYP, shelf.stations())
    if (said.get("v"), said.get("order_ref"), said.get("sha256")) != (1, order_ref, sha256):
        raise Rejected(422, "invalid-request")
    try:
        asked_at = datetime.fromisoformat(str(said.get("asked_at")))
        age = abs(datetime.now(UTC) - asked_at)
    except (ValueError, TypeError, OverflowError):
        raise Rejected(422, "invalid-request") from None
    if age > FRESH:
        raise Rejected(403, "ask-stale")

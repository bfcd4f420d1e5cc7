"""Signed heads of the audit chain: what leaves the station, so that a cut tail can be noticed.

    anxin-audit-head+jws    {"v":1,"station_id","n","head","at","trail"}

The chain by itself shows an edited row. That its end was cut off shows only against a head that
somebody else holds (`centre/audit_heads.py`). The trail, the hashes of the rows just before in
short, lets them find their last head in it also when the cut chain has grown again meanwhile.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Final

import apsw
import structlog

from edge.store import Store
from edge.trust import audit
from edge.trust.keys import KeyUnusable, StationKey
from edge.utc import now_ms, rfc3339

HEAD_TYP: Final = "anxin-audit-head+jws"
TRAIL_ROWS: Final = 128
"""A sitting makes some ten rows [ours: counted at the demo]: a dozen sittings between two heads."""
TRAIL_BYTES: Final = 12
"""Of each hash; 96 bits, so that nobody finds other rows with the same."""

log = structlog.get_logger("trust")


def signed_head(store: Store, station_key: StationKey, station_id: str) -> str:
    """Return the end of the audit chain as it is now, signed: a compact JWS of about 3 KB.

    Raises:
        KeyUnusable: the station's key does not answer.
        StoreBroken: the journal cannot be read.
    """
    end, trail = store.read(_end)
    said = {
        "v": 1,
        "station_id": station_id,
        "n": end.n,
        "head": end.hash.hex(),
        "at": rfc3339(now_ms()),
        "trail": urlsafe_b64encode(trail).decode(),
    }
    return station_key.sign_jws(json.dumps(said, separators=(",", ":")).encode(), HEAD_TYP)


def _end(db: apsw.Connection) -> tuple[audit.Head, bytes]:
    end = audit.head(db)
    before = db.execute(
        "select hash from audit where n < ? order by n desc limit ?", (end.n, TRAIL_ROWS)
    )
    return end, b"".join(hashed[:TRAIL_BYTES] for (hashed,) in before)


def head_signer(store: Store, station_key: StationKey, station_id: str) -> Callable[[], str]:
    """Return what gives a delivery its head: "" while the key does not answer, for it must go."""

    def sign() -> str:
        try:
            return signed_head(store, station_key, station_id)
        except KeyUnusable:
            log.error("audit_head_unsigned")
            return ""

    return sign

"""Signed heads of the audit chain: what leaves the station, so that a cut tail can be noticed.

    anxin-audit-head+jws    {"v":1,"station_id","n","head","at"}

The chain by itself shows an edited row. That its end was cut off shows only against a head that
somebody else holds (`centre/audit_heads.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

import structlog

from edge import audit
from edge.keys import KeyUnusable, StationKey
from edge.store import Store
from edge.utc import now_ms, rfc3339

HEAD_TYP: Final = "anxin-audit-head+jws"

log = structlog.get_logger("trust")


def signed_head(store: Store, station_key: StationKey, station_id: str) -> str:
    """Return the end of the audit chain as it is now, signed: a compact JWS of about 0.4 KB.

    Raises:
        KeyUnusable: the station's key does not answer.
        StoreBroken: the journal cannot be read.
    """
    end = store.read(audit.head)
    said = {
        "v": 1,
        "station_id": station_id,
        "n": end.n,
        "head": end.hash.hex(),
        "at": rfc3339(now_ms()),
    }
    return station_key.sign_jws(json.dumps(said, separators=(",", ":")).encode(), HEAD_TYP)


def head_signer(store: Store, station_key: StationKey, station_id: str) -> Callable[[], str]:
    """Return what gives a delivery its head: "" while the key does not answer, for it must go."""

    def sign() -> str:
        try:
            return signed_head(store, station_key, station_id)
        except KeyUnusable:
            log.error("audit_head_unsigned")
            return ""

    return sign

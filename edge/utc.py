"""Moments as packages, audit rows and answers carry them: UTC in whole milliseconds."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any


def now_ms() -> int:
    """Return the present moment in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def moment_ms(moment: Any) -> int:
    """Return a moment as a signed list writes it. Raises `ValueError`: none, or without a zone."""
    at = datetime.fromisoformat(str(moment))
    if at.tzinfo is None:
        raise ValueError("a moment without its zone")
    return round(at.timestamp() * 1000)


def rfc3339(at_ms: int) -> str:
    """Return a moment as "2026-11-22T01:12:44.031Z". Source: RFC 3339, section 5.6."""
    whole = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return whole.replace("+00:00", "Z")

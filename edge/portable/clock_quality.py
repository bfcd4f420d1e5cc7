"""How good the time of a visit is, in three words that the centre can sort by."""

from __future__ import annotations

from typing import Any, Final

from edge.clock_state import ClockState

SYNCHRONISED_MS: Final = 1000
"""[ours] A visit's times need no more; the kernel's bound grows by 0.5 ms a second without a net,
and after some nine hours it says nothing any more (ntp_adjtime: 500 ppm, 16 s)."""


def clock_quality(clock: ClockState) -> dict[str, Any]:
    """Return `quality` ("synchronised", "drift", "unknown") and `drift_ms`, None if unknown."""
    drift_ms = clock.uncertainty_ms
    if drift_ms is None:
        return {"quality": "unknown", "drift_ms": None}
    near = drift_ms <= SYNCHRONISED_MS
    return {"quality": "synchronised" if near else "drift", "drift_ms": drift_ms}

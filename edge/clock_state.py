"""How well this machine knows the time: what the kernel's clock discipline says of itself.

Source: Linux man-pages, adjtimex(2): a call without modes reads and needs no right.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Final

_UNSYNCHRONISED: Final = 0x0040
_NOT_KNOWN: Final = 5
"""TIME_ERROR: the state in which the clock is not to be relied on."""
_TIMEX_BYTES: Final = 208
"""More than any platform's struct timex has (208 on 64-bit Linux)."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """Where the time comes from.

    Attributes:
        source: "ntp" while something disciplines the clock, else "system".
        uncertainty_ms: the kernel's own bound of its error; None if nobody disciplines it.
    """

    source: str
    uncertainty_ms: int | None


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * _TIMEX_BYTES),
    )


UNKNOWN: Final = ClockState("system", None)


def clock_state() -> ClockState:
    """Return what the kernel knows of the clock; `UNKNOWN` where it cannot be asked."""
    try:
        asked: Any = ctypes.CDLL(None, use_errno=True).adjtimex
    except AttributeError:
        return UNKNOWN
    timex = _Timex()
    state = asked(ctypes.byref(timex))
    if state in (-1, _NOT_KNOWN) or timex.status & _UNSYNCHRONISED:
        return UNKNOWN
    return ClockState("ntp", -(-timex.maxerror // 1000))

"""What a person types of the number on the slip, key by key; forgotten when the screen goes."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Final

from api.kiosk.pad import DELETE, DIGITS

DIGITS_WANTED: Final = 6
"""As `slip_code` of an order has it."""
STAYS_S: Final = 90.0
"""Whoever began to type has gone by then: the next person finds an empty screen."""
SCANNED: Final = re.compile(r"(?:anxin:)?([0-9]{6})", re.IGNORECASE)
"""What a slip's code holds: our own mark and the digits, or only these."""


class Slips:
    """Holds the digits of the one screen."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._token = ""
        self._digits = ""
        self._touched_at_s = 0.0

    def of(self, token: str) -> str:
        """Return the digits so far."""
        with self._lock:
            return self._standing(token)

    def press(self, token: str, key: str) -> None:
        """Add a digit, or take the last one away; a seventh one changes nothing."""
        with self._lock:
            digits = self._standing(token)
            if key == DELETE:
                digits = digits[:-1]
            elif key in DIGITS and len(digits) < DIGITS_WANTED:
                digits += key
            self._token, self._digits, self._touched_at_s = token, digits, self._now_s()

    def clear(self) -> None:
        """Forget what was typed."""
        with self._lock:
            self._token = self._digits = ""

    def _standing(self, token: str) -> str:
        gone = self._now_s() - self._touched_at_s > STAYS_S
        return "" if gone or token != self._token else self._digits


def scanned_digits(text: str) -> str:
    """Return the digits of a scanned slip, "" if the code is none of ours."""
    found = SCANNED.fullmatch(text.strip())
    return found[1] if found else ""

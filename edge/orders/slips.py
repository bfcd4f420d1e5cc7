"""The number on a person's slip: six digits of the day, typed, or scanned as `anxin:<digits>`.

Six digits are few, and whoever tries them out would find somebody else's order. So a few unknown
ones in a row are looked into by staff, and the station looks none up meanwhile.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections import deque
from collections.abc import Callable
from typing import Final

SCHEME: Final = "anxin:"
UNKNOWN_MAX: Final = 5
WITHIN_S: Final = 600.0
"""[ours] Five tries in ten minutes: with a hundred orders waiting, one guess in 2000 finds one."""
_DIGITS: Final = re.compile(r"[0-9]{6}")


def slip_code(given: str) -> str | None:
    """Return the six digits of what was typed or read, None if that is no number of a slip.

    A wedge scanner types into whatever keyboard layout and input method is on: full-width forms,
    capital letters and a line's end are the same code.
    """
    text = unicodedata.normalize("NFKC", given).strip().lower()
    text = text.removeprefix(SCHEME).strip()
    return text if _DIGITS.fullmatch(text) else None


class SlipTries:
    """Counts unknown numbers. Lives in memory: nobody at the screen can restart the station."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._unknown_at_s: deque[float] = deque(maxlen=UNKNOWN_MAX)

    @property
    def closed(self) -> bool:
        """So many were unknown lately that only staff lead on."""
        full = len(self._unknown_at_s) == UNKNOWN_MAX
        return full and self._clock_s() - self._unknown_at_s[0] < WITHIN_S

    def unknown(self) -> None:
        """Count one."""
        self._unknown_at_s.append(self._clock_s())

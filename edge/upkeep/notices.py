"""What a technician must know of a station that runs: as codes, and where a file is meant, in full.

settings_known_good   the settings file was refused; the last good one is in force
update_trying         a new version proves itself; nobody is let in until it has
update_fell_back      the last update did not prove itself, and the version before is back
"""

from __future__ import annotations

import threading
from typing import Final

from edge.upkeep.fault import Fault

TRYING: Final = "update_trying"
KNOWN_GOOD: Final = "settings_known_good"
FELL_BACK: Final = "update_fell_back"
_REASONS: Final = frozenset({TRYING})
"""What keeps people out as well."""


class Notices:
    """The notices of one station. Any thread may call it."""

    def __init__(self, fault: Fault | None = None) -> None:
        """Begin with none, or with why the last good settings are in force."""
        self._lock = threading.Lock()
        self._codes = frozenset[str]({KNOWN_GOOD} if fault is not None else ())
        self.fault = fault
        """What is wrong with the settings file, if the station runs on other settings."""

    @property
    def codes(self) -> tuple[str, ...]:
        """Every notice that holds now, in order."""
        return tuple(sorted(self._codes))

    def reasons(self) -> tuple[str, ...]:
        """Return those that keep people out."""
        return tuple(sorted(self._codes & _REASONS))

    def put(self, code: str, *, holds: bool) -> None:
        """Let a notice hold, or no more."""
        with self._lock:
            self._codes = self._codes | {code} if holds else self._codes - {code}

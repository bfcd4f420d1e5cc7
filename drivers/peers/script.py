"""What is in store for a simulated module, and what it has heard so far; any thread may ask."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import Final

from drivers.peers.line_faults import Fault

HEARD_MAX: Final = 10_000
"""A soak run polls for days."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One command as the module received it, `time.monotonic` when it was whole."""

    at_s: float
    opcode: int
    parameters: bytes


class Script:
    """Faults and forced answers that wait for their moment, and the log of commands."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: list[tuple[Fault, int]] = []
        self._forced: dict[int, list[int | None]] = {}
        self._heard: deque[Heard] = deque(maxlen=HEARD_MAX)

    def harm(self, *faults: Fault) -> None:
        """Damage the next uploads."""
        with self._lock:
            self._faults += ((fault, 0) for fault in faults)

    def force(self, opcode: int, *confirmations: int | None) -> None:
        """Answer the next commands of this kind so; None is no answer at all."""
        with self._lock:
            self._forced.setdefault(opcode, []).extend(confirmations)

    def forget(self) -> None:
        """Take back all that still waits."""
        with self._lock:
            self._faults.clear()
            self._forced.clear()

    def due_faults(self) -> list[Fault]:
        """Return the faults of the upload that begins now."""
        with self._lock:
            seen = [(fault, nth + 1) for fault, nth in self._faults]
            self._faults = [one for one in seen if one[1] < one[0].spares + one[0].uploads]
        return [fault for fault, nth in seen if nth > fault.spares]

    def hear(self, opcode: int, parameters: bytes) -> tuple[bool, int | None]:
        """Note a command that is whole; return whether its answer is forced, and to what."""
        with self._lock:
            self._heard.append(Heard(time.monotonic(), opcode, parameters))
            forced = self._forced.get(opcode)
            return (True, forced.pop(0)) if forced else (False, None)

    @property
    def heard(self) -> list[Heard]:
        """The last commands, oldest first."""
        with self._lock:
            return list(self._heard)

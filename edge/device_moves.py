"""The six states of a device, and the last moves between them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final

from edge.utc import now_ms

KEPT: Final = 200
KEPT_DAYS: Final = 7


class DeviceState(Enum):
    """The six states of a device, as health, metrics and the console show them."""

    ABSENT = "absent"
    OPENING = "opening"
    READY = "ready"
    BUSY = "busy"
    DEGRADED = "degraded"
    FAILED = "failed"


WORKING: Final = frozenset({DeviceState.READY, DeviceState.BUSY})


@dataclass(frozen=True, slots=True)
class Transition:
    """One move of a device from state to state. `at` is in UTC milliseconds.

    A try that ends where it began is no move, nor is work: `busy` is told as `ready`.
    """

    at: int
    state: DeviceState
    reason: str


class Moves:
    """The last moves of one device. Its owner of the lock calls; nothing here locks."""

    def __init__(self) -> None:
        self._moves: deque[Transition] = deque(maxlen=KEPT)
        self._trying: Transition | None = None

    def note(self, state: DeviceState, reason: str) -> int:
        """Keep the move if it is one; return since when the device is so, in UTC milliseconds."""
        at_ms = now_ms()
        if state is DeviceState.OPENING:
            self._trying = self._trying or Transition(at_ms, state, "opening")
            return self._trying.at
        told = DeviceState.READY if state is DeviceState.BUSY else state
        trying, self._trying = self._trying, None
        last = self._moves[-1] if self._moves else None
        if last is None or (last.state, last.reason) != (told, reason):
            self._moves.extend((*((trying,) if trying else ()), Transition(at_ms, told, reason)))
            return at_ms
        return at_ms if state is DeviceState.BUSY else last.at

    def kept(self) -> tuple[Transition, ...]:
        """Return the moves of the last seven days, oldest first, and a try that still lasts."""
        since_ms = now_ms() - KEPT_DAYS * 24 * 3600 * 1000
        moves = (*self._moves, *((self._trying,) if self._trying else ()))
        return tuple(move for move in moves if move.at >= since_ms)

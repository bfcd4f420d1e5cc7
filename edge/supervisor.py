"""One honest state per device: what it is, why, since when, and when it is tried again.

The owners of devices (`camera_owner`, `reader_owner`) report here; health, metrics and the screen
read. Nothing here touches a device. docs/supervision.md shows the moves.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

import structlog
from pydantic import ValidationError

from drivers.errors import (
    DeviceAbsent,
    DeviceError,
    DeviceHeld,
    DeviceTimeout,
    PasswordLocked,
    PermissionRefused,
    PortHeld,
    ProtocolViolation,
    SettingsRefused,
    SpeedRefused,
    TechnicianNeeded,
    WrongModel,
)
from drivers.fingerprint import ReaderFacts
from edge.device_moves import WORKING, DeviceState, Moves, Transition
from edge.utc import now_ms

__all__ = [
    "PAUSES_S", "DeviceState", "DeviceStatus", "DeviceWarning", "PictureFault", "Transition",
    "Upkeep", "reason_of",
]  # fmt: skip

OPENING_TRIES: Final = 3
"""So often a node that is there may fail to open before it is called degraded."""
BLIND_PAUSE_S: Final = 3.0
"""Longest pause where a plug cannot be seen: a device that came back is met within 5 s."""
SHORTEST_SHARE: Final = 0.8
"""Jitter takes up to a fifth off a pause: stations that lost one hub do not try in step."""

REASONS: Final[dict[type[Exception], str]] = {
    DeviceAbsent: "not_connected",
    PortHeld: "port_held",
    DeviceHeld: "device_held",
    DeviceTimeout: "no_answer",
    ProtocolViolation: "bad_answers",
    SpeedRefused: "speed_refused",
    WrongModel: "wrong_model",
    PermissionRefused: "no_permission",
    SettingsRefused: "settings_refused",
    PasswordLocked: "password_locked",
    TechnicianNeeded: "device_fault",
    DeviceError: "device_fault",
    ValidationError: "configuration",
}

log = structlog.get_logger("supervisor")


PAUSES_S: Final[Mapping[DeviceState, tuple[float, float]]] = {
    DeviceState.ABSENT: (0.25, 2.0),
    DeviceState.OPENING: (0.25, 1.0),
    DeviceState.DEGRADED: (2.0, 20.0),
}
"""First and longest pause before the next try, doubled from try to try; `failed` has none."""


class DeviceWarning(Enum):
    """What a technician should know of a device that works."""

    NOT_FOR_ENROLMENT = "not_for_enrolment"
    FINGER_AT_OPENING = "finger_at_opening"
    DARK_ROOM = "dark_room"


_OF_THE_MODEL: Final = frozenset({DeviceWarning.NOT_FOR_ENROLMENT})
"""What stays true of a device that was unplugged."""


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """What is known of one device now. Times are UTC milliseconds; None: no try is planned.

    Attributes:
        facts: of a fingerprint reader while it is open; None while it is not.
        warnings: what to know of it though it works; of the line only while it is open.
        detail: for technicians: the failure's own sentence, or the model's warning; it may name a
            port, a process or a unit, and never leaves this machine by itself.
    """

    device_id: str
    kind: str
    driver: str
    model: str = ""
    state: DeviceState = DeviceState.ABSENT
    reason: str = "not_opened"
    since_at_ms: int = 0
    next_try_at_ms: int | None = None
    attempts: int = 0
    facts: ReaderFacts | None = None
    warnings: tuple[DeviceWarning, ...] = ()
    detail: str = ""

    @property
    def working(self) -> bool:
        """The device can serve a person now."""
        return self.state in WORKING


class PictureFault(DeviceError):
    """What a device delivers must not be used, for a reason that is its own code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Upkeep:
    """The status of one device, written by its owner's thread and read by everybody."""

    def __init__(
        self,
        device_id: str,
        kind: str,
        driver: str,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Prepare; `chance` draws a pause's jitter from 0.0 to 1.0."""
        self._lock = threading.Lock()
        self._status = DeviceStatus(device_id, kind, driver, since_at_ms=now_ms())
        self._out_since_s = time.monotonic()
        self._told_reason = ""
        self._chance = chance
        self._pausing_in: DeviceState | None = None
        self._falls = 0
        self._refused = 0
        self._worked = False
        self._moves = Moves()

    @property
    def status(self) -> DeviceStatus:
        """The present status."""
        with self._lock:
            return self._status

    @property
    def out_for_s(self) -> float:
        """Seconds since the device last worked; 0.0 while it works."""
        with self._lock:
            if self._status.working:
                return 0.0
            return time.monotonic() - self._out_since_s

    def transitions(self) -> tuple[Transition, ...]:
        """Return the last moves of seven days, oldest first: at most 200."""
        with self._lock:
            return self._moves.kept()

    def opening(self) -> None:
        """A try to open begins."""
        self._become(DeviceState.OPENING, "opening", next_try_at_ms=None)

    def ready(self, model: str | None = None) -> None:
        """The device is open and idle."""
        model = self.status.model if model is None else model
        self._pausing_in, self._falls, self._refused, self._worked = None, 0, 0, True
        self._become(DeviceState.READY, "", model=model, attempts=0, next_try_at_ms=None)
        if self._told_reason:
            self._told_reason = ""
            log.info("device_back", device=self.status.device_id)

    def describe(
        self, facts: ReaderFacts | None, warnings: tuple[DeviceWarning, ...], detail: str
    ) -> bool:
        """Say what the open device is; return whether that is news."""
        with self._lock:
            before = self._status
            self._status = replace(before, facts=facts, warnings=warnings, detail=detail)
            return self._status != before

    def busy(self) -> None:
        """The device works for somebody."""
        self._become(DeviceState.BUSY, "")

    def degraded(self, reason: str, *, blind: bool = False) -> float:
        """The device answers, but what it delivers must not be used.

        Returns the seconds after which it is opened anew if it does not get well by itself.
        """
        before = self.status
        pause_s = self._next_pause_s(DeviceState.DEGRADED, blind=blind)
        self._worked = False
        self._become(
            DeviceState.DEGRADED,
            reason,
            attempts=before.attempts + 1,
            next_try_at_ms=now_ms() + int(pause_s * 1000),
        )
        self._tell_lost(PictureFault(reason))
        return pause_s

    def lost(self, error: Exception, *, blind: bool = False) -> float | None:
        """Record why the device went away; return the pause in seconds before the next try.

        None if only a technician can mend it. The log is told once for each reason, not once for
        each try.

        Args:
            error: what its driver raised.
            blind: a plug that is put in would not be seen before the next try.
        """
        attempts = self.status.attempts + 1
        state = self._state_after(error)
        failed = state is DeviceState.FAILED
        pause_s = None if failed else self._next_pause_s(state, blind=blind)
        self._become(
            state,
            reason_of(error),
            attempts=attempts,
            next_try_at_ms=None if pause_s is None else now_ms() + int(pause_s * 1000),
            facts=None,
            warnings=tuple(w for w in self.status.warnings if w in _OF_THE_MODEL),
            detail=str(error) if isinstance(error, DeviceError) else "",
        )
        self._worked = False
        self._tell_lost(error)
        return pause_s

    def _state_after(self, error: Exception) -> DeviceState:
        if isinstance(error, DeviceAbsent) and not isinstance(error, PortHeld):
            return DeviceState.ABSENT
        if isinstance(error, PermissionRefused):
            # udev gives a new node to its group a moment after it appears.
            self._refused += 1
            return DeviceState.FAILED if self._refused >= OPENING_TRIES else DeviceState.OPENING
        if isinstance(error, TechnicianNeeded | ValidationError):
            return DeviceState.FAILED
        opening = self._pausing_in is DeviceState.OPENING
        tried = opening and self._falls + 1 >= OPENING_TRIES
        degraded = self._pausing_in is DeviceState.DEGRADED
        return DeviceState.DEGRADED if self._worked or degraded or tried else DeviceState.OPENING

    def _next_pause_s(self, state: DeviceState, *, blind: bool) -> float:
        if state is not self._pausing_in:
            self._pausing_in, self._falls = state, 0
        first_s, longest_s = PAUSES_S[state]
        pause_s = min(longest_s, first_s * 2.0 ** min(self._falls, 10))
        self._falls += 1
        share = SHORTEST_SHARE + (1 - SHORTEST_SHARE) * self._chance()
        return share * (min(pause_s, BLIND_PAUSE_S) if blind else pause_s)

    def _become(self, state: DeviceState, reason: str, **changes: Any) -> None:
        with self._lock:
            before = self._status
            if before.working and state not in WORKING:
                self._out_since_s = time.monotonic()
            since_at_ms = self._moves.note(state, reason)
            self._status = replace(
                before, state=state, reason=reason, since_at_ms=since_at_ms, **changes
            )

    def _tell_lost(self, error: Exception) -> None:
        if self.status.reason != self._told_reason:
            self._told_reason = self.status.reason
            _report_lost(self.status, error)


def _report_lost(status: DeviceStatus, error: Exception) -> None:
    """Log that a device was lost: which, why, and for a bug of ours the place."""
    known = isinstance(error, (DeviceError, ValidationError))
    log.warning(
        "device_lost" if known else "driver_fault",
        device=status.device_id,
        state=status.state.value,
        reason=status.reason,
        attempts=status.attempts,
        exc_info=None if known else error,
    )


def reason_of(error: Exception) -> str:
    """Return the code of a device's failure: of the nearest class in the error's own ancestry."""
    if isinstance(error, PictureFault):
        return error.reason
    return next((REASONS[cls] for cls in type(error).__mro__ if cls in REASONS), "driver_fault")

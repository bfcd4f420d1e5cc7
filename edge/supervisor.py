"""One honest state per device: what it is, why, since when, and when it is tried again.

The owners of devices (`camera_owner`, `reader_owner`) report here; health, metrics and the screen
read. Nothing here touches a device.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

import structlog

from drivers.errors import (
    DeviceAbsent,
    DeviceError,
    DeviceTimeout,
    PortHeld,
    ProtocolViolation,
    SpeedRefused,
)
from drivers.fingerprint import ReaderFacts
from edge.utc import now_ms

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 2.0
"""A replugged device must be back within 5 s, so no pause may come near that."""

REASONS: Final[dict[type[Exception], str]] = {
    DeviceAbsent: "not_connected",
    PortHeld: "port_held",
    DeviceTimeout: "no_answer",
    ProtocolViolation: "bad_answers",
    SpeedRefused: "speed_refused",
    DeviceError: "device_fault",
    ValueError: "configuration",
}

log = structlog.get_logger("supervisor")


class DeviceState(Enum):
    """The six states of a device, as health, metrics and the console show them."""

    ABSENT = "absent"
    OPENING = "opening"
    READY = "ready"
    BUSY = "busy"
    DEGRADED = "degraded"
    FAILED = "failed"


WORKING: Final = frozenset({DeviceState.READY, DeviceState.BUSY})


class DeviceWarning(Enum):
    """What a technician should know of a device that works."""

    NOT_FOR_ENROLMENT = "not_for_enrolment"
    FINGER_AT_OPENING = "finger_at_opening"


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


class Upkeep:
    """The status of one device, written by its owner's thread and read by everybody."""

    def __init__(self, device_id: str, kind: str, driver: str) -> None:
        self._lock = threading.Lock()
        self._status = DeviceStatus(device_id, kind, driver, since_at_ms=now_ms())
        self._out_since_s = time.monotonic()
        self._told_reason = ""

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

    def opening(self) -> None:
        """A try to open begins."""
        self._become(DeviceState.OPENING, "opening", next_try_at_ms=None)

    def ready(self, model: str | None = None) -> None:
        """The device is open and idle."""
        model = self.status.model if model is None else model
        self._become(DeviceState.READY, "", model=model, attempts=0, next_try_at_ms=None)
        if self._told_reason:
            self._told_reason = ""
            log.info("device_back", device=self.status.device_id)

    def describe(
        self, facts: ReaderFacts, warnings: tuple[DeviceWarning, ...], detail: str
    ) -> bool:
        """Say what the open reader is; return whether that is news."""
        with self._lock:
            before = self._status
            self._status = replace(before, facts=facts, warnings=warnings, detail=detail)
            return self._status != before

    def busy(self) -> None:
        """The device works for somebody."""
        self._become(DeviceState.BUSY, "")

    def degraded(self, reason: str) -> None:
        """The device answers, but what it delivers must not be used."""
        self._become(DeviceState.DEGRADED, reason)

    def lost(self, error: Exception) -> float:
        """Record why the device went away; return the pause in seconds before the next try.

        The log is told once for each reason, not once for each try.
        """
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self.status.attempts, 10))
        gone = isinstance(error, DeviceAbsent)
        self._become(
            DeviceState.ABSENT if gone else DeviceState.FAILED,
            reason_of(error),
            attempts=self.status.attempts + 1,
            next_try_at_ms=now_ms() + int(pause_s * 1000),
            facts=None,
            warnings=tuple(w for w in self.status.warnings if w in _OF_THE_MODEL),
            detail=str(error) if isinstance(error, DeviceError) else "",
        )
        if self.status.reason != self._told_reason:
            self._told_reason = self.status.reason
            _report_lost(self.status, error)
        return pause_s

    def _become(self, state: DeviceState, reason: str, **changes: Any) -> None:
        with self._lock:
            before = self._status
            if before.working and state not in WORKING:
                self._out_since_s = time.monotonic()
            moved = (state, reason) != (before.state, before.reason)
            since_at_ms = now_ms() if moved else before.since_at_ms
            self._status = replace(
                before, state=state, reason=reason, since_at_ms=since_at_ms, **changes
            )


def _report_lost(status: DeviceStatus, error: Exception) -> None:
    """Log that a device was lost: which, why, and for a bug of ours the place."""
    known = isinstance(error, (DeviceError, ValueError))
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
    return next((REASONS[cls] for cls in type(error).__mro__ if cls in REASONS), "driver_fault")

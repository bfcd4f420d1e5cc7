"""What befalls a station as a whole, noted as events: devices, readiness, keys.

A thread of its own looks once a second and writes what changed. What cannot be written now, because
the disk is full, waits in memory and is written later.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import apsw
import structlog

from edge.events import EventType, note_event
from edge.store import Store
from edge.store.disk_floor import Reserve
from edge.store.errors import StoreError
from edge.supervisor import DeviceState, DeviceStatus
from edge.utc import now_ms

LOOK_S: Final = 1.0
SETTLED_S: Final = 5.0
"""[ours] A loose plug changes its device's state twice a second; so often it is told at most."""
KEYS_EVERY_S: Final = 24 * 3600.0
WAITING_MAX: Final = 200

log = structlog.get_logger("station")


@dataclass(frozen=True, slots=True)
class _Note:
    type: EventType
    subject: str | None
    facts: dict[str, int | str | None]
    at_ms: int


class Worth(Protocol):
    """What a calibration is worth: `edge.calibration.validity.Validity`."""

    @property
    def state(self) -> str: ...
    @property
    def days_left(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Watched:
    """What is looked at.

    Attributes:
        devices: the present status of every device.
        reasons: why no sitting may begin now, as codes; empty if one may.
        key_days_left: days until the last sealing key expires, if that is soon; else None.
        calibrations: what each device's calibration is worth now.
    """

    devices: Callable[[], Sequence[DeviceStatus]]
    reasons: Callable[[], Sequence[str]]
    key_days_left: Callable[[], float | None]
    calibrations: Callable[[], Mapping[str, Worth]] = dict


class StationWatch:
    """Looks at the station and notes what changed."""

    def __init__(self, store: Store, clock_s: Callable[[], float] = time.monotonic) -> None:
        """Prepare; nothing is looked at before `start`."""
        self._store = store
        self._clock_s = clock_s
        self._waiting: deque[_Note] = deque(maxlen=WAITING_MAX)
        self._told: dict[str, tuple[object, float]] = {}
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, watched: Watched) -> None:
        """Begin to look."""
        self._thread = threading.Thread(
            target=self._watch, args=(watched,), name="station-watch"
        )  # fmt: skip
        self._thread.start()

    def close(self) -> None:
        """Write what waits and end the thread. Closing twice is allowed."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
        self._write()

    def look(self, watched: Watched) -> None:
        """Look once, and write what changed and what still waits."""
        for device in watched.devices():
            self._look_at(device)
        reasons = tuple(watched.reasons())
        if self._is_news("station", reasons):
            facts: dict[str, int | str | None] = {"reasons": ",".join(reasons)} if reasons else {}
            self._note("station.not_ready" if reasons else "station.ready", None, facts)
        self._look_at_keys(watched.key_days_left())
        for device_id, worth in watched.calibrations().items():
            self._look_at_calibration(device_id, worth)
        self._write()

    def _watch(self, watched: Watched) -> None:
        while not self._closing.is_set():
            self.look(watched)
            self._closing.wait(LOOK_S)

    def _look_at(self, device: DeviceStatus) -> None:
        # Between two tries it is opened for a moment, and in each capture it is busy: no news.
        if device.state is DeviceState.OPENING:
            return
        state = DeviceState.READY if device.working else device.state
        if self._is_news(device.device_id, (state, device.reason)):
            facts: dict[str, int | str | None] = {"state": state.value, "reason": device.reason}
            self._note("device.state", device.device_id, facts)

    def _look_at_calibration(self, device_id: str, worth: Worth) -> None:
        of = f"calibration/{device_id}"
        # A device that never had one is no news at every start.
        if of not in self._told and worth.state == "none":
            return
        if self._is_news(of, worth.state):
            days = None if worth.days_left is None else int(worth.days_left)
            self._note("calibration.state", device_id, {"state": worth.state, "days_left": days})

    def _look_at_keys(self, days_left: float | None) -> None:
        now_s = self._clock_s()
        _, told_at_s = self._told.get("key", (None, float("-inf")))
        if days_left is not None and now_s - told_at_s >= KEYS_EVERY_S:
            self._told["key"] = (None, now_s)
            self._note("key.expiring", None, {"days_left": int(days_left)})

    def _is_news(self, of: str, state: object) -> bool:
        now_s = self._clock_s()
        told, told_at_s = self._told.get(of, (None, float("-inf")))
        if state == told or now_s - told_at_s < SETTLED_S:
            return False
        self._told[of] = (state, now_s)
        return True

    def _note(
        self, type_: EventType, subject: str | None, facts: dict[str, int | str | None]
    ) -> None:
        self._waiting.append(_Note(type_, subject, facts, now_ms()))

    def _write(self) -> None:
        notes = tuple(self._waiting)
        if not notes:
            return

        def write(db: apsw.Connection) -> None:
            for note in notes:
                note_event(db, note.type, note.subject, note.facts, note.at_ms)

        try:
            self._store.write(write, Reserve.SITTING)
        except StoreError:
            log.warning("events_wait", count=len(notes))
            return
        for _ in notes:
            self._waiting.popleft()

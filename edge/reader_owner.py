"""The one thread that touches the fingerprint reader: opens it, takes presses, reopens it.

At most one press is asked for at a time; between presses a cheap command proves the reader alive.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from drivers.errors import DeviceAbsent, DeviceError
from drivers.fingerprint import FingerImage, FingerprintReader, Progress, Retry
from edge.supervisor import DeviceState, DeviceStatus, Upkeep, report_lost

CHECK_EVERY_S: Final = 2.0
CLOSE_A_SCAN_S: Final = 1.0

Outcome = FingerImage | Retry | None


@dataclass(frozen=True, slots=True)
class _Press:
    timeout_s: float
    progress: Progress
    outcome: Future[Outcome] = field(default_factory=Future)
    cancelled: threading.Event = field(default_factory=threading.Event)


class ReaderOwner:
    """Owns one fingerprint reader. All methods may be called from any thread."""

    def __init__(self, upkeep: Upkeep, open_reader: Callable[[], FingerprintReader]) -> None:
        self._upkeep = upkeep
        self._open_reader = open_reader
        self._news = threading.Condition()
        self._stop = False
        self._press: _Press | None = None
        self._reader: FingerprintReader | None = None
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)

    def start(self) -> None:
        """Begin to open the reader."""
        self._thread.start()

    def close(self) -> None:
        """Cancel what runs, close the reader and end the thread. Closing twice is allowed."""
        with self._news:
            self._stop = True
            self._news.notify_all()
        self.cancel()
        if self._thread.ident is not None:
            # A scan of a silent port for its speed cannot be interrupted; it ends with the process.
            scanning = self._upkeep.status.state is DeviceState.OPENING
            self._thread.join(CLOSE_A_SCAN_S if scanning else None)

    @property
    def status(self) -> DeviceStatus:
        """The reader's state as everybody is told."""
        return self._upkeep.status

    @property
    def out_for_s(self) -> float:
        """Seconds since the reader last worked; 0.0 while it works."""
        return self._upkeep.out_for_s

    def capture(self, timeout_s: float, progress: Progress) -> Future[Outcome]:
        """Ask for one press; the future carries what `FingerprintReader.capture` returns or raises.

        Raises:
            DeviceAbsent: the reader is not open now.
            DeviceError: another press is being taken.
        """
        with self._news:
            if self._reader is None:
                raise DeviceAbsent("the reader is not open")
            if self._press is not None:
                if self._press.cancelled.is_set():
                    # The first cancel may have come just before the driver began to listen to it.
                    self._reader.cancel()
                raise DeviceError("a press is being taken already")
            self._press = _Press(timeout_s, progress)
            self._news.notify_all()
            return self._press.outcome

    def cancel(self) -> None:
        """Make a running press return None soon. Harmless if none runs."""
        with self._news:
            reader, press = self._reader, self._press
        if reader is not None and press is not None:
            press.cancelled.set()
            reader.cancel()

    def _run(self) -> None:
        while not self._stop:
            self._upkeep.opening()
            try:
                with closing(self._open_reader()) as reader:
                    self._serve(reader)
            except Exception as error:  # a driver's bug must not end its owner
                self._give_up(error)
                pause_s = self._upkeep.lost(error)
                report_lost(self._upkeep.status, error)
                self._pause(pause_s)

    def _serve(self, reader: FingerprintReader) -> None:
        with self._news:
            self._reader = reader
        self._upkeep.ready(reader.model)
        while not self._stop:
            with self._news:
                self._news.wait_for(lambda: self._stop or self._press is not None, CHECK_EVERY_S)
                press = self._press
            if self._stop:
                self._give_up(DeviceAbsent("the station is closing"))
            elif press is None:
                reader.check()
            else:
                self._take(reader, press)

    def _take(self, reader: FingerprintReader, press: _Press) -> None:
        self._upkeep.busy()
        outcome = None
        if not press.cancelled.is_set():
            outcome = reader.capture(press.timeout_s, press.progress)
        with self._news:
            self._press = None
        self._upkeep.ready()
        press.outcome.set_result(outcome)

    def _give_up(self, error: Exception) -> None:
        with self._news:
            self._reader = None
            press, self._press = self._press, None
        if press is not None:
            failure = error if isinstance(error, DeviceError) else DeviceError("driver fault")
            press.outcome.set_exception(failure)

    def _pause(self, seconds: float) -> None:
        with self._news:
            self._news.wait_for(lambda: self._stop, seconds)

"""The one thread that touches the fingerprint reader: opens it, takes presses, reopens it.

At most one press is asked for at a time; between presses a cheap command proves the reader alive,
and a look at its plug, which costs nothing, that it is still there.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import structlog

from drivers.errors import DeviceAbsent, DeviceError
from drivers.fingerprint import FingerImage, FingerprintReader, Progress, Retry
from edge.plug_stamp import PlugStamp
from edge.reopening import LOOK_S, Reopening
from edge.supervisor import DeviceState, DeviceStatus, DeviceWarning, Transition, Upkeep

CHECK_EVERY_S: Final = 2.0
CLOSE_A_SCAN_S: Final = 1.0

Outcome = FingerImage | Retry | None

log = structlog.get_logger("reader")


@dataclass(frozen=True, slots=True)
class _Press:
    timeout_s: float
    progress: Progress
    outcome: Future[Outcome] = field(default_factory=Future)
    cancelled: threading.Event = field(default_factory=threading.Event)


class ReaderOwner:
    """Owns one fingerprint reader. All methods may be called from any thread.

    Args:
        upkeep: is told its state.
        open_reader: opens it; called by the owner's thread alone.
        plugged: tells a pulled plug from none; None where there is no node to look at.
    """

    def __init__(
        self,
        upkeep: Upkeep,
        open_reader: Callable[[], FingerprintReader],
        plugged: PlugStamp | None = None,
    ) -> None:
        self._upkeep = upkeep
        self._open_reader = open_reader
        self._reopening = Reopening(plugged)
        self._news = threading.Condition()
        self._press: _Press | None = None
        self._reader: FingerprintReader | None = None
        self._last_words: tuple[str, ...] = ()
        self._enrolment_grade: bool | None = None
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)

    def start(self) -> None:
        """Begin to open the reader."""
        self._thread.start()

    def close(self) -> None:
        """Cancel what runs, close the reader and end the thread. Closing twice is allowed."""
        self._reopening.close()
        with self._news:
            self._news.notify_all()
        self.cancel()
        if self._thread.ident is not None:
            # A scan of a silent port for its speed cannot be interrupted; it ends with the process.
            scanning = self._upkeep.status.state is DeviceState.OPENING
            self._thread.join(CLOSE_A_SCAN_S if scanning else None)

    @property
    def alive(self) -> bool:
        """Whether the owner's thread runs."""
        return self._thread.is_alive()

    @property
    def status(self) -> DeviceStatus:
        """The reader's state as everybody is told."""
        return self._upkeep.status

    @property
    def out_for_s(self) -> float:
        """Seconds since the reader last worked; 0.0 while it works."""
        return self._upkeep.out_for_s

    def transitions(self) -> tuple[Transition, ...]:
        """Return the last moves of seven days, oldest first: at most 200."""
        return self._upkeep.transitions()

    def clear(self) -> None:
        """Try again now: a technician says that it is mended. The only way out of `failed`."""
        self._reopening.try_now()

    @property
    def enrolment_grade(self) -> bool | None:
        """Whether its images may be enrolled, as it last said; None until it was first opened."""
        return self._enrolment_grade

    def trace(self) -> tuple[str, ...]:
        """Return the last words on the reader's line, of the lost one's while none is open.

        Text, and never a byte of an image (`FingerprintReader.trace`).
        """
        with self._news:
            reader = self._reader
        return self._last_words if reader is None else reader.trace()

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
        while not self._reopening.closing:
            self._upkeep.opening()
            self._reopening.note_plug()
            try:
                with closing(self._open_reader()) as reader:
                    self._serve(reader)
            except Exception as error:  # a driver's bug must not end its owner
                # What a driver said while it opened, it hands over with the failure.
                self._last_words = tuple(getattr(error, "__notes__", ())) or self._last_words
                self._give_up(error)
                pause_s = self._upkeep.lost(error, blind=self._reopening.blind)
                self._reopening.wait(pause_s)

    def _serve(self, reader: FingerprintReader) -> None:
        with self._news:
            self._reader = reader
            self._enrolment_grade = reader.enrolment_grade
        self._describe(reader)
        self._upkeep.ready(reader.model)
        try:
            self._obey(reader)
        finally:
            self._last_words = reader.trace()

    def _obey(self, reader: FingerprintReader) -> None:
        checked_at_s = time.monotonic()
        while not self._reopening.closing:
            with self._news:
                self._news.wait_for(
                    lambda: self._reopening.closing or self._press is not None, LOOK_S
                )
                press = self._press
            due = time.monotonic() - checked_at_s >= CHECK_EVERY_S
            if self._reopening.closing:
                self._give_up(DeviceAbsent("the station is closing"))
            elif press is not None:
                self._take(reader, press)
                checked_at_s = time.monotonic()
            elif due or self._reopening.replugged():
                # A plug that was pulled and put in: the line that is open leads nowhere.
                self._reopening.note_plug()
                reader.check()
                checked_at_s = time.monotonic()

    def _describe(self, reader: FingerprintReader) -> None:
        facts = reader.facts
        warnings = [
            *([] if reader.enrolment_grade else [DeviceWarning.NOT_FOR_ENROLMENT]),
            *([DeviceWarning.FINGER_AT_OPENING] if facts.finger_at_opening else []),
        ]
        if self._upkeep.describe(facts, tuple(warnings), reader.warning):
            log_reader(self._upkeep.status, reader.model)

    def _take(self, reader: FingerprintReader, press: _Press) -> None:
        self._upkeep.busy()
        outcome = None
        if not press.cancelled.is_set():
            outcome = reader.capture(press.timeout_s, press.progress)
        with self._news:
            self._press = None
        # A line that damages images is slowed down by its driver.
        self._describe(reader)
        self._upkeep.ready()
        press.outcome.set_result(outcome)

    def _give_up(self, error: Exception) -> None:
        with self._news:
            self._reader = None
            press, self._press = self._press, None
        if press is not None:
            failure = error if isinstance(error, DeviceError) else DeviceError("driver fault")
            press.outcome.set_exception(failure)


def log_reader(status: DeviceStatus, model: str) -> None:
    """Log what an open reader is; called when that is news."""
    facts = status.facts
    if facts is None:
        return
    log.info(
        "reader_open",
        device=status.device_id,
        model=_one_word(model),
        product=_one_word(facts.product),
        port=facts.port,
        baud=facts.baud,
        packet_bytes=facts.packet_bytes,
        width_px=facts.width_px,
        height_px=facts.height_px,
    )
    for warning in status.warnings:
        log.warning("reader_warning", device=status.device_id, code=warning.value)


def _one_word(words: str) -> str:
    # The log takes no spaces and no letters beyond ASCII: they might be a person's.
    return re.sub(r"[^A-Za-z0-9.:/+-]+", "_", words)[:64]

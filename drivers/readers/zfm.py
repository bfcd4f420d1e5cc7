"""Serial fingerprint modules of the EF01 family: AS60x, ZFM, R30x, R5xx, FPM10A and relatives.

The module's image is all we take. Its matching, library, password and address commands are never
sent: they write its flash, and a password set by accident looks like a dead module.
Models differ in numbers only: `firmware_configs/readers/*.toml`.

Out of scope: deciding whether a print is good (`quality.finger`), asking again (`edge`).
"""

from __future__ import annotations

import logging
import time
from enum import Enum, auto
from threading import Event
from typing import Final

from drivers.errors import DeviceError, ProtocolViolation
from drivers.fingerprint import FingerImage, Progress, ReaderFacts, Retry, not_for_enrolment
from drivers.zfm_lamp import Lamp
from drivers.zfm_line import demand_health
from drivers.zfm_model import Config
from drivers.zfm_opening import Opened, opened
from drivers.zfm_packets import Confirmation, Opcode, unpack_4bit
from drivers.zfm_size import LARGEST_BYTES, ImageSize, size_of_count
from drivers.zfm_stream import BufferEmpty
from drivers.zfm_upload import Uploads

__all__ = ["Config", "ZfmReader", "open_reader"]

log = logging.getLogger(__name__)


class _Seen(Enum):
    """What the sensor saw at one look."""

    NOTHING = auto()
    LIFTED = auto()
    """A finger that was gone before its image could be looked at."""
    UNSTEADY = auto()
    """An image that failed: once, that may be a finger which is still landing."""
    POOR = auto()
    """An image in which the module finds no print."""
    TAKEN = auto()


class ZfmReader:
    """One open module. One thread uses it; `cancel` and `trace` may come from another.

    Attributes:
        model, resolution_ppi: from the model's file.
        warning, enrolment_grade: by the model's file and by its window, once that is known.
        parameters: what the module says of itself; None if it cannot say.
        finger_at_opening: it reported a finger before anyone was asked for one.
        finger_always: so far it has never reported an empty glass: the glass is not clean, or the
            module always sees a finger (AS608: Adafruit_CircuitPython_Fingerprint issue 52; R503:
            esphome/issues 6350).
    """

    def __init__(self, module: Opened, config: Config) -> None:
        self.model = config.model
        self.resolution_ppi = config.resolution_ppi
        self.parameters = module.parameters
        self.finger_at_opening = self.finger_always = module.finger
        self._product = module.product
        self._config = config
        self._line = module.line
        self._speed = module.speed
        self._lamp = Lamp(module.line, config.led)
        self._cancelled = Event()
        self._looks_with = Opcode.GET_IMAGE
        if config.image_command == "GetImageEx":
            self._looks_with = Opcode.GET_IMAGE_EX
        self._gates = True
        self._refused_before = False
        self._size: ImageSize | None = None
        self.warning = config.warning or "Not for enrolment: the size of its images is not known."
        self.enrolment_grade = False
        if module.size:
            self._learn(module.size)

    @property
    def baud(self) -> int:
        """The speed of the line."""
        return self._line.port.baud

    @property
    def facts(self) -> ReaderFacts:
        """What is known of the line and the module since it was opened."""
        said, size = self.parameters, self._size
        return ReaderFacts(
            port=self._line.port.path,
            baud=self._line.port.baud,
            packet_bytes=said.packet_bytes if said else self._config.packet_bytes,
            width_px=size.width_px if size else 0,
            height_px=size.height_px if size else 0,
            product=str(self._product or ""),
            finger_at_opening=self.finger_at_opening,
        )

    def capture(self, timeout_s: float, progress: Progress) -> FingerImage | Retry | None:
        """Wait for a finger, fetch its image and check it; None if cancelled.

        Raises:
            DeviceAbsent: the port is gone. DeviceTimeout: the module fell silent.
            ProtocolViolation: no upload brought an image that can be trusted.
            DeviceError: the module reports a fault of its own, or of its configuration, or its
                images have another size than they should.
        """
        self._cancelled.clear()
        deadline = time.monotonic() + timeout_s
        self._lamp.wait()
        outcome = self._captured(deadline, progress)
        # What was cancelled may still be under way: nothing is sent until somebody comes again.
        if outcome is not None:
            self._lamp.rest()
        return outcome

    def cancel(self) -> None:
        """Make a running `capture` return at its next wake. Harmless if none runs."""
        self._cancelled.set()

    def trace(self) -> tuple[str, ...]:
        """Return the last commands, answers and packet heads, oldest first; no image bytes."""
        return self._line.trace.lines()

    def check(self) -> None:
        """Exchange the handshake, 28 bytes in all. Raises `DeviceError`."""
        self._line.greet()
        self._lamp.rest()

    def close(self) -> None:
        """Release the port. Closing twice is allowed."""
        self._cancelled.set()
        self._line.port.close()

    def _captured(self, deadline: float, progress: Progress) -> FingerImage | Retry | None:
        for last_time in (False, True):
            retry = self._taken(deadline)
            if retry is not None or self._cancelled.is_set():
                return retry
            # From here on the image lies in the module's buffer: the finger may go.
            total = self._size.content_bytes if self._size else LARGEST_BYTES
            progress(0, total)
            try:
                content = self._uploads(progress, total).trusted()
            except BufferEmpty as empty:
                if last_time:
                    raise ProtocolViolation(str(empty)) from empty
                log.warning("zfm_image_taken_again")
                continue
            return None if content is None else self._finger_image(content)
        raise AssertionError("the second time either returns or raises")

    def _taken(self, deadline: float) -> Retry | None:
        """Poll until an image lies in the buffer (None), it was cancelled (None), or time is up."""
        unsteady_before = False
        while not self._cancelled.is_set():
            seen = self._look()
            time_left = time.monotonic() < deadline
            if seen is _Seen.TAKEN:
                self._refused_before = False
                return None
            if seen is _Seen.LIFTED:
                return Retry.LIFTED_EARLY
            if seen is _Seen.POOR and not (self.finger_always and time_left):
                return self._refused()
            if seen is _Seen.UNSTEADY and unsteady_before:
                return Retry.SMEARED
            unsteady_before = seen is _Seen.UNSTEADY
            if not time_left:
                return Retry.NO_FINGER
            self._cancelled.wait(self._config.poll_s)
        return None

    def _refused(self) -> Retry | None:
        """Let the module refuse one image, cheaply; the next one is fetched whatever it says.

        A worn finger has too few points for any module, and yet the station must see it: to say
        why, and to keep the best there is.
        """
        self._refused_before = not self._refused_before
        return Retry.SMEARED if self._refused_before and not self.finger_always else None

    def _look(self) -> _Seen:
        """Take an image, and let the module judge it.

        Raises:
            DeviceError: the module reports a fault of its own.
        """
        # After a refusal the plain command looks: it takes even a poor image, as wanted then.
        opcode = Opcode.GET_IMAGE if self._refused_before else self._looks_with
        confirmation = self._line.confirm(opcode)
        demand_health(confirmation)
        if confirmation == Confirmation.NO_FINGER:
            self.finger_always = False
        if confirmation == Confirmation.OK:
            return self._gated()
        seen = _LOOKED.get(confirmation)
        if seen is not None:
            return seen
        if opcode is Opcode.GET_IMAGE:
            raise DeviceError(f"the module cannot take an image: {confirmation:02X}")
        log.warning("zfm_not_supported", extra={"code": opcode.name})
        self._looks_with = Opcode.GET_IMAGE
        return self._look()

    def _gated(self) -> _Seen:
        """Let the module look for a print in what it took: cheaper by seconds than an upload."""
        if not self._gates:
            return _Seen.TAKEN
        confirmation = self._line.confirm(Opcode.IMG_2_TZ, 1)
        demand_health(confirmation)
        seen = _GATED.get(confirmation)
        if seen is None:
            log.warning("zfm_not_supported", extra={"code": Opcode.IMG_2_TZ.name})
            self._gates = False
            return _Seen.TAKEN
        return seen

    def _uploads(self, progress: Progress, total: int) -> Uploads:
        expected_bytes = self._size.content_bytes if self._size else None
        return Uploads(
            self._line, expected_bytes, self._speed.step_down,
            lambda received: progress(received, total), self._cancelled,
        )  # fmt: skip

    def _learn(self, size: ImageSize) -> None:
        small = not_for_enrolment(size.width_px, size.height_px)
        self._size = size
        self.warning = self._config.warning or small
        self.enrolment_grade = self._config.enrolment_grade and not small

    def _finger_image(self, content: bytes) -> FingerImage:
        size = self._size or size_of_count(len(content), self._config.bits)
        if self._size is None:
            self._learn(size)
        pixels = unpack_4bit(content) if size.bits == 4 else content
        if not self._config.ridges_dark:
            pixels = pixels.translate(_INVERTED)
        return FingerImage(pixels, size.width_px, size.height_px, self.resolution_ppi)


_INVERTED: Final = bytes(255 - grey for grey in range(256))

_LOOKED: Final[dict[int, _Seen]] = {
    Confirmation.NO_FINGER: _Seen.NOTHING,
    Confirmation.IMAGE_FAILED: _Seen.UNSTEADY,
    Confirmation.IMAGE_MESSY: _Seen.POOR,
    Confirmation.FEW_POINTS: _Seen.POOR,
}
"""What GetImage means beside "ok"; the last two only GetImageEx says."""

_GATED: Final[dict[int, _Seen]] = {
    Confirmation.OK: _Seen.TAKEN,
    Confirmation.NO_FINGER: _Seen.LIFTED,
    Confirmation.IMAGE_FAILED: _Seen.POOR,
    Confirmation.IMAGE_MESSY: _Seen.POOR,
    Confirmation.FEW_POINTS: _Seen.POOR,
    Confirmation.NO_VALID_IMAGE: _Seen.POOR,
}


def open_reader(config: Config) -> ZfmReader:
    """Open the port, find the module on it and set the line up; raises as `opened`."""
    return ZfmReader(opened(config), config)

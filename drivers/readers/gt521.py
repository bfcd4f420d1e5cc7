"""Serial fingerprint modules of ADH-Tech: GT-511C1R, GT-511C3, GT-521F32, GT-521F52.

The module's image is all we take. Its library and matching commands are never sent: they write its
flash. Models differ in numbers only: `firmware_configs/readers/gt*.toml`.

Out of scope: deciding whether a print is good (`quality.finger`), asking again (`edge.capture`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from threading import Event
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.errors import DeviceError
from drivers.fingerprint import FingerImage, Progress, ReaderFacts, Retry, not_for_enrolment
from drivers.gt521_line import Gt521Line, Limits
from drivers.gt521_opening import change_speed, description_of, find_speed, told_size_px
from drivers.gt521_packets import SPEEDS_BAUD, Command, Description, Message, Refusal
from drivers.gt521_upload import trusted_image
from drivers.line_trace import hand_over
from drivers.serial_port import PortAddress, open_port

log = logging.getLogger(__name__)

LIT_AGAIN_S: Final = 2.0
"""A module that lost its power for a moment has lost its light too, and sees no finger without."""

BEST_IMAGE: Final = 1
"""Parameter of Capture: the better image, which takes longer."""

LISTED_SIZES_PX: Final = ((202, 258), (160, 120), (256, 256), (240, 216), (320, 240))
"""Images that were met, as width and height; no two have the same number of pixels.

Source: 202 x 258 (GetImage) PyGT521F32, SparkFun's library and ADH-Tech's demonstration program
oem.cpp; the others stand in brianrho/GT5X, in a comment of SparkFun's and in pyGT511C3 issue 21,
where it is not settled which command they belong to.
"""

Baud = Literal[9600, 19200, 38400, 57600, 115200]
Pixels = Annotated[int, Field(ge=32, le=1024)]
Seconds = Annotated[float, Field(gt=0, le=60)]


class Config(BaseModel):
    """One module on one port; all but the port comes from the model's file.

    Attributes:
        width_px, height_px: of an image where the module itself cannot say; None: whichever listed
            size fits the first image.
        bits: this family sends a byte a pixel.
        baud: what the connection shall use; the module is back at 9600 after each power-off. None
            leaves it as it is found.
        scan_baud: speeds to look for the module at, after `baud`.
        reads_module_info: False for models without ModuleInfo (GT-511 family).
        ridges_dark: False for models that send ridges light; fixed when a model is commissioned.
        warning, enrolment_grade: as `FingerprintReader` has them; a small window is never of
            enrolment grade, whatever this says.
        sources: where each number of a model's file comes from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: PortAddress
    model: str
    width_px: Pixels | None = None
    height_px: Pixels | None = None
    bits: Literal[8] = 8
    resolution_ppi: Annotated[int, Field(ge=200, le=1200)]
    baud: Baud | None = None
    scan_baud: tuple[Baud, ...] = (9600, 115200, 57600, 38400, 19200)
    reads_module_info: bool = True
    ridges_dark: bool = True
    warning: str = ""
    enrolment_grade: bool = True
    answer_s: Seconds = 3.0
    handshake_s: Seconds = 0.5
    gap_s: Seconds = 0.5
    poll_s: Seconds = 0.15
    sources: dict[str, str] = {}

    @model_validator(mode="after")
    def _whole(self) -> Config:
        if (self.width_px is None) != (self.height_px is None):
            raise ValueError("width_px and height_px belong together")
        return self

    @property
    def size_px(self) -> tuple[int, int] | None:
        """Width and height of an image, as the model's file says."""
        if self.width_px is None or self.height_px is None:
            return None
        return self.width_px, self.height_px


class Gt521Reader:
    """One open module. One thread uses it; `cancel` and `trace` may come from another.

    Attributes:
        model, resolution_ppi: from the model's file.
        warning, enrolment_grade: from the model's file, and from the size of the image.
        description: what the module says of itself when it is opened; None if it says nothing.
        size_px: width and height of its images; None until the first one has shown it.
        finger_at_opening: it saw a finger before anyone was asked for one.
    """

    def __init__(
        self,
        line: Gt521Line,
        config: Config,
        description: Description | None,
        size_px: tuple[int, int] | None,
        finger: bool,
    ) -> None:
        self.model = config.model
        # Nothing is known to be large enough until its size is.
        self.warning = config.warning or "Not for enrolment: the size of its image is not known."
        self.enrolment_grade = False
        self.resolution_ppi = config.resolution_ppi
        self.description = description
        self.size_px: tuple[int, int] | None = None
        self.finger_at_opening = finger
        self._config = config
        self._line = line
        self._cancelled = Event()
        if size_px:
            self._settle_size(*size_px)

    @property
    def baud(self) -> int:
        """The speed of the line."""
        return self._line.port.baud

    @property
    def facts(self) -> ReaderFacts:
        """What is known of the line and the module since it was opened."""
        width_px, height_px = self.size_px or (0, 0)
        return ReaderFacts(
            port=str(self._line.port.path),
            baud=self.baud,
            packet_bytes=None,
            width_px=width_px,
            height_px=height_px,
            product=f"firmware {self.description.firmware:08X}" if self.description else "",
            finger_at_opening=self.finger_at_opening,
        )

    def capture(self, timeout_s: float, progress: Progress) -> FingerImage | Retry | None:
        """Wait for a finger, fetch its image and check it; None if cancelled.

        Raises:
            DeviceAbsent: the port is gone. DeviceTimeout: the module fell silent.
            ProtocolViolation: no upload could be trusted, at this speed and at the next slower one.
            DeviceError: the module reports a fault of its own.
        """
        self._cancelled.clear()
        retry = self._taken(time.monotonic() + timeout_s)
        # The image stays in the module without the light: PyGT521F32 fetches it so.
        self._line.light(False)
        if retry is not None or self._cancelled.is_set():
            return retry
        sizes = [self.size_px] if self.size_px else list(LISTED_SIZES_PX)
        by_bytes = {width * height: (width, height) for width, height in sizes}
        total = next(iter(by_bytes))
        # From here on the image lies in the module: the finger may go.
        progress(0, total)
        content = trusted_image(
            self._line, by_bytes, self._step_down, lambda n: progress(min(n, total), total),
            self._cancelled,
        )  # fmt: skip
        if content is None:
            return None
        self._settle_size(*by_bytes[len(content)])
        return self._finger_image(content, *by_bytes[len(content)])

    def cancel(self) -> None:
        """Make a running `capture` return at its next piece. Harmless if none runs."""
        self._cancelled.set()

    def trace(self) -> tuple[str, ...]:
        """Return the last commands, answers and heads of content, oldest first; no image bytes."""
        return self._line.trace.lines()

    def check(self) -> None:
        """Switch the light off, be it on or not: 24 bytes in all. Raises `DeviceError`."""
        _demand(self._line.light(False))

    def close(self) -> None:
        """Release the port. Closing twice is allowed."""
        self._cancelled.set()
        self._line.port.close()

    def _taken(self, deadline: float) -> Retry | None:
        """Poll until the module has taken an image (None), was cancelled (None), or gave up."""
        failed_before = False
        lit_until = 0.0
        while not self._cancelled.is_set():
            now = time.monotonic()
            if now >= lit_until:
                _demand(self._line.light(True))
                lit_until = now + LIT_AGAIN_S
            retry: Retry | None = Retry.NO_FINGER
            if _pressed(self._line):
                retry = _retry_of(self._line.ask(Command.CAPTURE, BEST_IMAGE))
                if retry is None:
                    return None
                # Once may be a finger that is still landing.
                if failed_before:
                    return retry
            failed_before = retry is not Retry.NO_FINGER
            if time.monotonic() >= deadline:
                return Retry.NO_FINGER
            self._cancelled.wait(self._config.poll_s)
        return None

    def _step_down(self) -> bool:
        """Go to the next slower speed, until the reader is opened again."""
        slower = [baud for baud in SPEEDS_BAUD if baud < self.baud]
        if not slower or self._line.port.speed_fixed:
            return False
        change_speed(self._line, slower[-1])
        return True

    def _settle_size(self, width_px: int, height_px: int) -> None:
        self.size_px = (width_px, height_px)
        small = not_for_enrolment(width_px, height_px)
        self.warning = self._config.warning or small
        self.enrolment_grade = self._config.enrolment_grade and not small

    def _finger_image(self, content: bytes, width_px: int, height_px: int) -> FingerImage:
        pixels = content if self._config.ridges_dark else content.translate(_INVERTED)
        return FingerImage(pixels, width_px, height_px, self.resolution_ppi)


_INVERTED: Final = bytes(255 - grey for grey in range(256))


def open_reader(config: Config) -> Gt521Reader:
    """Open the port, find the module on it and set the line up.

    Raises:
        DeviceAbsent: no such port, or nothing answers at any speed.
        ProtocolViolation: bytes come but no packet: a wrong speed, or a bad wire.
        DeviceError: the module reports a fault of its own.
    """
    wanted: tuple[int, ...] = (config.baud,) if config.baud else ()
    speeds = list(dict.fromkeys(wanted + config.scan_baud))
    port = open_port(config.port, speeds[0])
    line = Gt521Line(port, Limits(config.answer_s, config.handshake_s, config.gap_s))
    try:
        find_speed(line, [port.baud] if port.speed_fixed else speeds)
        if config.baud and port.baud != config.baud:
            change_speed(line, config.baud)
        description = description_of(line)
        size_px = _size_px(line, config)
        line.light(True)
        finger = _pressed(line)
        line.light(False)
    except BaseException as failure:
        hand_over(line.trace, failure)
        port.close()
        raise
    log.info("gt521_open", extra={"baud": port.baud})
    return Gt521Reader(line, config, description, size_px, finger)


def _size_px(line: Gt521Line, config: Config) -> tuple[int, int] | None:
    """Return width and height of an image: by the module, else by its model's file, else None."""
    told = told_size_px(line) if config.reads_module_info else None
    named = config.size_px
    if told is None or named is None:
        return told or named
    if told[0] * told[1] == named[0] * named[1]:
        # As many pixels: whether rows or columns come first, the one who looked knows better
        # (SparkFun writes 258 x 202 for what PyGT521F32 draws as 202 x 258).
        return named
    reason = f"told-{told[0]}x{told[1]}-px-named-{named[0]}x{named[1]}-px"
    log.warning("gt521_size_differs", extra={"reason": reason})
    return told


def _pressed(line: Gt521Line) -> bool:
    """Whether a finger lies on the lit glass: 24 bytes in all."""
    answer = line.ask(Command.IS_PRESS_FINGER)
    if not answer.accepted and answer.parameter == Refusal.NOT_PRESSED:
        return False
    _demand(answer)
    return answer.parameter == 0


def _retry_of(answer: Message) -> Retry | None:
    """Return what the answer to Capture means to the subject, None for "go on"."""
    if answer.accepted:
        return None
    retry = _RETRIES.get(answer.parameter)
    if retry is None:
        _demand(answer)
    return retry


_RETRIES: Final[Mapping[int, Retry]] = {
    Refusal.TIMED_OUT: Retry.LIFTED_EARLY,
    Refusal.CANCELLED: Retry.LIFTED_EARLY,
    Refusal.NOT_PRESSED: Retry.LIFTED_EARLY,
    Refusal.BAD_FINGER: Retry.SMEARED,
}


def _demand(answer: Message) -> None:
    """Go on if the module did as it was asked. Raises `DeviceError`."""
    if not answer.accepted:
        raise DeviceError(
            f"the module reports fault {answer.parameter:04X}: "
            "take its power away for a moment; replace it if it says so again"
        )

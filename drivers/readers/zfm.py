"""Serial fingerprint modules of the EF01 family: AS60x, ZFM, R30x, R5xx, FPM10A and relatives.

The module's image is all we take. Its matching, library, password and address commands are never
sent: they write its flash, and a password set by accident looks like a dead module.
Models differ in numbers only: `firmware_configs/readers/*.toml`.

Out of scope: deciding whether a print is good (`quality.finger`), asking again (`edge.capture`).
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from threading import Event
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout, ProtocolViolation
from drivers.fingerprint import FingerImage, Progress, ReaderFacts, Retry, not_for_enrolment
from drivers.serial_port import PortAddress, open_port
from drivers.zfm_line import TRIES, Limits, ZfmLine
from drivers.zfm_packets import (
    ANY_ADDRESS,
    BAUD_STEP,
    PACKET_SIZES_BYTES,
    Confirmation,
    Opcode,
    Register,
    SystemParameters,
    unpack_4bit,
)

log = logging.getLogger(__name__)

DRAIN_S: Final = 0.3
"""After power-up a module says a bare 55 within 0.2 s (ESPHome, `fingerprint_grow`)."""

FACTORY_FIRST: Final = (57600, 115200, 9600, 19200, 38400)
ALL_BAUD: Final = tuple(step * BAUD_STEP for step in range(1, 13))

_NO_PASSWORD: Final = bytes(4)

Baud = Annotated[int, Field(ge=BAUD_STEP, le=960_000, multiple_of=BAUD_STEP)]
Seconds = Annotated[float, Field(gt=0, le=60)]


class Config(BaseModel):
    """One module on one port; all but the port comes from the model's file.

    Attributes:
        baud, packet_bytes: what the connection shall use; None leaves the module as it is.
        scan_baud: speeds to look for the module at, after `baud`.
        reads_parameters: False for models without ReadSysPara (R308, brianrho/FPM issue 15).
        ridges_dark: False for models that send ridges light; fixed when a model is commissioned.
        warning: what the console says about the model, such as "not for enrolment".
        enrolment_grade: False for models whose images shall not be enrolled; a small window is
            never of enrolment grade, whatever this says.
        sources: where each number of a model's file comes from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: PortAddress
    model: str
    width_px: Annotated[int, Field(ge=32, le=1024)]
    height_px: Annotated[int, Field(ge=32, le=1024)]
    bits: Literal[4, 8] = 4
    resolution_ppi: Annotated[int, Field(ge=200, le=1200)]
    baud: Baud | None = None
    packet_bytes: Literal[32, 64, 128, 256] | None = None
    scan_baud: tuple[Baud, ...] = tuple(dict.fromkeys(FACTORY_FIRST + ALL_BAUD))
    address: Annotated[int, Field(ge=0, le=ANY_ADDRESS)] = ANY_ADDRESS
    reads_parameters: bool = True
    ridges_dark: bool = True
    warning: str = ""
    enrolment_grade: bool = True
    answer_s: Seconds = 3.0
    handshake_s: Seconds = 0.5
    gap_s: Seconds = 0.5
    poll_s: Seconds = 0.15
    sources: dict[str, str] = {}

    @property
    def image_bytes(self) -> int:
        """Bytes of one image on the line."""
        return self.width_px * self.height_px * self.bits // 8


class ZfmReader:
    """One open module. One thread uses it; `cancel` and `trace` may come from another.

    Attributes:
        model, warning, enrolment_grade, resolution_ppi: from the model's file.
        parameters: what the module says of itself; None if it cannot say.
        finger_at_opening: it reported a finger before anyone was asked for one: the glass is not
            clean, or the module always does (AS608, R503: Adafruit_CircuitPython_Fingerprint#52).
    """

    def __init__(
        self, line: ZfmLine, config: Config, parameters: SystemParameters | None, finger: bool
    ) -> None:
        self.model = config.model
        small = not_for_enrolment(config.width_px, config.height_px)
        self.warning = config.warning or small
        self.enrolment_grade = config.enrolment_grade and not small
        self.resolution_ppi = config.resolution_ppi
        self.parameters = parameters
        self.finger_at_opening = finger
        self._config = config
        self._line = line
        self._cancelled = Event()

    @property
    def baud(self) -> int:
        """The speed of the line."""
        return self._line.port.baud

    @property
    def facts(self) -> ReaderFacts:
        """What is known of the line and the module since it was opened."""
        said, config = self.parameters, self._config
        return ReaderFacts(
            port=self._line.port.path,
            baud=self._line.port.baud,
            packet_bytes=said.packet_bytes if said else config.packet_bytes,
            width_px=config.width_px,
            height_px=config.height_px,
            finger_at_opening=self.finger_at_opening,
        )

    def capture(self, timeout_s: float, progress: Progress) -> FingerImage | Retry | None:
        """Wait for a finger, fetch its image and check it; None if cancelled.

        Raises:
            DeviceAbsent: the port is gone. DeviceTimeout: the module fell silent.
            ProtocolViolation: three uploads brought no image that can be trusted.
            DeviceError: the module reports a fault of its own, or of its configuration.
        """
        self._cancelled.clear()
        retry = self._taken(time.monotonic() + timeout_s)
        if retry is not None or self._cancelled.is_set():
            return retry
        retry = _retry_of(self._line.confirm(Opcode.IMG_2_TZ, 1))
        if retry is not None or self._cancelled.is_set():
            return retry
        # From here on the image lies in the module's buffer: the finger may go.
        progress(0, self._config.image_bytes)
        content = self._trusted_upload(progress)
        return None if content is None else self._finger_image(content)

    def cancel(self) -> None:
        """Make a running `capture` return at its next packet. Harmless if none runs."""
        self._cancelled.set()

    def trace(self) -> tuple[str, ...]:
        """Return the last commands, answers and packet heads, oldest first; no image bytes."""
        return self._line.trace.lines()

    def check(self) -> None:
        """Exchange the handshake, 28 bytes in all. Raises `DeviceError`."""
        _demand_handshake(self._line.ask(Opcode.VFY_PWD, *_NO_PASSWORD))

    def close(self) -> None:
        """Release the port. Closing twice is allowed."""
        self._cancelled.set()
        self._line.port.close()

    def _taken(self, deadline: float) -> Retry | None:
        """Poll until the module has taken an image (None), was cancelled (None), or gave up."""
        failed_before = False
        while not self._cancelled.is_set():
            confirmation = self._line.confirm(Opcode.GET_IMAGE)
            if confirmation == Confirmation.OK:
                return None
            failed = confirmation == Confirmation.IMAGE_FAILED
            if not failed and confirmation != Confirmation.NO_FINGER:
                return _retry_of(confirmation)
            # Once may be a finger that is still landing.
            if failed and failed_before:
                return Retry.SMEARED
            failed_before = failed
            if time.monotonic() >= deadline:
                return Retry.NO_FINGER
            self._cancelled.wait(self._config.poll_s)
        return None

    def _trusted_upload(self, progress: Progress) -> bytes | None:
        """Return an image's bytes: from one clean upload, or from two that agree after a fault."""
        total = self._config.image_bytes
        seen: list[bytes] = []
        fault = ""
        for attempt in range(1, TRIES + 1):
            upload = self._line.upload(total, lambda n: progress(n, total), self._cancelled)
            if self._cancelled.is_set():
                return None
            if upload.content is not None:
                if upload.content in seen or not (fault or upload.fault):
                    return upload.content
                seen.append(upload.content)
            fault = upload.fault or fault
            log.warning("zfm_upload_repeated", extra={"attempts": attempt})
        raise ProtocolViolation(f"no image could be trusted in {TRIES} uploads: {fault}")

    def _finger_image(self, content: bytes) -> FingerImage:
        pixels = unpack_4bit(content) if self._config.bits == 4 else content
        if not self._config.ridges_dark:
            pixels = pixels.translate(_INVERTED)
        config = self._config
        return FingerImage(pixels, config.width_px, config.height_px, config.resolution_ppi)


_INVERTED: Final = bytes(255 - grey for grey in range(256))


def open_reader(config: Config) -> ZfmReader:
    """Open the port, find the module on it and set the line up.

    Raises:
        DeviceAbsent: no such port, or nothing answers at any speed.
        ProtocolViolation: bytes come but no packet: a wrong speed, or a bad wire.
        DeviceError: the module has a password.
    """
    limits = Limits(config.answer_s, config.handshake_s, config.gap_s)
    speeds = dict.fromkeys(((config.baud,) if config.baud else ()) + config.scan_baud)
    port = open_port(config.port, next(iter(speeds)))
    try:
        line = ZfmLine(port, config.address, limits)
        _find(line, [port.baud] if port.speed_fixed else list(speeds))
        parameters = _set_up(line, config)
        finger = line.confirm(Opcode.GET_IMAGE) == Confirmation.OK
    except BaseException:
        port.close()
        raise
    log.info("zfm_open", extra={"baud": port.baud})
    return ZfmReader(line, config, parameters, finger)


def _find(line: ZfmLine, speeds: list[int]) -> None:
    """Set the port to the speed at which the module answers the handshake."""
    noise_bytes = 0
    # Most modules are where we left them or where they left the factory: one quick look at both.
    hurried = [(baud, 1) for baud in speeds[:2]]
    for baud, tries in hurried + [(baud, TRIES) for baud in speeds]:
        line.port.baud = baud
        noise_bytes += line.port.drain(DRAIN_S / 3, DRAIN_S)
        found, noise = _answers(line, tries)
        if found:
            return
        noise_bytes += noise
    if noise_bytes:
        raise ProtocolViolation(
            f"{line.port.path}: {noise_bytes} bytes came but no packet: wrong speed or a bad wire"
        )
    raise DeviceAbsent(f"{line.port.path}: nothing answers")


def _answers(line: ZfmLine, tries: int = TRIES) -> tuple[bool, int]:
    """Try the handshake; some modules answer only the third (pyfingerprint issue 34).

    Returns whether it answered, and how many bytes came that were no answer.
    """
    noise_bytes = 0
    limit_s = line.limits.handshake_s
    for left in reversed(range(tries)):
        # The tries' times overlap, or a scan of twelve speeds would take 20 s of silence.
        wait_s = limit_s / 5 if left else limit_s
        try:
            answer = line.ask_once(Opcode.VFY_PWD, *_NO_PASSWORD, limit_s=wait_s)
        except (DeviceTimeout, ProtocolViolation):
            noise_bytes += line.heard_bytes
            continue
        _demand_handshake(answer)
        if left < tries - 1:
            # It may have answered the one before: let nothing be taken for the next answer.
            line.port.drain(limit_s, TRIES * limit_s)
        return True, noise_bytes
    return False, noise_bytes


def _set_up(line: ZfmLine, config: Config) -> SystemParameters | None:
    """Bring packet size and speed to what is wanted; a module that will not stays as it is.

    Both live in the module's flash, which wears: they are written only if they differ.
    """
    now = _parameters(line, config)
    if config.packet_bytes and now and now.packet_bytes != config.packet_bytes:
        code = PACKET_SIZES_BYTES.index(config.packet_bytes)
        if line.confirm(Opcode.SET_SYS_PARA, Register.PACKET_SIZE, code) != Confirmation.OK:
            log.warning("zfm_packet_size_refused", extra={"bytes": config.packet_bytes})
    if config.baud and line.port.baud != config.baud and not line.port.speed_fixed:
        _change_speed(line, config.baud)
    return _parameters(line, config)


def _parameters(line: ZfmLine, config: Config) -> SystemParameters | None:
    if not config.reads_parameters:
        return None
    try:
        answer = line.ask(Opcode.READ_SYS_PARA)
    except DeviceTimeout:
        return None
    return SystemParameters.from_bytes(answer[1:]) if answer[0] == Confirmation.OK else None


def _change_speed(line: ZfmLine, wanted: int) -> None:
    """Ask for another speed, then look where the module is: users met at once, later and never.

    Source: pyfingerprint issue 41; Adafruit-Fingerprint-Sensor-Library issue 114.
    """
    before = line.port.baud
    # It may answer at the new speed already, which we cannot read yet.
    with suppress(DeviceTimeout, ProtocolViolation):
        line.ask_once(Opcode.SET_SYS_PARA, Register.BAUD, wanted // BAUD_STEP)
    for baud in (wanted, before):
        line.port.baud = baud
        if _answers(line)[0]:
            if baud != wanted:
                log.warning("zfm_speed_refused", extra={"baud": baud})
            return
    raise DeviceTimeout(f"{line.port.path}: silent since it was asked for {wanted} baud")


def _demand_handshake(answer: bytes) -> None:
    if answer[0] == Confirmation.WRONG_PASSWORD:
        raise DeviceError("the module has a password: set it back with its maker's program")
    if answer[0] != Confirmation.OK:
        raise DeviceError(f"the module answers the handshake with {answer[0]:02X}")


def _retry_of(confirmation: int) -> Retry | None:
    """Return what a confirmation means to the subject, None for "go on"; the rest are faults."""
    if confirmation == Confirmation.OK:
        return None
    if confirmation == Confirmation.NO_FINGER:
        return Retry.LIFTED_EARLY
    if confirmation in _POOR_IMAGE:
        return Retry.SMEARED
    raise DeviceError(f"the module reports fault {confirmation:02X}")


_POOR_IMAGE: Final = {
    Confirmation.IMAGE_FAILED,
    Confirmation.IMAGE_MESSY,
    Confirmation.FEW_POINTS,
    Confirmation.NO_VALID_IMAGE,
}

"""What a gt521 module answers to a command. No port, no thread, no clock.

It keeps nothing over a power-off: speed, light and image are forgotten. Its library is empty and
stays so: whoever writes to it is told that there is no such command.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from drivers.gt521_packets import (
    MODULE_INFO_BYTES,
    SPEEDS_BAUD,
    Answer,
    Command,
    Description,
    Message,
    ModuleInfo,
    Refusal,
)
from drivers.peers.glass import Sight

POWER_UP_BAUD: Final = 9600
RAW_PX: Final = (160, 120)
LIBRARY: Final = (200, 0, 498)
"""Records that fit, records that are there, bytes of one."""

NOT_PRESSED: Final = 1
"""IsPressFinger: any parameter but 0 is no finger."""


class Extra(IntEnum):
    """Commands that the station never sends, and other people's programs do."""

    CLOSE = 0x02
    ENROLL_COUNT = 0x20


@dataclass(frozen=True, slots=True)
class Make:
    """What the maker built in; the default is a GT-521F32.

    Attributes:
        has_module_info: False for models without ModuleInfo (GT-511 family).
        told_size_px: what ModuleInfo tells if it is not the truth.
        must_be_opened: every command before Open is refused.
    """

    has_module_info: bool = True
    told_size_px: tuple[int, int] | None = None
    must_be_opened: bool = True
    firmware: int = 0x20160920
    serial: bytes = bytes.fromhex("EF13EF4014DC644064CD9A6834000000")
    sensor: bytes = b"GT-521 peer"
    engine: bytes = b"peer 1"


GT511: Final = Make(has_module_info=False, sensor=b"GT-511 peer")
"""The older models. Source: PyGT521F32 marks ModuleInfo as new with its own."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, and what follows it.

    Attributes:
        content: sent after it; None for nothing.
        image: whether that is the image of the glass.
        baud: the speed that was asked for; None unless ChangeBaud asked for one.
    """

    answer: Message
    content: bytes | None = None
    image: bool = False
    baud: int | None = None


def _yes(parameter: int = 0) -> Reply:
    return Reply(Message(Answer.ACK, parameter))


def _no(refusal: Refusal) -> Reply:
    return Reply(Message(Answer.NACK, refusal))


class Module:
    """One module, from power-up to power-off.

    Attributes:
        lit: whether the light under the glass is on; without it the module sees no finger.
    """

    def __init__(
        self, *, look: Callable[[], Sight | None], size_px: tuple[int, int], make: Make
    ) -> None:
        self.lit = False
        self._look = look
        self._size_px = size_px
        self._make = make
        self._known: dict[int, Callable[[int], Reply]] = {
            Command.OPEN: self._open,
            Command.CMOS_LED: self._light,
            Command.IS_PRESS_FINGER: self._pressed,
            Command.CAPTURE: self._capture,
            Command.GET_IMAGE: self._get_image,
            Command.CHANGE_BAUD: self._change_baud,
            Extra.CLOSE: lambda _: _yes(),
            Extra.ENROLL_COUNT: lambda _: _yes(),
        }
        if make.has_module_info:
            self._known[Command.MODULE_INFO] = self._info
        self.power_up()

    def power_up(self) -> None:
        """Forget everything."""
        self.lit = False
        self._opened = not self._make.must_be_opened
        self._image: bytes | None = None

    def captures(self, command: Message) -> bool:
        """Whether this command takes an image, which takes its time."""
        return command.code == Command.CAPTURE and self.lit

    def reply(self, command: Message) -> Reply:
        """Do what a command says and return what to send."""
        if not self._opened and command.code != Command.OPEN:
            return _no(Refusal.DEVICE_FAULT)
        answer = self._known.get(command.code)
        return answer(command.parameter) if answer else _no(Refusal.NOT_SUPPORTED)

    def _open(self, parameter: int) -> Reply:
        self._opened = True
        if not parameter:
            return _yes()
        told = Description(self._make.firmware, 0, self._make.serial)
        return Reply(Message(Answer.ACK), told.to_bytes())

    def _light(self, parameter: int) -> Reply:
        self.lit = parameter != 0
        return _yes()

    def _pressed(self, _: int) -> Reply:
        return _yes(0 if self.lit and self._look() else NOT_PRESSED)

    def _capture(self, _: int) -> Reply:
        sight = self._look() if self.lit else None
        if sight is None:
            return _no(Refusal.NOT_PRESSED)
        if sight.confirmation:
            return _no(Refusal.BAD_FINGER)
        self._image = sight.pixels
        return _yes()

    def _get_image(self, _: int) -> Reply:
        if self._image is None:
            return _no(Refusal.NOT_PRESSED)
        return Reply(Message(Answer.ACK), self._image, image=True)

    def _change_baud(self, baud: int) -> Reply:
        if baud not in SPEEDS_BAUD:
            return _no(Refusal.BAD_SPEED)
        return Reply(Message(Answer.ACK), baud=baud)

    def _info(self, _: int) -> Reply:
        width_px, height_px = self._make.told_size_px or self._size_px
        told = ModuleInfo(
            self._make.sensor, self._make.engine, *RAW_PX, width_px, height_px, *LIBRARY
        )  # fmt: skip
        return Reply(Message(Answer.ACK, MODULE_INFO_BYTES), told.to_bytes())

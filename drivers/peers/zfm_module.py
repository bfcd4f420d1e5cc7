"""What a zfm module answers to a command. No port, no thread, no clock.

It keeps what a real one keeps in flash (speed, packet size) and what it forgets with its power
(handshake, image buffer). Its library is empty and stays so: whoever writes to it is told that
there is no such command.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from drivers.peers.glass import Sight
from drivers.zfm_packets import (
    ANY_ADDRESS,
    BAUD_STEP,
    PACKET_SIZES_BYTES,
    Confirmation,
    Opcode,
    Packet,
    Register,
    SystemParameters,
    pack_4bit,
)

UNKNOWN_COMMAND: Final = Confirmation.BAD_PACKET
NONE_FOUND: Final = 0x09
POOR_IMAGE: Final = 0x07
ECHO: Final = 0x55
AWAKE: Final = b"\x55"
"""What a module says when it is up again after SoftRst."""

PAGE_BYTES: Final = 512
SECURITY: Final = 5
"""The register of SetSysPara that only matching obeys."""


class Extra(IntEnum):
    """Commands that the station never needs, or not of every module."""

    SEARCH = 0x04
    READ_INF_PAGE = 0x16
    HI_SPEED_SEARCH = 0x1B
    TEMPLATE_NUM = 0x1D
    READ_INDEX_TABLE = 0x1F
    GET_IMAGE_EX = 0x28
    CANCEL = 0x30
    AURA_LED = 0x35
    CHECK_SENSOR = 0x36
    GET_ALG_VER = 0x39
    GET_FW_VER = 0x3A
    READ_PROD_INFO = 0x3C
    SOFT_RST = 0x3D
    HANDSHAKE = 0x40
    LED_ON = 0x50
    LED_OFF = 0x51
    GET_IMAGE_DARK = 0x52
    ECHO = 0x53


LOOKS: Final = frozenset({Opcode.GET_IMAGE, Extra.GET_IMAGE_EX, Extra.GET_IMAGE_DARK})
"""The commands that take an image, which takes its time."""

_LIBRARY: Final = frozenset(
    {Extra.SEARCH, Extra.HI_SPEED_SEARCH, Extra.TEMPLATE_NUM, Extra.READ_INDEX_TABLE}
)


@dataclass(frozen=True, slots=True)
class Make:
    """What the maker built in; the default is the old optical family.

    Attributes:
        reads_parameters: False for models without ReadSysPara (R308, brianrho/FPM issue 15).
        extras: the commands of its branch beyond those that every module has.
        told_size_px: what ReadProdInfo tells if it is not the truth.
        fastest_baud: some chips go beyond the manuals' 115200 (AS601: pyfingerprint issue 52).
        module: name in ReadProdInfo, at most 16 bytes of ASCII.
        algorithm, firmware: versions, at most 32 bytes of ASCII.
    """

    system_id: int = 9
    library_size: int = 200
    reads_parameters: bool = True
    extras: frozenset[int] = _LIBRARY | {
        Extra.READ_INF_PAGE, Extra.LED_ON, Extra.LED_OFF, Extra.GET_IMAGE_DARK, Extra.ECHO,
    }  # fmt: skip
    told_size_px: tuple[int, int] | None = None
    fastest_baud: int = 115_200
    module: str = "ZFM"
    algorithm: str = "peer 1"
    firmware: str = "peer 1"


R503: Final = Make(
    system_id=0,
    extras=_LIBRARY
    | {
        Extra.READ_INF_PAGE, Extra.GET_IMAGE_EX, Extra.CANCEL, Extra.AURA_LED, Extra.CHECK_SENSOR,
        Extra.GET_ALG_VER, Extra.GET_FW_VER, Extra.READ_PROD_INFO, Extra.SOFT_RST, Extra.HANDSHAKE,
    },
    module="R503",
)  # fmt: skip
"""The branch with a ring of light, GetImageEx and ReadProdInfo.

Source: Adafruit-Fingerprint-Sensor-Library; brianrho/FPM issue 25 for its system id.
"""

OLDEST: Final = Make(reads_parameters=False, extras=frozenset())
"""No command beyond handshake, image and speed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One acknowledge, and what follows it.

    Attributes:
        content: sent after it as data packets; None for nothing.
        image: whether that is the image of the glass.
        baud: the speed that was asked for; None unless SetSysPara asked for one.
        restarts: the module goes through its power-up afterwards.
    """

    confirmation: int
    result: bytes = b""
    content: bytes | None = None
    image: bool = False
    baud: int | None = None
    restarts: bool = False


@dataclass(slots=True)
class Module:
    """One module and its memory.

    Args:
        look: what the sensor sees now; None for no finger. Called by the GetImage commands.
        size_px: width and height.
        bits: of a pixel on the line, 4 or 8.
        flash_baud, packet_bytes: what its flash holds.
    """

    look: Callable[[], Sight | None]
    size_px: tuple[int, int] = (256, 288)
    bits: int = 4
    make: Make = Make()
    address: int = ANY_ADDRESS
    password: int = 0
    flash_baud: int = 57600
    packet_bytes: int = 128
    _security: int = 3
    _verified: bool = False
    _buffer: Sight | None = None
    _commands: dict[int, Callable[[bytes], Answer]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        own: dict[int, Callable[[bytes], Answer]] = {
            Opcode.GET_IMAGE: self._get_image,
            Opcode.IMG_2_TZ: self._img_2_tz,
            Opcode.UP_IMAGE: self._up_image,
            Opcode.SET_SYS_PARA: self._set_sys_para,
            Opcode.VFY_PWD: self._vfy_pwd,
        }
        extra: dict[int, Callable[[bytes], Answer]] = {
            Extra.GET_IMAGE_EX: self._get_image_ex,
            Extra.GET_IMAGE_DARK: self._get_image,
            Extra.READ_INF_PAGE: lambda _: Answer(Confirmation.OK, content=bytes(PAGE_BYTES)),
            Extra.READ_PROD_INFO: self._read_prod_info,
            Extra.GET_ALG_VER: lambda _: Answer(0, _text(self.make.algorithm, 32)),
            Extra.GET_FW_VER: lambda _: Answer(0, _text(self.make.firmware, 32)),
            Extra.SOFT_RST: lambda _: Answer(Confirmation.OK, restarts=True),
            Extra.ECHO: lambda _: Answer(ECHO),
            # Adafruit's client reads 16 bytes of a search that found nothing.
            Extra.SEARCH: lambda _: Answer(NONE_FOUND, bytes(4)),
            Extra.HI_SPEED_SEARCH: lambda _: Answer(NONE_FOUND, bytes(4)),
            Extra.TEMPLATE_NUM: lambda _: Answer(Confirmation.OK, bytes(2)),
            Extra.READ_INDEX_TABLE: lambda _: Answer(Confirmation.OK, bytes(32)),
        }
        quiet = {one: lambda _: Answer(Confirmation.OK) for one in self.make.extras - extra.keys()}
        self._commands = own | {one: extra[one] for one in self.make.extras & extra.keys()} | quiet
        if self.make.reads_parameters:
            self._commands[Opcode.READ_SYS_PARA] = self._read_sys_para

    def power_up(self) -> None:
        """Forget what only power keeps."""
        self._verified = self.password == 0
        self._buffer = None

    def lock(self, password: int) -> None:
        """Have this password from now on; nought is none. Nobody has said it yet."""
        self.password = password
        self._verified = password == 0

    def answer(self, packet: Packet) -> Answer:
        """Return what it says to a whole command packet with at least one byte of payload."""
        opcode, parameters = packet.payload[0], packet.payload[1:]
        obey = self._commands.get(opcode)
        if obey is None:
            return Answer(UNKNOWN_COMMAND)
        if not self._verified and opcode != Opcode.VFY_PWD:
            return Answer(Confirmation.VERIFY_FIRST)
        return obey(parameters)

    def _vfy_pwd(self, parameters: bytes) -> Answer:
        self._verified = int.from_bytes(parameters) == self.password
        return Answer(Confirmation.OK if self._verified else Confirmation.WRONG_PASSWORD)

    def _get_image(self, _: bytes) -> Answer:
        # The buffer is valid until the next look, whatever that brings.
        self._buffer = self.look()
        return Answer(Confirmation.OK if self._buffer else Confirmation.NO_FINGER)

    def _get_image_ex(self, parameters: bytes) -> Answer:
        seen = self._get_image(parameters)
        poor = self._buffer is not None and self._buffer.confirmation != Confirmation.OK
        return Answer(POOR_IMAGE) if poor else seen

    def _img_2_tz(self, _: bytes) -> Answer:
        if self._buffer is None:
            return Answer(Confirmation.NO_VALID_IMAGE)
        return Answer(self._buffer.confirmation)

    def _up_image(self, _: bytes) -> Answer:
        if self._buffer is None:
            return Answer(Confirmation.CANNOT_SEND)
        pixels = self._buffer.pixels
        content = pack_4bit(pixels) if self.bits == 4 else pixels
        return Answer(Confirmation.OK, content=content, image=True)

    def _set_sys_para(self, parameters: bytes) -> Answer:
        register, value = parameters[0], parameters[1]
        if register == Register.BAUD and 0 < value * BAUD_STEP <= self.make.fastest_baud:
            return Answer(Confirmation.OK, baud=value * BAUD_STEP)
        if register == Register.PACKET_SIZE and value < len(PACKET_SIZES_BYTES):
            self.packet_bytes = PACKET_SIZES_BYTES[value]
            return Answer(Confirmation.OK)
        if register == SECURITY and 1 <= value <= 5:
            self._security = value
            return Answer(Confirmation.OK)
        return Answer(Confirmation.BAD_REGISTER)

    def _read_sys_para(self, _: bytes) -> Answer:
        now = SystemParameters(
            0, self.make.system_id, self.make.library_size, self._security, self.address,
            self.packet_bytes, self.flash_baud,
        )  # fmt: skip
        return Answer(Confirmation.OK, now.to_bytes())

    def _read_prod_info(self, _: bytes) -> Answer:
        width_px, height_px = self.make.told_size_px or self.size_px
        texts = _text(self.make.module, 16) + _text("P1", 4) + _text("00000001", 8)
        numbers = struct.pack(">HHHH", width_px, height_px, 1536, self.make.library_size)
        return Answer(Confirmation.OK, texts + b"\x01\x00" + _text("peer", 8) + numbers)


def _text(text: str, length: int) -> bytes:
    return text.encode("ascii")[:length].ljust(length, b"\x00")

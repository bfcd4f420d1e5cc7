"""Getting a zfm module from an address to a line that is set up: found, asked, brought to speed."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from drivers.errors import ProtocolViolation
from drivers.line_trace import hand_over
from drivers.serial_port import open_port
from drivers.zfm_line import Limits, ZfmLine, demand_health
from drivers.zfm_model import Config
from drivers.zfm_packets import (
    PACKET_SIZES_BYTES,
    Confirmation,
    Opcode,
    Register,
    SystemParameters,
)
from drivers.zfm_size import ImageSize, ProductInfo, agreed_size
from drivers.zfm_speed import FACTORY_BAUD, SAFE_BAUD, Speed

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A module that answers, and what it says of itself.

    Attributes:
        parameters, product: None if it cannot say.
        size: of its images; None if neither the module nor its file says.
        finger: it reported a finger before anyone was asked for one.
    """

    line: ZfmLine
    speed: Speed
    parameters: SystemParameters | None
    product: ProductInfo | None
    size: ImageSize | None
    finger: bool


def opened(config: Config) -> Opened:
    """Open the port, find the module on it and set the line up.

    Raises:
        DeviceAbsent: no such port, or nothing answers at any speed.
        ProtocolViolation: bytes come but no packet: a wrong speed, or a bad wire.
        DeviceError: the module has a password or a fault, or its image size is not known.
    """
    limits = Limits(config.answer_s, config.handshake_s, config.gap_s)
    port = open_port(config.port, _first_baud(config))
    line = ZfmLine(port, config.address, limits)
    try:
        speed = Speed(line, config)
        speed.find()
        parameters = _set_up(line, speed, config)
        product = _product(line) if config.reads_product else None
        told = product.size(config.bits) if product else None
        size = agreed_size(told, config.size)
        confirmation = line.confirm(Opcode.GET_IMAGE)
        demand_health(confirmation)
    except BaseException as failure:
        hand_over(line.trace, failure)
        port.close()
        raise
    log.info("zfm_open", extra={"baud": port.baud})
    return Opened(line, speed, parameters, product, size, confirmation == Confirmation.OK)


def _first_baud(config: Config) -> int:
    """Return a speed that every port takes; behind a raw serial server it is what we believe."""
    return min(config.baud, SAFE_BAUD) if isinstance(config.baud, int) else FACTORY_BAUD


def _set_up(line: ZfmLine, speed: Speed, config: Config) -> SystemParameters | None:
    """Bring packet size and speed to what is wanted; a module that will not stays as it is.

    Both live in the module's flash, which wears: they are written only if they differ.
    """
    now = _parameters(line, config)
    baud = line.port.baud
    resized = _set_packet_size(line, config, now)
    speed.settle()
    return _parameters(line, config) if resized or line.port.baud != baud else now


def _set_packet_size(line: ZfmLine, config: Config, now: SystemParameters | None) -> bool:
    """Set the packets' size if the module has another; whether it was asked to."""
    wanted = config.packet_bytes
    if wanted is None or now is None or now.packet_bytes == wanted:
        return False
    code = PACKET_SIZES_BYTES.index(wanted)
    if line.ask_if_known(Opcode.SET_SYS_PARA, Register.PACKET_SIZE, code) is None:
        log.warning("zfm_packet_size_refused", extra={"packet_bytes": wanted})
    return True


def _parameters(line: ZfmLine, config: Config) -> SystemParameters | None:
    answer = line.ask_if_known(Opcode.READ_SYS_PARA) if config.reads_parameters else None
    try:
        return None if answer is None else SystemParameters.from_bytes(answer)
    except ProtocolViolation:
        # The model's file serves; a module is not refused for what only helps.
        log.warning("zfm_answer_senseless", extra={"code": "READ_SYS_PARA"})
        return None


def _product(line: ZfmLine) -> ProductInfo | None:
    answer = line.ask_if_known(Opcode.READ_PROD_INFO)
    try:
        return None if answer is None else ProductInfo.from_bytes(answer)
    except ProtocolViolation:
        log.warning("zfm_answer_senseless", extra={"code": "READ_PROD_INFO"})
        return None

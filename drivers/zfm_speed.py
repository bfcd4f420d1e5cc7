"""Finding a zfm module on its line, and bringing both to the fastest speed that works.

Users met modules that change speed at once, after a power-off, after an hour and a half, or never
(pyfingerprint issue 41, Adafruit-Fingerprint-Sensor-Library issue 114), and one that stayed at 9600
(brianrho/FPM issue 13). So whatever was asked for, both speeds are looked at; what works is
remembered for each port as long as this process lives; and none of it is a failure.

The speed lives in the module's flash, which wears: it is written only where it differs, and what
was refused once is not asked for again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from drivers.errors import DeviceAbsent, DeviceTimeout, ProtocolViolation, SpeedRefused
from drivers.zfm_line import NO_PASSWORD, TRIES, ZfmLine, demand_welcome
from drivers.zfm_model import Config
from drivers.zfm_packets import BAUD_STEP, Confirmation, Opcode, Register

log = logging.getLogger(__name__)

DRAIN_S: Final = 0.3
"""After power-up a module says a bare 55 within 0.2 s (ESPHome, `fingerprint_grow`)."""

FACTORY_BAUD: Final = 57_600
SAFE_BAUD: Final = 115_200
"""What every adapter can do; some fail beyond it."""

STEPS_BAUD: Final = (960_000, 921_600, 460_800, 230_400, 115_200, 57_600, 38_400, 19_200, 9_600)
"""The speeds that modules, adapters and drivers have in common; the R503's manual has no others."""


@dataclass(slots=True)
class Known:
    """What this process has learnt of one port.

    Attributes:
        baud: where the module last was; None before it was found.
        refused: speeds that it did not take, or at which its images came damaged.
    """

    baud: int | None = None
    refused: set[int] = field(default_factory=set)


_KNOWN: Final[dict[str, Known]] = {}


def known_of(port: str) -> Known:
    """Return what is known of a port; what the caller changes in it is remembered."""
    return _KNOWN.setdefault(port, Known())


class Speed:
    """The speed of one line: found, raised, lowered. One thread uses it, the reader's."""

    def __init__(self, line: ZfmLine, config: Config) -> None:
        self._line = line
        self._config = config
        self._known = known_of(line.port.path)

    def find(self) -> None:
        """Set the port to the speed at which the module answers the handshake.

        Raises:
            DeviceAbsent: nothing answers at any speed.
            ProtocolViolation: bytes come but no packet: a wrong speed, or a bad wire.
            DeviceError: the module has a password, or says that it does not work.
        """
        self._look(speeds_to_look_at(self._config, self._known))

    def settle(self) -> None:
        """Bring the line to the speed that the model's file wants, or as near as the module goes.

        Raises:
            DeviceTimeout: asked for another speed it fell silent, at every speed.
        """
        if self._line.port.speed_fixed:
            return
        for baud in wanted_speeds(self._config, self._line.port.baud):
            if baud in self._known.refused:
                continue
            if baud == self._line.port.baud or self._change(baud):
                return

    def step_down(self) -> bool:
        """Take the next slower speed, since this one damages images; False if there is none.

        Raises:
            DeviceTimeout: asked for it, the module fell silent at every speed.
        """
        before = self._line.port.baud
        slower = [baud for baud in STEPS_BAUD if baud < before]
        if self._line.port.speed_fixed or self._config.baud is None or not slower:
            return False
        if not self._change(slower[0]):
            return False
        self._known.refused.add(before)
        log.warning("zfm_speed_lowered", extra={"baud": slower[0]})
        return True

    def _change(self, wanted: int) -> bool:
        """Ask for another speed, then look where the module is; whether it is there."""
        line, before = self._line, self._line.port.baud
        if not self._ask_for(wanted):
            self._known.refused.add(wanted)
            log.warning("zfm_speed_refused", extra={"baud": wanted})
            return False
        speeds = (wanted, before, *speeds_to_look_at(self._config, self._known))
        try:
            self._look(list(dict.fromkeys(speeds)))
        except (DeviceAbsent, ProtocolViolation) as silence:
            self._known.refused.add(wanted)
            raise DeviceTimeout(
                f"{line.port.path}: silent since it was asked for {wanted} baud"
            ) from silence
        if line.port.baud == wanted:
            return True
        self._known.refused.add(wanted)
        log.warning("zfm_speed_refused", extra={"baud": wanted})
        return False

    def _ask_for(self, wanted: int) -> bool:
        """Send the wish; False if the port or the module refuses it at once."""
        line, before = self._line, self._line.port.baud
        # Some adapters fail at high speeds: known before the module is where we cannot follow.
        follows = self._tune(wanted)
        if not (self._tune(before) and follows):
            return False
        try:
            answer = line.ask_once(
                Opcode.SET_SYS_PARA, Register.BAUD, wanted // BAUD_STEP,
                limit_s=line.limits.handshake_s,
            )  # fmt: skip
        except (DeviceTimeout, ProtocolViolation):
            # It may answer at the new speed already, which we cannot read yet.
            return True
        return answer[0] in (Confirmation.OK, Confirmation.BAD_PACKET)

    def _tune(self, baud: int) -> bool:
        """Set the port's own speed; False if it cannot run at it."""
        try:
            self._line.port.baud = baud
        except SpeedRefused:
            return False
        return True

    def _look(self, speeds: Sequence[int]) -> None:
        line = self._line
        if line.port.speed_fixed:
            speeds = [line.port.baud]
        noise_bytes = 0
        # Most modules are where we left them or where they left the factory: a quick look at both.
        hurried = [(baud, 1) for baud in speeds[:2]]
        for baud, tries in hurried + [(baud, TRIES) for baud in speeds]:
            if not self._tune(baud):
                continue
            noise_bytes += line.port.drain(DRAIN_S / 3, DRAIN_S)
            found, noise = answers(line, tries)
            if found:
                self._known.baud = baud
                return
            noise_bytes += noise
        if noise_bytes:
            raise ProtocolViolation(
                f"{line.port.path}: {noise_bytes} bytes came but no packet: "
                "wrong speed or a bad wire"
            )
        raise DeviceAbsent(f"{line.port.path}: nothing answers")


def speeds_to_look_at(config: Config, known: Known) -> list[int]:
    """Return where the module may be: the likeliest first, none twice."""
    fastest = config.fastest_baud if config.baud == "fastest" else config.baud
    first = [baud for baud in (known.baud, fastest) if baud]
    # Left there by an earlier run, a fast module answers at no speed of the factory's list.
    beyond = [baud for baud in STEPS_BAUD if SAFE_BAUD < baud <= config.fastest_baud]
    return list(dict.fromkeys((*first, *config.scan_baud, *beyond)))


def wanted_speeds(config: Config, now_baud: int) -> list[int]:
    """Return the speeds to try, best first; one that the line has already ends the search."""
    if config.baud is None:
        return []
    if config.baud != "fastest":
        return [config.baud]
    fastest_baud = config.fastest_baud
    slowest_baud = min(now_baud, fastest_baud)
    return [baud for baud in STEPS_BAUD if slowest_baud <= baud <= fastest_baud]


def answers(line: ZfmLine, tries: int = TRIES) -> tuple[bool, int]:
    """Try the handshake; some modules answer only the third (pyfingerprint issue 34).

    Returns whether it answered, and how many bytes came that were no answer.

    Raises:
        DeviceError: the module has a password, or says that it does not work.
    """
    noise_bytes = 0
    limit_s = line.limits.handshake_s
    for left in reversed(range(tries)):
        # The tries' times overlap, or a scan of twelve speeds would take 20 s of silence.
        wait_s = limit_s / 5 if left else limit_s
        try:
            answer = line.ask_once(Opcode.VFY_PWD, *NO_PASSWORD, limit_s=wait_s)
        except (DeviceTimeout, ProtocolViolation):
            noise_bytes += line.heard_bytes
            continue
        # The junk of a rising line may have become a part of our first packet.
        if answer[0] == Confirmation.BAD_PACKET and left:
            continue
        demand_welcome(answer[0])
        if left < tries - 1:
            # It may have answered the one before: let nothing be taken for the next answer.
            line.port.drain(limit_s, TRIES * limit_s)
        return True, noise_bytes
    return False, noise_bytes

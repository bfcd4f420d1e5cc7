"""Opening a gt521 module: at which speed it answers, how to raise it, what it says of itself.

It writes nothing that outlives the module's power: each power-off brings it back to 9600 baud.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from drivers.errors import DeviceAbsent, DeviceTimeout, ProtocolViolation, SpeedRefused
from drivers.gt521_line import TRIES, Gt521Line
from drivers.gt521_packets import DESCRIPTION_BYTES, Command, Description, ModuleInfo

log = logging.getLogger(__name__)

DRAIN_S: Final = 0.3
"""What a module says by itself after power-up is over by then [ours, as for the other family]."""


def find_speed(line: Gt521Line, speeds: Sequence[int]) -> None:
    """Set the port to the speed at which the module answers Open.

    Raises:
        DeviceAbsent: nothing answers at any speed.
        ProtocolViolation: bytes come but no packet: a wrong speed, or a bad wire.
    """
    noise_bytes = 0
    # Most modules are where we left them or where power-up left them: one quick look at both.
    hurried = [(baud, 1) for baud in speeds[:2]]
    for baud, tries in hurried + [(baud, TRIES) for baud in speeds]:
        if not _tune(line, baud):
            continue
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


def _tune(line: Gt521Line, baud: int) -> bool:
    """Set the port's own speed; False if it cannot run at it."""
    try:
        line.port.baud = baud
    except SpeedRefused:
        return False
    return True


def _answers(line: Gt521Line, tries: int = TRIES) -> tuple[bool, int]:
    """Try Open without content; return whether it was answered, and how many bytes were none."""
    noise_bytes = 0
    limit_s = line.limits.handshake_s
    for left in reversed(range(tries)):
        # The tries' times overlap, or a scan of all speeds would take 10 s of silence.
        wait_s = limit_s / 5 if left else limit_s
        try:
            line.ask_once(Command.OPEN, limit_s=wait_s)
        except (DeviceTimeout, ProtocolViolation):
            noise_bytes += line.heard_bytes
            continue
        if left < tries - 1:
            # It may have answered the one before: let nothing be taken for the next answer.
            line.port.drain(limit_s, TRIES * limit_s)
        return True, noise_bytes
    return False, noise_bytes


def change_speed(line: Gt521Line, wanted: int) -> None:
    """Ask for another speed, then look where the module is; one that will not stays as it is.

    It answers at the old speed (PyGT521F32); some hosts only got 9600 to work (pyGT511C3 issue 8).

    Raises:
        DeviceTimeout: it answers at neither. DeviceAbsent: the port is gone.
    """
    before = line.port.baud
    # Some adapters fail at high speeds: known before the module is where we cannot follow.
    follows = _tune(line, wanted)
    line.port.baud = before
    if not follows:
        log.warning("gt521_speed_refused", extra={"baud": before})
        return
    refused = False
    # The answer may be lost in the change.
    with suppress(DeviceTimeout, ProtocolViolation):
        refused = not line.ask_once(Command.CHANGE_BAUD, wanted).accepted
    # Once more at the new one: it may have changed while it was looked for at the old one.
    for baud in (before,) if refused else (wanted, before, wanted):
        line.port.baud = baud
        if _answers(line)[0]:
            if baud != wanted:
                log.warning("gt521_speed_refused", extra={"baud": baud})
            return
    raise DeviceTimeout(f"{line.port.path}: silent since it was asked for {wanted} baud")


def description_of(line: Gt521Line) -> Description | None:
    """Return what the module says of itself, None if it will not: nothing depends on it."""
    try:
        answer = line.fetch(Command.OPEN, 1, DESCRIPTION_BYTES)
    except DeviceTimeout:
        return None
    return None if answer is None else Description.from_bytes(answer)


def told_size_px(line: Gt521Line) -> tuple[int, int] | None:
    """Return width and height of an image as ModuleInfo tells; None if it tells nothing."""
    try:
        answer = line.fetch(Command.MODULE_INFO, 0, 0)
        if answer is None:
            return None
        told = ModuleInfo.from_bytes(answer)
    except (DeviceTimeout, ProtocolViolation):
        return None
    return told.width_px, told.height_px

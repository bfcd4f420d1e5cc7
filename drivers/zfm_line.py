"""A zfm module at the other end of a serial port: one command and its answer.

It knows time and repetition on the line, and nothing of images, fingers or models.
"""

from __future__ import annotations

import logging
import struct
import time
from dataclasses import dataclass
from typing import Final

from drivers.errors import DeviceError, DeviceTimeout, PasswordLocked, ProtocolViolation
from drivers.line_trace import LineTrace, Way
from drivers.serial_port import SerialPort
from drivers.zfm_packets import (
    HEAD_BYTES,
    MAX_PAYLOAD_BYTES,
    SUM_BYTES,
    Confirmation,
    Kind,
    Opcode,
    Packet,
    PacketParser,
    command,
)

log = logging.getLogger(__name__)

TRIES: Final = 3
"""A command is sent at most so often."""

QUIET_S: Final = 0.1
"""A module that says nothing for so long has finished what it was sending."""

NO_PASSWORD: Final = bytes(4)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds (`docs/add-a-reader.md` says why)."""

    answer_s: float = 3.0
    handshake_s: float = 0.5
    gap_s: float = 0.5


class ZfmLine:
    """Commands over one open port. One thread uses it.

    Attributes:
        trace: the last commands, answers and packet heads. Image bytes never enter it.
        parser: holds what has come and was not asked for yet.
        heard_bytes: how many bytes came since the last command, sense or not.
    """

    def __init__(self, port: SerialPort, address: int, limits: Limits) -> None:
        self.port = port
        self.limits = limits
        self.trace = LineTrace(name_of)
        self.parser = PacketParser(address)
        self.heard_bytes = 0
        self._address = address
        # How long the module may still be sending what nobody wants any more; 0 if it is silent.
        self._stale_s = 0.0

    def confirm(self, opcode: Opcode, *parameters: int) -> int:
        """Send a command and return the confirmation byte. Raises as `ask`."""
        return self.ask(opcode, *parameters)[0]

    def ask(self, opcode: Opcode, *parameters: int, patient: bool = True) -> bytes:
        """Send a command and return the acknowledge's payload, confirmation byte first.

        A damaged packet in either direction makes it send again, three times in all; so does
        silence, but only if it is `patient`, and the module still answers the handshake.

        Raises:
            DeviceTimeout: it stayed silent. ProtocolViolation: no intact answer came.
            DeviceAbsent: the port is gone. DeviceError: the module has a password.
        """
        failure: DeviceError = DeviceTimeout("nothing was sent")
        for _ in range(TRIES):
            try:
                answer = self.ask_once(opcode, *parameters)
            except ProtocolViolation as violation:
                failure = violation
                self.expect_stale(self.limits.gap_s)
                continue
            except DeviceTimeout as silence:
                failure = silence
                if not (self.lives() and patient):
                    raise
                continue
            if answer[0] == Confirmation.VERIFY_FIRST and opcode is not Opcode.VFY_PWD:
                # It was reset behind our back: the handshake lasts as long as its power.
                failure = DeviceError("the module asks for its password")
                self.greet()
            elif answer[0] in _DAMAGED:
                damaged = _DAMAGED[answer[0]]
                failure = damaged(f"the module says that our packets are damaged: {answer[0]:02X}")
            else:
                return answer
        raise failure

    def ask_if_known(self, opcode: Opcode, *parameters: int) -> bytes | None:
        """Send a command that a module need not know; None if it does not, or says nothing.

        Some modules call an unknown command a damaged packet, some say nothing at all, and what
        they say instead of "ok" varies: none of it is a fault.

        Raises:
            DeviceAbsent: the port is gone. DeviceTimeout: the handshake is not answered either.
        """
        answer = b""
        try:
            answer = self.ask(opcode, *parameters, patient=False)
        except ProtocolViolation:
            pass
        except DeviceTimeout:
            if not self.heard_bytes:
                raise
        if answer[:1] == bytes((Confirmation.OK,)):
            return answer[1:]
        log.info("zfm_not_supported", extra={"code": opcode.name, "result": answer[:1].hex()})
        return None

    def greet(self) -> None:
        """Exchange the handshake, 28 bytes in all. Raises as `ask`."""
        demand_welcome(self.ask(Opcode.VFY_PWD, *NO_PASSWORD)[0])

    def lives(self) -> bool:
        """Whether anything answers: a person waits, so a dead module is not asked in full again."""
        self.expect_stale(self.limits.gap_s)
        try:
            self.ask_once(Opcode.VFY_PWD, *NO_PASSWORD, limit_s=self.limits.handshake_s)
        except DeviceTimeout:
            return False
        except ProtocolViolation:
            pass
        # That may have been a late answer to the command, and the handshake's is still to come.
        self.expect_stale(self.limits.gap_s)
        return True

    def ask_once(self, opcode: Opcode, *parameters: int, limit_s: float | None = None) -> bytes:
        """Send a command once and return the acknowledge's payload; raises as `ask`."""
        self._settle()
        frame = command(opcode, *parameters, address=self._address).to_bytes()
        self.trace.note(Way.OUT, frame[HEAD_BYTES:-SUM_BYTES])
        self.port.write(frame)
        limit_s = self.limits.answer_s if limit_s is None else limit_s
        deadline = time.monotonic() + limit_s
        while True:
            packet = self._packet(deadline)
            if packet is None:
                raise DeviceTimeout(f"no answer to {opcode.name} within {limit_s} s")
            # Packets of an image that was given up may still be under way: they answer nothing.
            if packet.kind is Kind.ACKNOWLEDGE and packet.payload:
                return packet.payload
            if time.monotonic() > deadline:
                raise DeviceTimeout(f"an old stream hides the answer to {opcode.name}")

    def hear(self, limit_s: float, rest_s: float = 0.0) -> int:
        """Give the parser what comes; return how many bytes that was, 0 if nothing came in time.

        Args:
            limit_s: how long to wait in all; what is there already is taken in any case.
            rest_s: how much of it to sleep through, so that what arrives costs one wake-up.

        Raises:
            DeviceAbsent: the port is gone.
        """
        chunk = self.port.read(limit_s, min(rest_s, limit_s))
        self.parser.feed(chunk)
        self.heard_bytes += len(chunk)
        return len(chunk)

    def expect_stale(self, seconds: float) -> None:
        """Before the next command, let what nobody wants any more pass; so long at most."""
        self._stale_s = max(0.0, seconds)

    def wait_for_end(self, silence_s: float) -> None:
        """Read until END, or silence, or the time that the stale stream may take."""
        deadline = time.monotonic() + self._stale_s
        rest_s = MAX_PAYLOAD_BYTES * 10 / self.port.baud
        while (now := time.monotonic()) < deadline:
            try:
                packet = self._packet(min(deadline, now + silence_s), min(rest_s, silence_s / 2))
            except ProtocolViolation:
                continue
            if packet is None or packet.kind is Kind.END:
                break
        self._stale_s = 0.0

    def _settle(self) -> None:
        """Get the line silent and empty before a command."""
        if self._stale_s:
            self.wait_for_end(QUIET_S)
        self._stale_s = 0.0
        self.port.drop_input()
        self.parser.clear()
        self.heard_bytes = 0

    def _packet(self, deadline: float, rest_s: float = 0.0) -> Packet | None:
        """Return the next packet; None when nothing, or nothing but noise, came until then."""
        while (packet := self.parser.next_packet()) is None:
            left_s = deadline - time.monotonic()
            # Past the deadline it still takes what is there: this process may have slept, not they.
            if not self.hear(max(0.0, left_s), rest_s) or left_s < -self.limits.gap_s:
                return None
        self.note_packets(packet)
        return packet

    def note_packets(self, packet: Packet, times: int = 1) -> None:
        """Remember that a packet came, and as many like it; of a stream only the head."""
        shown = packet.payload if packet.kind is Kind.ACKNOWLEDGE else b""
        self.trace.note(Way.IN, _HEAD.pack(packet.kind, len(packet.payload)) + shown, times)


_HEAD: Final = struct.Struct(">BH")

_DAMAGED: Final[dict[int, type[DeviceError]]] = {
    Confirmation.BAD_PACKET: ProtocolViolation,
    Confirmation.DAMAGED: ProtocolViolation,
    Confirmation.TIMED_OUT: DeviceTimeout,
}
"""How a module says that our packet did not arrive whole: it is sent again."""


_POWER_OFF: Final = "take its power away for a moment; replace it if it says so again"


def demand_welcome(confirmation: int) -> None:
    """Accept what a module answers to the handshake, or raise `DeviceError`.

    A module that does not know the command has no password: it is alive, and that is enough.
    """
    if confirmation == Confirmation.WRONG_PASSWORD:
        raise PasswordLocked("the module has a password: set it back with its maker's program")
    demand_health(confirmation)


def demand_health(confirmation: int) -> None:
    """Raise `DeviceError` if the module reports a fault of its own, which only staff can mend."""
    if confirmation == Confirmation.SENSOR_FAULT:
        raise DeviceError(f"the module says that its sensor does not work (29): {_POWER_OFF}")
    if confirmation == Confirmation.REFUSED:
        raise DeviceError(f"the module refuses to work, illegal data (35): {_POWER_OFF}")


def name_of(way: Way, shown: bytes) -> str:
    """Say what an entry of the trace is: a command's payload, or a packet's head and answer."""
    if way is Way.OUT:
        return Opcode(shown[0]).name
    kind, payload_bytes = _HEAD.unpack_from(shown)
    return f"{Kind(kind).name} of {payload_bytes} bytes"

"""A simulated zfm module: the real bytes from the other end, on a pseudo-terminal.

Its knobs are physical: a finger on the glass, the plug, the line's faults, what the module answers.
They may be turned from any thread; one thread of its own does everything else.

    with ZfmPeer(plan=DEMO_PLAN) as peer:
        reader = open_reader(Config(port=peer.port, ...))
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Final, Self

from drivers.errors import ProtocolViolation
from drivers.peers.line_faults import Fault, damaged
from drivers.peers.presses import Person, Press, Skin
from drivers.peers.uart import Interrupted, Uart
from drivers.zfm_packets import (
    BAUD_STEP,
    OVERHEAD_BYTES,
    PACKET_SIZES_BYTES,
    Confirmation,
    Kind,
    Opcode,
    Packet,
    PacketParser,
    Register,
    SystemParameters,
    pack_4bit,
    stream,
)

PLUG_LIMIT_S: Final = 10.0
HEARD_MAX: Final = 10_000
UNKNOWN_COMMAND: Final = Confirmation.BAD_PACKET


class BaudChange(Enum):
    """When a new speed takes effect; users met all of these (pyfingerprint issue 41)."""

    AT_ONCE = "at once"
    AFTER_POWER_OFF = "after power-off"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Heard:
    """One command as the module received it, `time.monotonic` when it was whole."""

    at_s: float
    opcode: int
    parameters: bytes


class ZfmPeer:
    """One simulated module, plugged in from the start; a context manager that unplugs it for good.

    Args:
        plan: the presses of a simulated person, repeated for ever; () for a glass that only `put`
            and `lift` touch.
        delay_s: how long the person takes to press once the reader polls.
        throttled: False delivers as fast as the terminal takes it.
        exposure_s: how long GetImage takes.
        password: what VfyPwd must bring; commands before it are refused unless it is 0.
        power_up_junk: bytes before the first answer after power-up.
        garbles: at a wrong speed it answers noise; False: it stays silent.
        folder: where the port appears, as `zfm`; None for a temporary one.

    Attributes:
        port: path of the port, the same after it was plugged in again.
        deaf: it answers nothing at all while this is True.
    """

    def __init__(
        self,
        *,
        width_px: int = 256,
        height_px: int = 288,
        bits: int = 4,
        resolution_ppi: int = 500,
        baud: int = 57600,
        packet_bytes: int = 128,
        throttled: bool = False,
        plan: Sequence[Press] = (),
        delay_s: float = 1.0,
        exposure_s: float = 0.0,
        password: int = 0,
        power_up_junk: bytes = b"",
        garbles: bool = True,
        baud_change: BaudChange = BaudChange.AT_ONCE,
        folder: Path | None = None,
    ) -> None:
        self._own_folder = None if folder else tempfile.TemporaryDirectory(prefix="anxin-zfm-")
        self.port = (folder or Path(self._own_folder.name if self._own_folder else "")) / "zfm"
        self.deaf = False
        self._size_px = width_px * height_px
        self._bits = bits
        self._exposure_s = exposure_s
        self._password = password
        self._junk = power_up_junk
        self._garbles = garbles
        self._baud_change = baud_change
        self._delay_s = delay_s
        self._flash_baud = baud
        self._flash_packet_bytes = packet_bytes

        self._turned = Condition()
        self._plugged_wanted = True
        self._closing = False
        # A soak run polls for days.
        self._heard: deque[Heard] = deque(maxlen=HEARD_MAX)
        self._faults: list[tuple[Fault, int]] = []
        self._forced: dict[int, list[int | None]] = {}
        self._glass: bytes | None = None
        self._skin = Skin(width_px, height_px, resolution_ppi)
        self._person = Person(plan, self._skin, delay_s)

        self._uart = Uart(self.port, baud, throttled=throttled)
        self._parser = PacketParser()
        self._power_up()
        self._uart.plug()
        self._thread = Thread(target=self._run, name="zfm-peer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unplug for good and end the thread. Closing twice is allowed."""
        if self._closing:
            return
        self._closing = True
        self._uart.interrupt()
        self._thread.join()
        self._uart.close()
        self._skin.close()
        if self._own_folder:
            self._own_folder.cleanup()

    # Knobs: from any thread.

    def put(self, pixels: bytes) -> None:
        """Lay something on the glass: 8-bit pixels, rows from the top; it stays until `lift`."""
        if len(pixels) != self._size_px:
            raise ValueError(f"{len(pixels)} bytes for {self._size_px} px")
        self._glass = pixels

    def lift(self) -> None:
        """Clear the glass."""
        self._glass = None

    def start_plan(self, plan: Sequence[Press]) -> None:
        """Let another person come, with this plan."""
        self._person = Person(plan, self._skin, self._delay_s)

    def harm(self, *faults: Fault) -> None:
        """Damage the next uploads."""
        with self._turned:
            self._faults += ((fault, fault.uploads) for fault in faults)

    def force(self, opcode: int, *confirmations: int | None) -> None:
        """Answer the next commands of this kind so; None is no answer at all."""
        with self._turned:
            self._forced.setdefault(opcode, []).extend(confirmations)

    def unplug(self) -> None:
        """Pull the plug; returns when the port is gone."""
        self._turn_plug(plugged=False)

    def replug(self) -> None:
        """Plug it in again, at the same path; what was not in flash is forgotten."""
        self._turn_plug(plugged=True)

    @property
    def plugged(self) -> bool:
        """Whether the port exists."""
        return self._uart.plugged

    @property
    def baud(self) -> int:
        """The module's own speed now."""
        return self._uart.baud

    @property
    def heard(self) -> list[Heard]:
        """The last commands, oldest first."""
        with self._turned:
            return list(self._heard)

    def heard_opcodes(self) -> Counter[int]:
        """Return how often each command came."""
        return Counter(heard.opcode for heard in self.heard)

    # From here on: the peer's own thread.

    def _turn_plug(self, *, plugged: bool) -> None:
        with self._turned:
            self._plugged_wanted = plugged
            self._uart.interrupt()
            if not self._turned.wait_for(lambda: self._uart.plugged is plugged, PLUG_LIMIT_S):
                raise TimeoutError("the peer's thread does not answer")

    def _run(self) -> None:
        while not self._closing:
            try:
                self._obey_plug()
                while True:
                    self._listen()
            except Interrupted:
                continue

    def _obey_plug(self) -> None:
        with self._turned:
            if self._plugged_wanted and not self._uart.plugged:
                self._power_up()
                self._uart.plug()
            elif self._uart.plugged and not self._plugged_wanted:
                self._uart.unplug()
            self._turned.notify_all()

    def _power_up(self) -> None:
        self._verified = self._password == 0
        self._buffer: bytes | None = None
        self._lifted = True
        self._junk_left = self._junk
        self._uart.baud = self._flash_baud
        self._packet_bytes = self._flash_packet_bytes
        self._parser.clear()

    def _listen(self) -> None:
        received = self._uart.receive()
        if self.deaf:
            return
        if self._uart.client_baud != self._uart.baud:
            # What arrives at another speed is no byte of ours; nor is what we answer.
            self._parser.clear()
            if self._garbles:
                self._uart.send(random.Random(len(received)).randbytes(len(received)))  # noqa: S311
            return
        self._parser.feed(received)
        while True:
            try:
                packet = self._parser.next_packet()
            except ProtocolViolation:
                self._acknowledge(Confirmation.BAD_PACKET)
                continue
            if packet is None:
                return
            if packet.kind is Kind.COMMAND and packet.payload:
                self._obey(packet)

    def _obey(self, packet: Packet) -> None:
        opcode, parameters = packet.payload[0], packet.payload[1:]
        with self._turned:
            self._heard.append(Heard(time.monotonic(), opcode, parameters))
            forced = self._forced.get(opcode)
            confirmation = forced.pop(0) if forced else -1
        heard_bytes = OVERHEAD_BYTES + len(packet.payload)
        if confirmation is None:
            return
        if confirmation >= 0:
            self._acknowledge(confirmation, heard_bytes=heard_bytes)
        elif opcode == Opcode.VFY_PWD:
            self._verified = int.from_bytes(parameters) == self._password
            answer = Confirmation.OK if self._verified else Confirmation.WRONG_PASSWORD
            self._acknowledge(answer, heard_bytes=heard_bytes)
        elif not self._verified:
            self._acknowledge(Confirmation.VERIFY_FIRST, heard_bytes=heard_bytes)
        elif opcode == Opcode.SET_SYS_PARA:
            self._set(parameters, heard_bytes)
        elif opcode == Opcode.UP_IMAGE:
            self._upload(heard_bytes)
        else:
            self._acknowledge(*self._simple(opcode), heard_bytes=heard_bytes)

    def _simple(self, opcode: int) -> tuple[int, bytes]:
        """Return confirmation and results of a command that changes no speed and sends no image."""
        if opcode == Opcode.GET_IMAGE:
            return self._take(), b""
        if opcode == Opcode.IMG_2_TZ:
            taken = self._buffer is not None
            return (Confirmation.OK if taken else Confirmation.NO_VALID_IMAGE), b""
        if opcode == Opcode.READ_SYS_PARA:
            parameters = SystemParameters(
                0, 9, 200, 3, 0xFFFFFFFF, self._packet_bytes, self._flash_baud
            )
            return Confirmation.OK, parameters.to_bytes()
        return UNKNOWN_COMMAND, b""

    def _take(self) -> int:
        self._uart.rest(self._exposure_s)
        pixels = self._glass or self._person.pixels(time.monotonic())
        if pixels is None:
            return Confirmation.NO_FINGER
        self._buffer, self._lifted = pixels, False
        return Confirmation.OK

    def _set(self, parameters: bytes, heard_bytes: int) -> None:
        register, value = parameters[0], parameters[1]
        known = (register == Register.BAUD and 1 <= value <= 12) or (
            register == Register.PACKET_SIZE and value < len(PACKET_SIZES_BYTES)
        )
        answer = Confirmation.OK if known else Confirmation.BAD_REGISTER
        self._acknowledge(answer, heard_bytes=heard_bytes)
        if known and register == Register.PACKET_SIZE:
            self._packet_bytes = self._flash_packet_bytes = PACKET_SIZES_BYTES[value]
        elif known and self._baud_change is not BaudChange.NEVER:
            self._flash_baud = value * BAUD_STEP
            if self._baud_change is BaudChange.AT_ONCE:
                self._uart.baud = self._flash_baud

    def _upload(self, heard_bytes: int) -> None:
        if self._buffer is None:
            self._acknowledge(Confirmation.CANNOT_SEND, heard_bytes=heard_bytes)
            return
        self._acknowledge(Confirmation.OK, heard_bytes=heard_bytes)
        if not self._lifted:
            self._person.lift()
            self._lifted = True
        content = pack_4bit(self._buffer) if self._bits == 4 else self._buffer
        packets = list(stream(content, self._packet_bytes))
        for piece in damaged(packets, self._due_faults()):
            self._uart.send(piece.content)
            if piece.unplug:
                with self._turned:
                    self._plugged_wanted = False
                raise Interrupted
            self._uart.rest(piece.stall_s)

    def _due_faults(self) -> list[Fault]:
        with self._turned:
            due = [fault for fault, _ in self._faults]
            self._faults = [(fault, left - 1) for fault, left in self._faults if left > 1]
        return due

    def _acknowledge(self, confirmation: int, result: bytes = b"", *, heard_bytes: int = 0) -> None:
        frame = Packet(Kind.ACKNOWLEDGE, bytes((confirmation,)) + result).to_bytes()
        junk, self._junk_left = self._junk_left, b""
        self._uart.send(junk + frame, heard_bytes=heard_bytes)

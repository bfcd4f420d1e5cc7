"""A simulated zfm module: the real bytes from the other end, on a pseudo-terminal.

Its knobs are physical: a finger on the glass, the plug, the line's faults, what the module is.
They may be turned from any thread; one thread of its own does everything else. What the module
answers is `drivers.peers.zfm_module`; here is when it does, and how the bytes arrive.

    with ZfmPeer(plan=DEMO_PLAN) as peer:
        reader = open_reader(Config(port=peer.port, ...))
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from drivers.errors import ProtocolViolation
from drivers.peers.glass import EmptyGlass, Glass
from drivers.peers.line_faults import Fault, Noise, damaged
from drivers.peers.plug import Plug
from drivers.peers.presses import Press
from drivers.peers.script import Heard, Script
from drivers.peers.uart import BaudChange, Uart
from drivers.peers.zfm_module import AWAKE, LOOKS, Answer, Make, Module
from drivers.zfm_packets import (
    ANY_ADDRESS,
    OVERHEAD_BYTES,
    Confirmation,
    Kind,
    Packet,
    PacketParser,
    stream,
)

DELIVERED_MAX: Final = 8

UNKNOWN_PASSWORD: Final = 0x5EC1_0CED


class ZfmPeer:
    """One simulated module, plugged in from the start; a context manager that unplugs it for good.

    Args:
        plan: the presses of a simulated person, repeated for ever; () for a glass that only `put`
            and `lift` touch.
        delay_s: how long the person takes to press once the reader polls.
        throttled: False delivers as fast as the terminal takes it.
        exposure_s: how long GetImage takes.
        address: the module's own; what is sent to another one is ignored.
        password: what VfyPwd must bring; commands before it are refused unless it is 0.
        make: what the maker built in: its commands, its parameters, its names.
        power_up_junk: bytes before the first answer after power-up.
        dead_s: it hears nothing for so long after power-up.
        garbles: at a wrong speed it answers noise; False: it stays silent.
        baud_change, baud_delay_s: when a new speed takes effect.
        folder: where the port appears, as `zfm`; None for a temporary one.

    Attributes:
        port: path of the port, the same after it was plugged in again.
        deaf: it answers nothing at all while this is True; power-up cures it.
        noise: the line hits each byte, in both directions, at this rate; None for a clean line.
        delivered: the last images' bytes as the line delivered them, damage and all.
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
        address: int = ANY_ADDRESS,
        password: int = 0,
        make: Make = Make(),  # noqa: B008 - frozen
        power_up_junk: bytes = b"",
        dead_s: float = 0.0,
        garbles: bool = True,
        baud_change: BaudChange = BaudChange.AT_ONCE,
        baud_delay_s: float = 0.5,
        folder: Path | None = None,
    ) -> None:
        self._own_folder = None if folder else tempfile.TemporaryDirectory(prefix="anxin-zfm-")
        self.port = (folder or Path(self._own_folder.name if self._own_folder else "")) / "zfm"
        self.deaf = False
        self.noise: Noise | None = None
        self._exposure_s = exposure_s
        self._junk = power_up_junk
        self._dead_s = dead_s
        self._garbles = garbles
        self._baud_change = baud_change
        self._baud_delay_s = baud_delay_s

        self._script = Script()
        self.delivered: deque[bytearray] = deque(maxlen=DELIVERED_MAX)
        self._glass = Glass(width_px, height_px, resolution_ppi, delay_s)
        self._glass.start_plan(plan)
        self._module = Module(
            look=lambda: self._glass.look(time.monotonic()),
            size_px=(width_px, height_px), bits=bits, make=make, address=address,
            password=password, flash_baud=baud, packet_bytes=packet_bytes,
        )  # fmt: skip

        self._uart = Uart(self.port, baud, throttled=throttled)
        self._parser = PacketParser(address)
        self._plug = Plug("zfm-peer", self._uart, self._power_up, self._listen)
        self._plug.start()

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
        if not self._plug.close():
            return
        self._glass.close()
        if self._own_folder:
            self._own_folder.cleanup()

    # Knobs: from any thread.

    def put(self, pixels: bytes) -> None:
        """Lay something on the glass: 8-bit pixels, rows from the top; it stays until `lift`."""
        self._glass.put(pixels)

    def lift(self) -> None:
        """Clear the glass."""
        self._glass.lift()

    @property
    def finger_present(self) -> bool:
        """Whether something lies on the glass."""
        return self._glass.finger_present

    def start_plan(self, plan: Sequence[Press]) -> None:
        """Let another person come, with this plan."""
        self._glass.start_plan(plan)

    def leave_glass(self, empty: EmptyGlass) -> None:
        """Say what GetImage brings from now on when nothing lies on the glass."""
        self._glass.empty = empty

    def lock(self, *, locked: bool) -> None:
        """Give it a password that nobody here knows, or take it away."""
        self._module.lock(UNKNOWN_PASSWORD if locked else 0)

    def harm(self, *faults: Fault) -> None:
        """Damage the next uploads."""
        self._script.harm(*faults)

    def heal(self) -> None:
        """Take back every fault that waits, every forced answer, noise and deafness."""
        self._script.forget()
        self.noise, self.deaf = None, False

    def force(self, opcode: int, *confirmations: int | None) -> None:
        """Answer the next commands of this kind so; None is no answer at all."""
        self._script.force(opcode, *confirmations)

    def unplug(self) -> None:
        """Pull the plug; returns when the port is gone."""
        self._plug.turn(plugged=False)

    def replug(self) -> None:
        """Plug it in again, at the same path; what was not in flash is forgotten."""
        self._plug.turn(plugged=True)

    @property
    def plugged(self) -> bool:
        """Whether the port exists, and nobody is pulling it."""
        return self._plug.plugged

    @property
    def baud(self) -> int:
        """The module's own speed now."""
        due = time.monotonic() >= self._baud_at_s
        return self._module.flash_baud if due else self._uart.baud

    @property
    def heard(self) -> list[Heard]:
        """The last commands, oldest first."""
        return self._script.heard

    def heard_opcodes(self) -> Counter[int]:
        """Return how often each command came."""
        return Counter(heard.opcode for heard in self.heard)

    # From here on: the peer's own thread.

    def _power_up(self) -> None:
        self.deaf = False
        self._alive_at_s = time.monotonic() + self._dead_s
        self._baud_at_s = math.inf
        self._junk_left = self._junk
        self._uart.baud = self._module.flash_baud
        self._module.power_up()
        self._parser.clear()

    def _listen(self) -> None:
        received = self._uart.receive()
        if self.deaf or time.monotonic() < self._alive_at_s:
            return
        if time.monotonic() >= self._baud_at_s:
            self._uart.baud, self._baud_at_s = self._module.flash_baud, math.inf
        if self._uart.client_baud != self._uart.baud:
            # What arrives at another speed is no byte of ours; nor is what we answer.
            self._parser.clear()
            if self._garbles:
                self._uart.send(random.Random(len(received)).randbytes(len(received)))  # noqa: S311
            return
        self._parser.feed(self._hit(received))
        while not self.deaf:
            try:
                packet = self._parser.next_packet()
            except ProtocolViolation:
                self._acknowledge(Answer(Confirmation.BAD_PACKET))
                continue
            if packet is None:
                return
            if packet.kind is Kind.COMMAND and packet.payload:
                self._obey(packet)

    def _obey(self, packet: Packet) -> None:
        forced, confirmation = self._script.hear(packet.payload[0], packet.payload[1:])
        if forced and confirmation is None:
            return
        answer = Answer(confirmation or 0) if forced else self._answer(packet)
        self._acknowledge(answer, heard_bytes=OVERHEAD_BYTES + len(packet.payload))
        if answer.content is not None:
            self._send_content(answer)
        if answer.baud:
            self._change_baud(answer.baud)
        if answer.restarts:
            self._power_up()
            self._uart.rest(self._dead_s)
            self._send(AWAKE)

    def _answer(self, packet: Packet) -> Answer:
        if packet.payload[0] in LOOKS:
            self._uart.rest(self._exposure_s)
        return self._module.answer(packet)

    def _change_baud(self, baud: int) -> None:
        if self._baud_change is BaudChange.NEVER:
            return
        self._module.flash_baud = baud
        if self._baud_change is BaudChange.AT_ONCE:
            self._uart.baud = baud
        elif self._baud_change is BaudChange.AFTER_DELAY:
            self._baud_at_s = time.monotonic() + self._baud_delay_s

    def _send_content(self, answer: Answer) -> None:
        packets = list(
            stream(answer.content or b"", self._module.packet_bytes, self._module.address)
        )
        if not answer.image:
            self._send(b"".join(packet.to_bytes() for packet in packets))
            return
        arrived = bytearray()
        self.delivered.append(arrived)
        for piece in damaged(packets, self._script.due_faults()):
            # Before it is sent: whoever has an image may look at once at how it came.
            arrives = self._hit(piece.content)
            arrived += arrives
            self._uart.send(arrives)
            if piece.unplug:
                self._plug.pull()
            if piece.stall_s == math.inf:
                self.deaf = True
                return
            self._uart.rest(piece.stall_s)
        # Only now: whose image was cut off gives the same finger again.
        self._glass.fetched()

    def _acknowledge(self, answer: Answer, *, heard_bytes: int = 0) -> None:
        payload = bytes((answer.confirmation,)) + answer.result
        frame = Packet(Kind.ACKNOWLEDGE, payload, self._module.address).to_bytes()
        junk, self._junk_left = self._junk_left, b""
        self._send(junk + frame, heard_bytes=heard_bytes)

    def _send(self, content: bytes, *, heard_bytes: int = 0) -> None:
        self._uart.send(self._hit(content), heard_bytes=heard_bytes)

    def _hit(self, content: bytes) -> bytes:
        noise = self.noise
        return noise.over(content) if noise else content

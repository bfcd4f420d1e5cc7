"""A simulated gt521 module: the real bytes from the other end, on a pseudo-terminal.

Its knobs are physical: a finger on the glass, the plug, the line's faults, what the module is.
They may be turned from any thread; one thread of its own does everything else. What the module
answers is `drivers.peers.gt521_module`; here is when it does, and how the bytes arrive.

    with Gt521Peer(plan=DEMO_PLAN) as peer:
        reader = open_reader(Config(port=peer.port, ...))
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.errors import ProtocolViolation
from drivers.gt521_packets import MESSAGE_BYTES, Answer, Content, Message, PacketParser, Refusal
from drivers.peers.glass import EmptyGlass, Glass
from drivers.peers.gt521_module import POWER_UP_BAUD, Make, Module, Reply
from drivers.peers.line_faults import Fault, Harm, Noise, Piece, damaged_bytes
from drivers.peers.plug import Plug
from drivers.peers.presses import Press
from drivers.peers.script import Heard, Script
from drivers.peers.uart import BaudChange, Uart


class Gt521Peer:
    """One simulated module, plugged in from the start; a context manager that unplugs it for good.

    Args:
        bits: 8, as this family sends its images.
        baud: its speed now; after each power-up it is back at 9600.
        plan: the presses of a simulated person, repeated for ever; () for a glass that only `put`
            and `lift` touch.
        delay_s: how long the person takes to press once the reader polls.
        throttled: False delivers as fast as the terminal takes it.
        exposure_s: how long Capture takes.
        make: what the maker built in.
        power_up_junk: bytes before the first answer after power-up.
        dead_s: it hears nothing for so long after power-up.
        garbles: at a wrong speed it answers noise; False: it stays silent.
        baud_change, baud_delay_s: when a new speed takes effect. After power-off there is none.
        folder: where the port appears, as `gt521`; None for a temporary one.

    Attributes:
        port: path of the port, the same after it was plugged in again.
        deaf: it answers nothing at all while this is True; power-up cures it.
        noise: the line hits each byte, in both directions, at this rate; None for a clean line.
    """

    def __init__(
        self,
        *,
        width_px: int = 202,
        height_px: int = 258,
        bits: int = 8,
        resolution_ppi: int = 450,
        baud: int = POWER_UP_BAUD,
        throttled: bool = False,
        plan: Sequence[Press] = (),
        delay_s: float = 1.0,
        exposure_s: float = 0.0,
        make: Make = Make(),  # noqa: B008 - frozen
        power_up_junk: bytes = b"",
        dead_s: float = 0.0,
        garbles: bool = True,
        baud_change: BaudChange = BaudChange.AT_ONCE,
        baud_delay_s: float = 0.5,
        folder: Path | None = None,
    ) -> None:
        if bits != 8:
            raise ValueError(f"this family sends a byte a pixel, not {bits} bits")
        self._own_folder = None if folder else tempfile.TemporaryDirectory(prefix="anxin-gt521-")
        self.port = (folder or Path(self._own_folder.name if self._own_folder else "")) / "gt521"
        self.deaf = False
        self.noise: Noise | None = None
        self._exposure_s = exposure_s
        self._junk = power_up_junk
        self._dead_s = dead_s
        self._garbles = garbles
        self._baud_change = baud_change
        self._baud_delay_s = baud_delay_s

        self._script = Script()
        self._glass = Glass(width_px, height_px, resolution_ppi, delay_s)
        self._glass.start_plan(plan)
        self._module = Module(
            look=lambda: self._glass.look(time.monotonic()),
            size_px=(width_px, height_px),
            make=make,
        )

        self._uart = Uart(self.port, baud, throttled=throttled)
        self._parser = PacketParser()
        self._first_baud = baud
        self._plug = Plug("gt521-peer", self._uart, self._power_up, self._listen)
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

    @property
    def lit(self) -> bool:
        """Whether the light under the glass is on."""
        return self._module.lit

    def start_plan(self, plan: Sequence[Press]) -> None:
        """Let another person come, with this plan."""
        self._glass.start_plan(plan)

    def leave_glass(self, empty: EmptyGlass) -> None:
        """Say what Capture brings from now on when nothing lies on the glass."""
        self._glass.empty = empty

    def harm(self, *faults: Fault) -> None:
        """Damage the next images; the only packet of an image is number 0."""
        self._script.harm(*faults)

    def heal(self) -> None:
        """Take back every fault that waits, every forced answer, noise and deafness."""
        self._script.forget()
        self.noise, self.deaf = None, False

    def force(self, command: int, *refusals: int | None) -> None:
        """Refuse the next commands of this kind with these errors; None is no answer at all."""
        self._script.force(command, *refusals)

    def unplug(self) -> None:
        """Pull the plug; returns when the port is gone."""
        self._plug.turn(plugged=False)

    def replug(self) -> None:
        """Plug it in again, at the same path: it is at 9600 baud, dark and not opened."""
        self._plug.turn(plugged=True)

    @property
    def plugged(self) -> bool:
        """Whether the port exists."""
        return self._plug.plugged

    @property
    def baud(self) -> int:
        """The module's own speed now."""
        return self._due_baud if time.monotonic() >= self._baud_at_s else self._uart.baud

    @property
    def heard(self) -> list[Heard]:
        """The last commands, oldest first; `opcode` is the command's code."""
        return self._script.heard

    def heard_opcodes(self) -> Counter[int]:
        """Return how often each command came."""
        return Counter(heard.opcode for heard in self.heard)

    # From here on: the peer's own thread.

    def _power_up(self) -> None:
        self.deaf = False
        self._alive_at_s = time.monotonic() + self._dead_s
        self._due_baud, self._baud_at_s = POWER_UP_BAUD, math.inf
        self._junk_left = self._junk
        self._uart.baud, self._first_baud = self._first_baud, POWER_UP_BAUD
        self._module.power_up()
        self._parser.clear()

    def _listen(self) -> None:
        received = self._uart.receive()
        if self.deaf or time.monotonic() < self._alive_at_s:
            return
        if time.monotonic() >= self._baud_at_s:
            self._uart.baud, self._baud_at_s = self._due_baud, math.inf
        if self._uart.client_baud != self._uart.baud:
            # What arrives at another speed is no byte of ours; nor is what we answer.
            self._parser.clear()
            if self._garbles:
                self._uart.send(random.Random(len(received)).randbytes(len(received)))  # noqa: S311
            return
        self._parser.feed(self.noise.over(received) if self.noise else received)
        while not self.deaf:
            try:
                packet = self._parser.next_packet()
            except ProtocolViolation:
                self._send(Message(Answer.NACK, Refusal.DAMAGED).to_bytes())
                continue
            if packet is None:
                return
            if isinstance(packet, Message):
                self._obey(packet)

    def _obey(self, command: Message) -> None:
        forced, refusal = self._script.hear(command.code, command.parameter.to_bytes(4, "little"))
        if forced and refusal is None:
            return
        reply = Reply(Message(Answer.NACK, refusal or 0)) if forced else self._reply(command)
        junk, self._junk_left = self._junk_left, b""
        self._send(junk + reply.answer.to_bytes(), heard_bytes=MESSAGE_BYTES)
        if reply.content is not None:
            self._send_content(reply, reply.content)
        if reply.baud:
            self._change_baud(reply.baud)

    def _reply(self, command: Message) -> Reply:
        if self._module.captures(command):
            self._uart.rest(self._exposure_s)
        return self._module.reply(command)

    def _change_baud(self, baud: int) -> None:
        if self._baud_change is BaudChange.AT_ONCE:
            self._uart.baud = baud
        elif self._baud_change is BaudChange.AFTER_DELAY:
            self._due_baud, self._baud_at_s = baud, time.monotonic() + self._baud_delay_s

    def _send_content(self, reply: Reply, content: bytes) -> None:
        frame = Content(content).to_bytes()
        if not reply.image:
            self._send(frame)
            return
        for piece in damaged_image(frame, self._script.due_faults()):
            self._send(piece.content)
            if piece.unplug:
                self._plug.pull()
            if piece.stall_s == math.inf:
                self.deaf = True
                return
            self._uart.rest(piece.stall_s)
        # Only now: whose image was cut off gives the same finger again.
        self._glass.fetched()

    def _send(self, content: bytes, *, heard_bytes: int = 0) -> None:
        noise = self.noise
        self._uart.send(noise.over(content) if noise else content, heard_bytes=heard_bytes)


def damaged_image(frame: bytes, faults: Sequence[Fault]) -> list[Piece]:
    """Return what the line delivers instead of an image's only packet."""
    line = frame
    for fault in faults:
        line = _harmed(line, fault)
    return damaged_bytes(line, faults)


def _harmed(frame: bytes, fault: Fault) -> bytes:
    match fault.harm:
        case Harm.LOSE_PACKET:
            return b""
        case Harm.DOUBLE_PACKET:
            return frame * 2
        case Harm.GARBAGE:
            return fault.noise + frame
        case Harm.WRONG_TOTAL:
            payload = frame[4:-2]
            size = max(1, len(payload) + fault.value)
            return Content(payload[:size].ljust(size, b"\x5a")).to_bytes()
        case Harm.LOSE_AND_DOUBLE | Harm.NO_END | Harm.WRONG_LENGTH:
            raise ValueError(f"an image of one packet knows no {fault.harm.name}")
        case _:
            return frame

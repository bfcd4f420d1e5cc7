"""What the tests of the gt521 family share: a small glass, its driver, and a wire in memory."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any
from unittest.mock import patch

from drivers.errors import DeviceAbsent
from drivers.gt521_packets import Answer, Command, Content, Message, PacketParser
from drivers.peers.glass import Sight
from drivers.peers.gt521 import Gt521Peer, damaged_image
from drivers.peers.gt521_module import Make, Module
from drivers.peers.line_faults import Fault
from drivers.readers.gt521 import Config, Gt521Reader, open_reader
from drivers.serial_drain import drain

# Small, so that a slow line is quick.
WIDTH_PX, HEIGHT_PX = 96, 64
SIZE = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}
IMAGE_BYTES = WIDTH_PX * HEIGHT_PX
WIRE_WIDTH_PX, WIRE_HEIGHT_PX = 32, 32


def random_pixels(width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX, seed: int = 1) -> bytes:
    """Return pixels, no two pieces of which are alike."""
    return random.Random(seed).randbytes(width_px * height_px)


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


def config(port: object, **options: object) -> Config:
    """Return the options of a module under test: it waits less long than in the field."""
    given: dict[str, Any] = {
        "port": str(port), "model": "test", "resolution_ppi": 450, "handshake_s": 0.5,
        "answer_s": 3.0, "poll_s": 0.01,
    }  # fmt: skip
    return Config.model_validate(given | options)


@contextmanager
def opened(peer: Gt521Peer, **options: object) -> Iterator[Gt521Reader]:
    """Open the driver on a peer, and close it."""
    reader = open_reader(config(peer.port, **options))
    try:
        yield reader
    finally:
        reader.close()


class Wire:
    """A serial line in memory with a module at its end: silence costs no time on it.

    Args:
        pixels: what lies on the glass; None for nothing.
        faults: for each upload what happens to it; the last entry counts for all that follow.
        piece_bytes: in pieces of what size the line delivers.
        module_baud: the module's own speed.
        keeps_speed: it says yes to ChangeBaud and does nothing.
        changes_speed_after: it changes its speed when so many more commands were sent to it.

    Attributes:
        heard: every command that arrived.
        refusals: for each command what it is answered next: a refusal, or None for silence.
        deaf: it answers nothing at all.
        echoes: a line of one wire: what is said comes back before the answer.
        lit: whether the light is on.
    """

    path = "wire"
    speed_fixed = False

    def __init__(
        self,
        pixels: bytes | None,
        faults: Sequence[Sequence[Fault]] = ((),),
        *,
        size_px: tuple[int, int] = (WIRE_WIDTH_PX, WIRE_HEIGHT_PX),
        piece_bytes: int = 4096,
        make: Make = Make(),  # noqa: B008 - frozen
        module_baud: int = 9600,
        keeps_speed: bool = False,
        changes_speed_after: int = 0,
    ) -> None:
        self.baud = 0
        self.heard: list[Message] = []
        self.refusals: dict[int, list[int | None]] = {}
        self.deaf = False
        self.echoes = False
        self.pixels = pixels
        self.module_baud = module_baud
        self._module = Module(look=self._look, size_px=size_px, make=make)
        self._parser = PacketParser()
        self._keeps_speed = keeps_speed
        self._lateness = changes_speed_after
        self._due: tuple[int, int] | None = None
        self._faults = faults
        self._uploads = count()
        self._piece_bytes = piece_bytes
        self._coming: deque[bytes | float] = deque()
        self._unplugged = False

    @property
    def lit(self) -> bool:
        """Whether the light under the glass is on."""
        return self._module.lit

    def times(self, command: Command) -> int:
        """Return how often a command came."""
        return sum(message.code == command for message in self.heard)

    def write(self, content: bytes) -> None:
        """Take a command and let the module answer it."""
        if self._unplugged:
            raise DeviceAbsent(self.path)
        if self.deaf:
            return
        if self.echoes:
            self._deliver(content)
        if self._due:
            baud, left = self._due
            self._due = (baud, left - 1) if left else None
            self.module_baud = self.module_baud if left else baud
        if self.baud != self.module_baud:
            self._coming.append(b"?" * len(content))
            return
        self._parser.feed(content)
        while isinstance(command := self._parser.next_packet(), Message):
            self.heard.append(command)
            self._obey(command)

    def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
        """Return the next piece, or b"" if the line is silent for so long."""
        if not self._coming:
            return b""
        if isinstance(silent_s := self._coming[0], float):
            if silent_s == math.inf and limit_s >= 0:
                self._unplugged = True
            if self._unplugged:
                raise DeviceAbsent(self.path)
            if silent_s > max(limit_s, 0.0):
                self._coming[0] = silent_s - max(limit_s, 0.0)
                return b""
            self._coming.popleft()
            return self.read(limit_s - silent_s, rest_s)
        piece = self._coming.popleft()
        assert isinstance(piece, bytes)
        return piece

    def drop_input(self) -> None:
        """Forget what has arrived."""
        while self._coming and isinstance(self._coming[0], bytes):
            self._coming.popleft()

    def drain(self, silence_s: float, limit_s: float) -> int:
        """Read until silence."""
        return drain(self, silence_s, limit_s)

    def close(self) -> None:
        """Nothing is held."""

    def lose_power(self) -> None:
        """Let the module forget everything, unnoticed."""
        self._module.power_up()
        self.module_baud = 9600

    def _look(self) -> Sight | None:
        return None if self.pixels is None else Sight(self.pixels)

    def _obey(self, command: Message) -> None:
        forced = self.refusals.get(command.code)
        if forced:
            if (refusal := forced.pop(0)) is not None:
                self._deliver(Message(Answer.NACK, refusal).to_bytes())
            return
        reply = self._module.reply(command)
        self._deliver(reply.answer.to_bytes())
        if reply.image and reply.content:
            self._deliver_image(Content(reply.content).to_bytes())
        elif reply.content:
            self._deliver(Content(reply.content).to_bytes())
        if reply.baud and not self._keeps_speed:
            self._due = (reply.baud, self._lateness)

    def _deliver(self, content: bytes) -> None:
        for start in range(0, len(content), self._piece_bytes):
            self._coming.append(content[start : start + self._piece_bytes])

    def _deliver_image(self, frame: bytes) -> None:
        faults = self._faults[min(next(self._uploads), len(self._faults) - 1)]
        for piece in damaged_image(frame, faults):
            self._deliver(piece.content)
            if piece.unplug:
                self._coming.append(math.inf)
                return
            if piece.stall_s:
                self._coming.append(piece.stall_s)


def on_wire(wire: Wire, **options: object) -> Gt521Reader:
    """Open the driver on a line in memory, whose size only the model's file knows."""

    def put_through(_address: str, baud: int) -> Wire:
        wire.baud = baud
        return wire

    given = {"width_px": WIRE_WIDTH_PX, "height_px": WIRE_HEIGHT_PX, "poll_s": 0.001} | options
    with patch("drivers.readers.gt521.open_port", put_through):
        return open_reader(config("/dev/null", **given))

"""What lies on a simulated reader's glass: a person's finger, a fixed image, a trace, or nothing.

No port, no protocol, no clock: time is told to it. Any peer may hold one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from drivers.peers.presses import Person, Press, Skin

PAPER: Final = 255
LATENT_SHARE: Final = 0.35
"""How much of its contrast a print keeps that was left on the glass."""


class EmptyGlass(Enum):
    """What a look at the empty glass brings; some modules always report a finger.

    Source: Adafruit_CircuitPython_Fingerprint issue 52 (AS608), esphome issue 6350 (R503).
    """

    NOTHING = "the module says that there is no finger"
    BLANK = "the module takes a blank frame for one"
    LATENT = "the module takes what the last finger left for one"


@dataclass(frozen=True, slots=True)
class Sight:
    """One look that brought an image: 8-bit pixels, and what the module says of them."""

    pixels: bytes
    confirmation: int = 0


class Glass:
    """The glass of one reader. Knobs may be turned from any thread; one thread looks.

    Attributes:
        empty: what a look at the empty glass brings.
    """

    def __init__(
        self, width_px: int, height_px: int, resolution_ppi: int, delay_s: float = 1.0
    ) -> None:
        self.empty = EmptyGlass.NOTHING
        self._size_px = width_px * height_px
        self._delay_s = delay_s
        self._fixed: bytes | None = None
        self._left = bytes((PAPER,)) * self._size_px
        self._skin = Skin(width_px, height_px, resolution_ppi)
        self._person = Person((), self._skin, delay_s)
        self._fresh = False

    def put(self, pixels: bytes) -> None:
        """Lay something down: 8-bit pixels, rows from the top; it stays until `lift`."""
        if len(pixels) != self._size_px:
            raise ValueError(f"{len(pixels)} bytes for {self._size_px} px")
        self._fixed = pixels

    def lift(self) -> None:
        """Take away what was put down."""
        self._fixed = None

    def start_plan(self, plan: Sequence[Press]) -> None:
        """Let another person come, with this plan, repeated for ever."""
        self._person = Person(plan, self._skin, self._delay_s)

    @property
    def finger_present(self) -> bool:
        """Whether something lay there when the reader last looked, or was put there since."""
        return self._fixed is not None or self._person.pressing is not None

    def look(self, now_s: float) -> Sight | None:
        """Return what a reader sees at this moment; None for nothing."""
        person = self._person
        pixels = self._fixed or person.pixels(now_s)
        if pixels is not None:
            self._left, self._fresh = pixels, True
            pressing = None if self._fixed else person.pressing
            return Sight(pixels, pressing.confirmation if pressing else 0)
        if self.empty is EmptyGlass.NOTHING:
            return None
        latent = self.empty is EmptyGlass.LATENT
        return Sight(self._left.translate(_FADED) if latent else bytes((PAPER,)) * self._size_px)

    def fetched(self) -> None:
        """The reader has sent the image of the last look: the person may go."""
        if self._fresh:
            self._person.lift()
        self._fresh = False

    def close(self) -> None:
        """Stop growing prints."""
        self._skin.close()


_FADED: Final = bytes(round(PAPER - LATENT_SHARE * (PAPER - grey)) for grey in range(256))

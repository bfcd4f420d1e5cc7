"""The light of a zfm module, where its file says that it has one. Best effort: never a failure.

A ring of light breathes while a finger is awaited; the lamp of an optical module stays on, instead
of flashing with each look. Between taking an image and fetching it nothing is sent: R503 modules
want these commands together (brianrho/FPM pull request 25).

Sources: Adafruit-Fingerprint-Sensor-Library and the R503 manual 1.2.2 (35); the optical modules'
manuals by Adafruit_CircuitPython_Fingerprint (50, 51). On a module without a ring, 35 is an error
(Adafruit_CircuitPython_Fingerprint issues 30, 31 and 45).
"""

from __future__ import annotations

from typing import Final, Literal

from drivers.zfm_line import ZfmLine
from drivers.zfm_packets import Opcode

Wish = tuple[Opcode, tuple[int, ...]]

_BREATHE, _OFF = 1, 4
_SLOWLY: Final = 100
_WHITE: Final = 7
"""No colour that could be taken for praise or blame: nobody has judged the print yet."""

WISHES: Final[dict[str, tuple[Wish, Wish]]] = {
    "aura": (
        (Opcode.AURA_LED, (_BREATHE, _SLOWLY, _WHITE, 0)),
        (Opcode.AURA_LED, (_OFF, 0, _WHITE, 0)),
    ),
    "optical": ((Opcode.LED_ON, ()), (Opcode.LED_OFF, ())),
}
"""How each kind of light is asked to wait for a finger, and to rest."""


class Lamp:
    """The light of one module. One thread uses it, the reader's."""

    def __init__(self, line: ZfmLine, kind: Literal["", "aura", "optical"]) -> None:
        self._line = line
        self._wishes = WISHES.get(kind)
        self._lit = False

    def wait(self) -> None:
        """Show that a finger is awaited. Raises `DeviceAbsent`."""
        if self._wishes and not self._lit:
            self._lit = self._send(self._wishes[0])

    def rest(self) -> None:
        """Go dark. Raises `DeviceAbsent`."""
        if self._wishes and self._lit:
            self._lit = False
            self._send(self._wishes[1])

    def _send(self, wish: Wish) -> bool:
        opcode, parameters = wish
        if self._line.ask_if_known(opcode, *parameters) is None:
            # One refusal is enough: the person at the glass pays for each with her time.
            self._wishes = None
            return False
        return True

"""What staff types at the kiosk: number, PIN and reason, key by key; gone when the sheet closes.

The keys are buttons of the page, so no keyboard, browser history or script ever holds a PIN. It
lives in this memory from the first key to the signature, a minute at most without a touch.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

Sheet = Literal["sign", "shutter", "exception"]
Field = Literal["number", "pin"]

SIGN: Final[Sheet] = "sign"
SHUTTER: Final[Sheet] = "shutter"
EXCEPTION: Final[Sheet] = "exception"
FIELDS: Final[tuple[Field, ...]] = ("number", "pin")
DIGITS: Final = tuple("0123456789")
DELETE: Final = "delete"
DIGITS_MAX: Final = 12
STAYS_S: Final = 60.0
"""A sheet that nobody touches closes: whoever typed a PIN has gone."""


@dataclass(frozen=True, slots=True)
class Pad:
    """An open staff sheet.

    Attributes:
        sheet: what is to be signed: that two pictures show one person, a portrait as it is, or why
            a finger is not given.
        mark: of the screen on which it was opened; on another it is closed.
        asked: where the next digit goes.
        number, pin: digits so far.
        reason: code of the reason that was chosen, "" if none is.
        until: code of how long the reason lasts ("" if none is chosen); of fingers only.
        position: of the finger that is signed for, "" for the first that is open.
        refused: number and PIN did not belong together.
        wait_s: how long the next try must wait then, 0.0 if it need not.
        incomplete: something was to be signed before everything was given.
    """

    sheet: Sheet
    mark: str
    asked: Field = "number"
    number: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    reason: str = ""
    until: str = ""
    position: str = ""
    refused: bool = False
    wait_s: float = 0.0
    incomplete: bool = False

    @property
    def complete(self) -> bool:
        """Is everything there that a signature needs?"""
        reason = self.sheet == SIGN or bool(self.reason)
        until = self.sheet != EXCEPTION or bool(self.until)
        return bool(self.number and self.pin) and reason and until


class Pads:
    """Holds the one open sheet of the one screen."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._token = ""
        self._pad: Pad | None = None
        self._touched_at_s = 0.0

    def of(self, token: str, mark: str) -> Pad | None:
        """Return the sheet that is open on this screen of this sitting."""
        with self._lock:
            return self._open(token, mark)

    def open(self, token: str, mark: str, sheet: Sheet) -> None:
        """Open an empty sheet; without a sitting there is nothing to sign."""
        with self._lock:
            self._keep(token, Pad(sheet, mark) if token else None)

    def close(self) -> None:
        """Forget the sheet and what was typed."""
        with self._lock:
            self._keep("", None)

    def press(self, token: str, mark: str, key: str) -> None:
        """Add a digit to the field that is asked for, or take its last one away."""
        with self._lock:
            pad = self._open(token, mark)
            if pad is None:
                return
            typed = replace(pad, refused=False, wait_s=0.0, incomplete=False)
            if pad.asked == "number":
                self._keep(token, replace(typed, number=_after(pad.number, key)))
            else:
                self._keep(token, replace(typed, pin=_after(pad.pin, key)))

    def turn_to(self, token: str, mark: str, to: Field) -> None:
        """Let the next digits go into this field, from its beginning."""
        with self._lock:
            pad = self._open(token, mark)
            if pad is not None and to == "number":
                self._keep(token, replace(pad, asked=to, number=""))
            elif pad is not None:
                self._keep(token, replace(pad, asked=to, pin=""))

    def choose(  # noqa: PLR0917 - one parameter a thing that is chosen
        self,
        token: str,
        mark: str,
        sheet: Sheet,
        reason: str | None = None,
        until: str | None = None,
        position: str | None = None,
    ) -> None:
        """Take a reason, how long it lasts or which finger it is for, on the sheet that asks."""
        with self._lock:
            pad = self._open(token, mark)
            if pad is not None and pad.sheet == sheet:
                chosen = replace(
                    pad,
                    incomplete=False,
                    reason=pad.reason if reason is None else reason,
                    until=pad.until if until is None else until,
                    position=pad.position if position is None else position,
                )
                self._keep(token, chosen)

    def take(self, token: str, mark: str, sheet: Sheet) -> Pad | None:
        """Return what is to be signed and keep no PIN; None if something is still missing."""
        with self._lock:
            pad = self._open(token, mark)
            if pad is None or pad.sheet != sheet:
                return None
            if not pad.complete:
                # The first empty field is asked for; a lone missing reason leaves it where it is.
                asked: Field = "number" if not pad.number else "pin" if not pad.pin else pad.asked
                self._keep(token, replace(pad, asked=asked, incomplete=True))
                return None
            self._keep(token, replace(pad, pin="", asked="pin"))
            return pad

    def refuse(self, token: str, mark: str, wait_s: float) -> None:
        """Say that number and PIN do not belong together, and how long to wait."""
        with self._lock:
            pad = self._open(token, mark)
            if pad is not None:
                self._keep(token, replace(pad, asked="pin", pin="", refused=True, wait_s=wait_s))

    def _open(self, token: str, mark: str) -> Pad | None:
        gone = self._now_s() - self._touched_at_s > STAYS_S
        if self._pad is not None and gone:
            self._keep("", None)
        theirs = bool(token) and secrets.compare_digest(self._token.encode(), token.encode())
        if self._pad is not None and not (theirs and self._pad.mark == mark):
            # Another screen stands there, and may stand for hours: nobody comes back to this sheet.
            self._keep("", None)
        return self._pad

    def _keep(self, token: str, pad: Pad | None) -> None:
        self._token, self._pad, self._touched_at_s = token, pad, self._now_s()


def _after(typed: str, key: str) -> str:
    return typed[:-1] if key == DELETE else (typed + key)[:DIGITS_MAX]

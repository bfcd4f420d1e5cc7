"""Fingers for a simulated reader: who presses, when, and what the glass then shows.

Every print is grown from random numbers and belongs to no person.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final

from PIL import Image

from drivers.peers.synthetic_prints import Finger, grow, press

POLL_GAP_S: Final = 1.0
"""Polls further apart than this belong to different requests for a finger."""


@dataclass(frozen=True, slots=True)
class Press:
    """One press of one synthetic finger.

    Attributes:
        finger: seed of the finger; the same seed is the same finger.
        number: which press of it, so that no two are alike.
        condition: "plain", "dry", "wet", "worn", "light", "partial" or "smear".
        severity: 0 is as good as plain, 1 clearly poor, 2 the worst.
        held_s: it lifts so long after it landed; None: once its image is fetched; inf: never.
        confirmation: what the module says of it where it judges an image itself (0 is good).
        picture: a file whose grey values lie on the glass instead of the finger's.
        last: nothing comes after it; else the plan begins anew at its end.
    """

    finger: int
    number: int = 0
    condition: str = "plain"
    severity: float = 1.0
    held_s: float | None = None
    confirmation: int = 0
    picture: Path | None = None
    last: bool = False


RIGHT_THUMB: Final = 11
LEFT_THUMB: Final = 16

DEMO_PLAN: Final = (
    Press(RIGHT_THUMB, 1, "dry"),
    Press(RIGHT_THUMB, 2),
    Press(LEFT_THUMB, 1),
    Press(LEFT_THUMB, 2),
)
"""The demo's person: a dry right thumb, the same again after a hint, then the left thumb twice."""


class Skin:
    """The fingers that a plan needs, grown once, away from the line's own thread."""

    def __init__(self, width_px: int, height_px: int, resolution_ppi: int) -> None:
        self._size = (width_px, height_px, resolution_ppi)
        self._grower = ThreadPoolExecutor(max_workers=1, thread_name_prefix="skin")
        self._fingers: dict[int, Finger] = {}
        self._images: dict[Press, Future[bytes]] = {}

    def wanted(self, wanted: Press) -> Future[bytes]:
        """Return the future 8-bit pixels of this press.

        Raises:
            ValueError: its picture has another size. OSError: it cannot be read.
        """
        if wanted not in self._images:
            if wanted.picture:
                read: Future[bytes] = Future()
                read.set_result(pixels_of(wanted.picture, *self._size[:2]))
                self._images[wanted] = read
            else:
                self._images[wanted] = self._grower.submit(self._pressed, wanted)
        return self._images[wanted]

    def close(self) -> None:
        """Stop growing."""
        self._grower.shutdown(cancel_futures=True)

    def _pressed(self, wanted: Press) -> bytes:
        if wanted.finger not in self._fingers:
            self._fingers[wanted.finger] = grow(wanted.finger, *self._size)
        finger = self._fingers[wanted.finger]
        return press(finger, wanted.number, wanted.condition, wanted.severity).tobytes()


class Person:
    """Someone who presses when the reader asks, after a moment, and lifts when it has the image.

    Time is told to it; it has no clock of its own.
    """

    def __init__(self, plan: Sequence[Press], skin: Skin, delay_s: float) -> None:
        self._skin = skin
        self._delay_s = delay_s
        self._plan = cycle(plan)
        self._next = next(self._plan, None)
        self._polled_at_s = float("-inf")
        self._asked_at_s = 0.0
        self._landed_at_s: float | None = None
        for planned in plan:
            skin.wanted(planned)

    @property
    def pressing(self) -> Press | None:
        """The press that lies on the glass, as the last poll saw it."""
        return None if self._landed_at_s is None else self._next

    def pixels(self, now_s: float) -> bytes | None:
        """Answer one poll: what lies on the glass now, None for nothing."""
        if now_s - self._polled_at_s > POLL_GAP_S and not self._stays_put():
            self._asked_at_s, self._landed_at_s = now_s, None
        self._polled_at_s = now_s
        if self._next is None or now_s - self._asked_at_s < self._delay_s:
            return None
        # A print that is still growing is a finger that is still on its way.
        image = self._skin.wanted(self._next)
        if not image.done():
            return None
        if self._landed_at_s is None:
            self._landed_at_s = now_s
        held_s = self._next.held_s
        if held_s is not None and now_s - self._landed_at_s >= held_s:
            self._lift()
            self._asked_at_s = now_s
            return None
        return image.result()

    def lift(self) -> None:
        """The image is taken; the next press of the plan comes when the reader asks again."""
        if self._next is None or self._next.held_s is None:
            self._lift()

    def _stays_put(self) -> bool:
        return self.pressing is not None and self.pressing.held_s is not None

    def _lift(self) -> None:
        over = self._next is not None and self._next.last
        self._next = None if over else next(self._plan, None)
        self._polled_at_s = float("-inf")
        self._landed_at_s = None


def pixels_of(picture: Path, width_px: int, height_px: int) -> bytes:
    """Return a picture's 8-bit grey values, rows from the top.

    Raises:
        ValueError: it has another size. OSError: it cannot be read.
    """
    with Image.open(picture) as opened:
        if opened.size != (width_px, height_px):
            raise ValueError(f"{opened.size} px, not {(width_px, height_px)}")
        return opened.convert("L").tobytes()

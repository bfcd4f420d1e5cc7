"""Fingers for a simulated reader: who presses, when, and what the glass then shows.

Every print is grown from random numbers and belongs to no person.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from typing import Final

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
    """

    finger: int
    number: int = 0
    condition: str = "plain"
    severity: float = 1.0


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
        """Return the future 8-bit pixels of this press."""
        if wanted not in self._images:
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
        for planned in plan:
            skin.wanted(planned)

    def pixels(self, now_s: float) -> bytes | None:
        """Answer one poll: what lies on the glass now, None for nothing."""
        if now_s - self._polled_at_s > POLL_GAP_S:
            self._asked_at_s = now_s
        self._polled_at_s = now_s
        if self._next is None or now_s - self._asked_at_s < self._delay_s:
            return None
        # A print that is still growing is a finger that is still on its way.
        image = self._skin.wanted(self._next)
        return image.result() if image.done() else None

    def lift(self) -> None:
        """The image is taken; the next press of the plan comes when the reader asks again."""
        self._next = next(self._plan, None)
        self._polled_at_s = float("-inf")

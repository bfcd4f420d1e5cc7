"""What lies over the screen because of devices and disk: calm, or out of service.

Help, rest and the question who is still there are never taken away from here.
"""

from __future__ import annotations

import time
from typing import Final

from edge.room import Room
from edge.sitting import Overlay, Snapshot, State

CALM_AFTER_S: Final = 0.7
"""With the second that a silent camera is given, the calm screen stands within two."""
CALM_LONG_AFTER_S: Final = 10.0
_NOT_OURS: Final = frozenset({Overlay.HELP, Overlay.REST, Overlay.STILL_THERE})
REFUSALS_STAND_S: Final = 1.0
"""How long an answer about the store's room holds: it costs a look at the disk."""


class Covers:
    """Looks at devices and disk and says what of it concerns the present screen."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._blind_since_s: float | None = None
        self._refusals_at_s = float("-inf")
        self._store_refusals: tuple[str, ...] = ()

    def note_sight(self, *, lost: bool) -> None:
        """Take note of whether the vision worker answered."""
        if not lost:
            self._blind_since_s = None
        elif self._blind_since_s is None:
            self._blind_since_s = time.monotonic()

    def changes(self, shown: Snapshot, *, looking: bool) -> dict[str, object]:
        """Return what a snapshot must say of devices and service.

        Args:
            shown: the present screen.
            looking: the present step needs the camera.
        """
        overlay, out_s = shown.overlay, self._out_for_s(shown.state, looking=looking)
        refusals = self._refusals() if shown.state is State.WELCOME else ()
        if overlay not in _NOT_OURS:
            overlay = Overlay.IDLE if overlay is Overlay.IDLE else None
            if refusals:
                overlay = Overlay.OUT_OF_SERVICE
            elif out_s > CALM_AFTER_S:
                overlay = Overlay.CALM
        return {
            "overlay": overlay,
            "can_start": self._room.limits.walk_in or self._room.limits.begin == "next",
            "calm_long": out_s > CALM_LONG_AFTER_S,
            "out_of_service": refusals,
            "camera": self._room.camera.status.state.value,
            "reader": self._room.reader.status.state.value,
        }

    def _out_for_s(self, state: State, *, looking: bool) -> float:
        if looking:
            since_s = self._blind_since_s
            blind_s = 0.0 if since_s is None else time.monotonic() - since_s
            return max(self._room.camera.out_for_s, blind_s)
        return self._room.reader.out_for_s if state is State.FINGER else 0.0

    def _refusals(self) -> tuple[str, ...]:
        """Why no sitting may begin now; told before anybody stands at the camera."""
        now_s = time.monotonic()
        if now_s - self._refusals_at_s > REFUSALS_STAND_S:
            self._refusals_at_s, self._store_refusals = now_s, self._room.records.refusals()
        working = self._room.camera.status.working and self._room.seeing.is_set()
        return (*(() if working else ("device_out",)), *self._store_refusals)

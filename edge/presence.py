"""Is somebody here? By touch, by a finger on the glass, by a face that the camera sees now."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from edge.room import Room
from edge.sitting import FingerPhase, Snapshot
from edge.vision.client import Depth, FrameRefused, VisionLost

LOOK_EVERY_S: Final = 2.0
LOOK_TIMEOUT_S: Final = 2.0
_FINGER_ON_GLASS: Final = frozenset({FingerPhase.READING, FingerPhase.CHECKING})


class Presence:
    """When somebody was noticed last. Runs on the sitting's thread."""

    def __init__(self, room: Room, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._room = room
        self._clock_s = clock_s
        self._noticed_at_s = self._looked_at_s = clock_s()
        self._saw_face = False

    @property
    def absent_s(self) -> float:
        """Seconds since anybody was noticed."""
        return self._clock_s() - self._noticed_at_s

    def noticed(self) -> None:
        """Somebody touched the screen, or something was done for her."""
        self._noticed_at_s = self._clock_s()

    def look(self, shown: Snapshot, seen: bool | None) -> bool:
        """Look whether somebody is here, now and then; return whether somebody was noticed.

        Args:
            shown: the present screen.
            seen: whether the step that runs saw a face; None if it does not look.
        """
        finger = shown.finger is not None and shown.finger.phase in _FINGER_ON_GLASS
        here = finger or (self._look_now_and_then() if seen is None else seen)
        if here:
            self.noticed()
        return here

    def _look_now_and_then(self) -> bool:
        now_s = self._clock_s()
        if now_s - self._looked_at_s < LOOK_EVERY_S:
            return False
        self._looked_at_s = now_s
        self._saw_face = self._face_in_view()
        return self._saw_face

    def _face_in_view(self) -> bool:
        """Look at the newest frame.

        Not while the worker looks at something else: a touch must not wait for that, and the next
        question comes soon.
        """
        frame = self._room.camera.wait_frame(-1, 0.0)
        if frame is None:
            return False
        if self._room.vision.occupied:
            return self._saw_face
        try:
            return self._room.vision.look(frame, Depth.LIVE, LOOK_TIMEOUT_S).faces > 0
        except (VisionLost, FrameRefused):
            return False

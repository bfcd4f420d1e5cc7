"""Whether a frame may be shown as what the camera sees now, frame by frame.

Every frame is judged before anybody gets it, so what is withheld was never shown; the owner says
when withholding is a state of the device (`camera_owner`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from drivers.camera import Frame
from edge.frames.darkness import Light, light_of
from edge.frames.jpeg_shape import shape_of
from edge.frames.small_look import SmallLook, Torn, small_look

OLD_AFTER_S: Final = 1.0
"""An older frame is never shown as live, nor judged."""
LOOK_EVERY_S: Final = 0.2
"""So often pixels are looked at while nobody watches."""
SAMPLE_STEP: Final = 37
"""Every 37th byte is enough to see sensor noise, and costs a fiftieth of the whole."""


class Fault(Enum):
    """Why a frame is withheld; the value is the device's reason code."""

    FROZEN = "frozen"
    """The last picture to the bit: sensor noise makes that implausible."""
    COVERED = "lens_covered"
    TORN = "torn"
    WRONG_SIZE = "wrong_size"
    OLD = "old_frames"


@dataclass(frozen=True, slots=True)
class Judged:
    """A frame and what is known of it.

    Attributes:
        frame: as it came.
        fault: None: it may be shown.
        dark_room: it is dark, and the lens is not covered.
        looked_at: its pixels were judged; else only its bytes were.
    """

    frame: Frame
    fault: Fault | None = None
    dark_room: bool = False
    looked_at: bool = False


class FrameJudge:
    """Judges the frames of one camera in their order. One thread uses it."""

    def __init__(self) -> None:
        self._size_px: tuple[int, int] | None = None
        self._digest: int | None = None
        self._first = True
        self._look: SmallLook | None = None
        self._looked_at_s = float("-inf")
        self._light = Light.ENOUGH
        self._found: Fault | None = None

    def opened(self) -> None:
        """Trust the first frame not before a second one differs: drivers hand out old buffers."""
        self._first = True

    def another_camera(self) -> None:
        """Take the next frame's size for the right one: the plug was pulled, or somebody says so.

        Until then a camera that is opened anew must come back as it was.
        """
        self._size_px = None

    def judge(self, frame: Frame, now_s: float, *, watched: bool) -> Judged:
        """Judge the next frame.

        Args:
            frame: as the camera gave it.
            now_s: `time.monotonic`.
            watched: its pixels are looked at in any case; else five times a second.
        """
        fault = self._by_its_bytes(frame, now_s)
        if fault is not None:
            return Judged(frame, fault)
        looked_at = watched or now_s - self._looked_at_s >= LOOK_EVERY_S
        if looked_at:
            self._looked_at_s = now_s
            fault = self._by_its_pixels(frame)
            self._found = fault
        else:
            # What the last look found holds until the next one.
            fault = self._found
        if fault is None and self._size_px is None:
            self._size_px = (frame.width_px, frame.height_px)
        return Judged(frame, fault, self._light is Light.DARK_ROOM, looked_at)

    def _by_its_bytes(self, frame: Frame, now_s: float) -> Fault | None:
        if self._size_px not in {None, (frame.width_px, frame.height_px)}:
            return Fault.WRONG_SIZE
        if frame.jpeg is not None:
            shape = shape_of(frame.jpeg)
            if shape is None or not shape.ended:
                return Fault.TORN
            if (shape.width_px, shape.height_px) != (frame.width_px, frame.height_px):
                return Fault.WRONG_SIZE
        if now_s - frame.captured_at_s > OLD_AFTER_S:
            return Fault.OLD
        return Fault.FROZEN if self._came_again(frame) else None

    def _came_again(self, frame: Frame) -> bool:
        """Whether it is the last frame once more, or the first and perhaps as old as that."""
        digest = _digest(frame)
        again = digest == self._digest or self._first
        self._digest, self._first = digest, False
        return again

    def _by_its_pixels(self, frame: Frame) -> Fault | None:
        try:
            look = small_look(frame)
        except Torn:
            return Fault.TORN
        before, self._look = self._look, look
        self._light = light_of(before, look)
        return Fault.COVERED if self._light is Light.COVERED else None


def _digest(frame: Frame) -> int:
    if frame.jpeg is not None:
        return hash(frame.jpeg)
    return hash(frame.bgr.reshape(-1)[::SAMPLE_STEP].tobytes())

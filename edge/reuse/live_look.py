"""One good look at the person who stands here, to be compared with an earlier photo.

It need not be a portrait: one face, near enough and not turned away. Whoever cannot do that is
looked at as she is after a while; the comparison decides, not the pose.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from drivers.camera import Frame
from edge.camera_owner import CameraOwner
from edge.vision.client import Depth, Sight, VisionWorker
from quality.advice import Advice

FRAME_WAIT_S: Final = 0.15
LOOK_TIMEOUT_S: Final = 2.0
EYES_PX_MIN: Final = 60.0
"""[ours] Half of what a document's still wants: the look is compared, not printed."""
YAW_DEG_MAX: Final = 15.0
"""[ours] Three times a portrait's limit: both eyes and the nose's form are seen."""
PATIENT_S: Final = 10.0
"""So long the person is asked to come nearer or to look here; then the look is taken as it is."""


@dataclass(frozen=True, slots=True)
class LookView:
    """What one step saw.

    Attributes:
        hint: the one thing to do now, None if all is well.
        fresh: False when no new frame came.
        frame: the look, once there is one; in memory only.
    """

    hint: Advice | None = None
    faces: int = 0
    fresh: bool = True
    frame: Frame | None = None


class LiveLook:
    """Looks for one good frame, a step at a time, on the sitting's thread."""

    def __init__(self, camera: CameraOwner, vision: VisionWorker) -> None:
        self._camera = camera
        self._vision = vision
        self._after = -1
        self._alone_since_s: float | None = None

    def step(self) -> LookView:
        """Look at the newest frame.

        Raises:
            VisionLost: the worker died; call again.
            FrameRefused: the worker cannot look at this frame; call again for another.
        """
        frame = self._camera.wait_frame(self._after, FRAME_WAIT_S)
        if frame is None:
            return LookView(fresh=False)
        self._after = frame.sequence
        sight = self._vision.look(frame, Depth.LIVE, LOOK_TIMEOUT_S)
        hint = _hint(sight)
        if sight.faces != 1:
            # Patience is for one person's pose; a second face is never compared.
            self._alone_since_s = None
            return LookView(hint, sight.faces)
        if self._alone_since_s is None:
            self._alone_since_s = time.monotonic()
        patient = time.monotonic() - self._alone_since_s < PATIENT_S
        taken = hint is None or not patient
        return LookView(None if taken else hint, 1, frame=frame if taken else None)


def _hint(sight: Sight) -> Advice | None:
    if sight.faces != 1:
        return Advice.MANY_FACES if sight.faces else Advice.NO_FACE
    eyes_px, yaw_deg = _native(sight, "InterEyeDistance"), _native(sight, "HeadPoseYaw")
    if eyes_px is None or eyes_px < EYES_PX_MIN:
        return Advice.TOO_FAR
    if yaw_deg is None:
        return Advice.WAIT
    if abs(yaw_deg) > YAW_DEG_MAX:
        return Advice.TURN_RIGHT if yaw_deg > 0 else Advice.TURN_LEFT
    return None


def _native(sight: Sight, measure: str) -> float | None:
    native = sight.natives.get(measure)
    return None if native is None else native.value

"""The live aid of the step at hand: of the newest frame, as often as anybody can read it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from edge.calibration.aid import BY_REASON, Aid, Turn
from edge.calibration.procedure import Memory, Scene, Step
from quality.measure import CannotAssess

AID_WAIT_S: Final = 0.5
AID_EVERY_S: Final = 0.15
"""[ours] A newer figure no more often: three viewers cost what one does."""
_HANDS: Final = {
    "nothing": Turn.CLEAR_GLASS,
    "ruling": Turn.LAY_FILM,
    "bars": Turn.LAY_FILM,
    "grey_steps": Turn.LAY_FILM,
    "": Turn.FILL_IN,
}
"""What is to be done where nothing can be aimed, by what is laid down; else: press."""


class LiveAid:
    """Aims. Any thread may call it; one at a time looks.

    Attributes:
        memory: what the step's aim remembers; begun anew with each step.
    """

    def __init__(self, scene_of: Callable[[Step], Scene]) -> None:
        """Prepare; `scene_of` lends what a step aims with."""
        self.memory = Memory()
        self._scene_of = scene_of
        self._looking = threading.Lock()
        self._last: tuple[str, float, Aid] | None = None

    def forget(self) -> None:
        """Begin anew: another step is at hand, or none."""
        self.memory, self._last = Memory(), None

    def look(self, step: Step, *, measuring: bool) -> Aid:
        """Return what helps now; while it is measured, the last one before."""
        with self._looking:
            last = self._last
            held = measuring or (last is not None and time.monotonic() - last[1] < AID_EVERY_S)
            if held and last is not None and last[0] == step.name:
                return last[2]
            if step.aim is None:
                return Aid(step.name, turn=_HANDS.get(step.target, Turn.PRESS))
            aid = self._looked(step)
            if aid.best is None:
                aid = replace(aid, best=self.memory.best)
            self._last = (step.name, time.monotonic(), aid)
            return aid

    def _looked(self, step: Step) -> Aid:
        scene = self._scene_of(step)
        frame = scene.bench.camera.wait_frame(-1, AID_WAIT_S)
        if frame is None or step.aim is None:
            return Aid(step.name, turn=Turn.WAIT_FOR_DEVICE, reason="no_frame")
        try:
            return step.aim(scene, frame)
        except CannotAssess as refused:
            turn = BY_REASON.get(str(refused), Turn.SHOW_TARGET)
            return Aid(step.name, turn=turn, reason=str(refused), sequence=frame.sequence)

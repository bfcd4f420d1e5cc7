"""Changing a camera's settings by trial: written, watched while frames come, kept or put back.

The owner's thread works on it between two frames, so whoever watches meanwhile goes on watching; a
frame that the new settings spoil is withheld like any other that is not whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from drivers.camera import Camera, Control, HasControls
from drivers.errors import DeviceError
from edge.frames.judge import Fault

SETTLES_S: Final = 0.5
"""[ours] A sensor may spoil a frame or two while it takes a setting over: they do not count."""
RATE_SHARE: Final = 0.5
"""Fewer frames a second than this share of before is a stream that broke."""
SPOILT_SHARE: Final = 0.1
RATE_MIN_HZ: Final = 4.0
"""[ours] What was faster does not become slower than that: it would be no live picture."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a change.

    Attributes:
        kept: False: everything stands as before.
        reason: "" if it was kept; else "no_controls", "unknown_control", "refused", "no_frames",
            "slow_frames", a fault's code (`judge.Fault`), or why the camera was lost.
        before, after: all controls, as read from the camera.
        detail: the camera's own sentence, for technicians.
    """

    kept: bool
    reason: str
    before: tuple[Control, ...]
    after: tuple[Control, ...]
    detail: str = ""


@dataclass(slots=True)
class Trial:
    """One change under way. The owner's thread uses it; `outcome` is for whoever asked.

    Attributes:
        values: by control, in the order in which they are written.
        proof_s: how long the frames are watched.
        rate_hz: whole frames a second before.
    """

    values: Mapping[str, int]
    proof_s: float
    outcome: Future[Changed] = field(default_factory=Future)
    rate_hz: float = 0.0
    _before: tuple[Control, ...] = ()
    _began_s: float | None = None
    _whole: int = 0
    _spoilt: list[Fault] = field(default_factory=list)

    @property
    def begun(self) -> bool:
        """Whether the new values were written, and nothing was decided yet."""
        return self._began_s is not None and not self.outcome.done()

    def begin(self, camera: Camera, rate_hz: float, now_s: float) -> None:
        """Write the values; one that is refused puts all back and ends it.

        Raises:
            DeviceError: the camera takes its old values no more, or went away.
        """
        if not isinstance(camera, HasControls):
            self._end("no_controls")
            return
        self._before = camera.controls()
        self.rate_hz = rate_hz
        if unknown := set(self.values) - {control.name for control in self._before}:
            self._end("unknown_control", detail=", ".join(sorted(unknown)))
            return
        try:
            for name, value in self.values.items():
                camera.set_control(name, value)
        except DeviceError as refused:
            self.put_back(camera)
            self._end("refused", camera, str(refused))
        else:
            self._began_s = now_s

    def see(self, fault: Fault | None, now_s: float) -> None:
        """Count a frame that came, whole or not."""
        if self._began_s is None or now_s - self._began_s < self._settles_s:
            return
        if fault is None:
            self._whole += 1
        else:
            self._spoilt.append(fault)

    def decide(self, camera: Camera, now_s: float) -> bool:
        """End it once its time is over; return whether the values are kept. Raises as `begin`."""
        if self._began_s is None or now_s - self._began_s < self.proof_s:
            return False
        reason = self._broken_by(now_s - self._began_s - self._settles_s)
        if reason:
            self.put_back(camera)
        self._end(reason, camera)
        return not reason

    def fall_silent(self, camera: Camera) -> None:
        """No frame came: put all back, so that they may come again. Raises as `begin`."""
        self.put_back(camera)
        self._end("no_frames", camera)

    def lose(self, reason: str) -> Mapping[str, int]:
        """End it because the camera went; return what is to be written once it is open again."""
        begun = self.begun
        self._end(reason)
        return {c.name: c.value for c in self._changed()} if begun else {}

    def put_back(self, camera: Camera) -> None:
        """Write the old values again, the last one first. Raises `DeviceError`."""
        if isinstance(camera, HasControls):
            # What holds another one was written before it, so it is put back after it.
            write({c.name: c.value for c in reversed(self._changed())}, camera)

    @property
    def _settles_s(self) -> float:
        return min(SETTLES_S, self.proof_s / 2)

    def _changed(self) -> list[Control]:
        by_name = {control.name: control for control in self._before}
        return [by_name[name] for name in self.values if name in by_name]

    def _broken_by(self, watched_s: float) -> str:
        if len(self._spoilt) > SPOILT_SHARE * (self._whole + len(self._spoilt)):
            return max(set(self._spoilt), key=self._spoilt.count).value
        least_hz = max(RATE_SHARE * self.rate_hz, min(RATE_MIN_HZ, self.rate_hz))
        if self._whole < max(1.0, watched_s * least_hz):
            return "slow_frames" if self._whole else "no_frames"
        return ""

    def _end(self, reason: str, camera: Camera | None = None, detail: str = "") -> None:
        after = camera.controls() if isinstance(camera, HasControls) else self._before
        if not self.outcome.done():
            self.outcome.set_result(Changed(not reason, reason, self._before, after, detail))


def write(values: Mapping[str, int], camera: HasControls) -> None:
    """Write these values in their order; one that is held by another is left to that one.

    Raises:
        DeviceError: the camera refuses one that it had.
    """
    for name, value in values.items():
        now = {control.name: control for control in camera.controls()}
        if _free(now.values(), name) and now[name].value != value:
            camera.set_control(name, value)


def _free(controls: Iterable[Control], name: str) -> bool:
    return any(control.name == name and not control.held_by for control in controls)

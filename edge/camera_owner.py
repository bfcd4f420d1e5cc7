"""The one thread that touches the camera: opens it, judges and keeps the newest frame, reopens it.

Everybody else reads the slot of the latest frame; nobody waits in a queue of old ones. Stills,
settings and frames take turns on this thread, one at a time, so none of them fights for the device.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from typing import Final

from drivers.camera import Camera, Control, CountsDropped, Dropped, Frame, HasNode, HoldsExposure
from drivers.errors import (
    DeviceAbsent,
    DeviceError,
    DeviceTimeout,
    ProtocolViolation,
)
from edge.frames.jpeg_shape import shape_of
from edge.frames.judge import Fault, FrameJudge, Judged
from edge.frames.preview import Preview, preview_of
from edge.frames.settings_desk import SettingsDesk, as_device_error
from edge.frames.trial import Changed
from edge.plug_stamp import stamp_of
from edge.reopening import Reopening
from edge.supervisor import (
    DeviceState,
    DeviceStatus,
    DeviceWarning,
    PictureFault,
    Transition,
    Upkeep,
    reason_of,
)

__all__ = ["CameraOwner", "Changed", "Preview"]

READ_TIMEOUT_S: Final = 0.9
FAULTY_AFTER_S: Final = 0.6
"""So long nothing but faulty frames is a state of the camera; each of them is withheld at once."""
VIEWER_LINGERS_S: Final = 3.0
FRESH_S: Final = 1.0
"""An older frame is never shown as live, nor judged."""
RATE_FRAMES: Final = 16
STILL_MAX_S: Final = 4.0
"""[ours] No still holds up the preview longer, whatever its asker would wait."""


class CameraOwner:
    """Owns one camera. All methods may be called from any thread.

    Args:
        upkeep: is told its state.
        open_camera: opens it; called by the owner's thread alone.
    """

    def __init__(self, upkeep: Upkeep, open_camera: Callable[[], Camera]) -> None:
        self._upkeep = upkeep
        self._open_camera = open_camera
        self._reopening = Reopening()
        self._judge = FrameJudge()
        self._news = threading.Condition()
        self._frame: Frame | None = None
        self._preview: Preview | None = None
        self._still: tuple[Future[Frame], float] | None = None
        self._desk = SettingsDesk()
        self._viewer_at_s = self._hold_until_s = float("-inf")
        self._holding = False
        self._faulty_since_s: float | None = None
        self._reopen_at_s: float | None = None
        self._whole_times_s: deque[float] = deque(maxlen=RATE_FRAMES)
        self._dropped: Mapping[Dropped, int] = {}
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """Begin to open the camera."""
        self._thread.start()

    def close(self) -> None:
        """Close the camera and end the thread. Closing twice is allowed."""
        self._reopening.close()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether the owner's thread runs."""
        return self._thread.is_alive()

    @property
    def status(self) -> DeviceStatus:
        """The camera's state as everybody is told."""
        return self._upkeep.status

    @property
    def out_for_s(self) -> float:
        """Seconds since the camera last worked; 0.0 while it works."""
        return self._upkeep.out_for_s

    def transitions(self) -> tuple[Transition, ...]:
        """Return the last moves of seven days, oldest first: at most 200."""
        return self._upkeep.transitions()

    def clear(self) -> None:
        """Try again now: a technician says that it is mended. The only way out of `failed`."""
        self._judge.another_camera()
        self._reopening.try_now()

    def wait_frame(self, after: int, timeout_s: float) -> Frame | None:
        """Return a fresh frame with a sequence above `after`, or None if none came in time."""
        with self._news:
            self._news.wait_for(lambda: self._fresh_frame(after) is not None, timeout_s)
            return self._fresh_frame(after)

    def latest(self) -> Preview | None:
        """Return the newest preview, or None if there is none that is younger than a second."""
        return self.wait_preview(-1, 0.0)

    def wait_preview(self, after: int, timeout_s: float) -> Preview | None:
        """Return a fresh preview with a sequence above `after`, or None if none came in time."""
        self._viewer_at_s = time.monotonic()
        with self._news:
            self._news.wait_for(lambda: self._fresh_preview(after) is not None, timeout_s)
            return self._fresh_preview(after)

    def still(self, timeout_s: float) -> Frame:
        """Take one frame in full resolution. Raises `DeviceError` as the camera does."""
        future: Future[Frame] = Future()
        with self._news:
            if self._still is not None:
                raise DeviceError("a still is being taken already")
            self._still = future, min(timeout_s, STILL_MAX_S)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            raise DeviceTimeout("no still in time") from None
        finally:
            with self._news:
                self._still = None

    def hold_exposure(self, for_s: float) -> None:
        """Keep exposure and white balance for so long, where the camera can; ask again for longer.

        They are given back by themselves, so that nobody who ends early leaves them behind.
        """
        self._hold_until_s = time.monotonic() + for_s

    def controls(self) -> tuple[Control, ...]:
        """Return what can be set, read from the camera now; empty if nothing can.

        Raises:
            DeviceAbsent: the camera is not open.
            DeviceError: it does not say.
        """
        return self._desk.controls()

    def change(self, values: Mapping[str, int], proof_s: float = 2.0) -> Changed:
        """Set these controls, in their order; keep them if frames go on coming whole, else undo.

        Whoever watches goes on watching. What is kept is written again whenever the camera is
        opened anew.

        Args:
            values: by the control's name.
            proof_s: how long the frames are watched before the values count as kept.

        Raises:
            DeviceAbsent: the camera is not open.
            DeviceError: another change is being tried.
        """
        return self._desk.change(values, proof_s)

    def _fresh_frame(self, after: int) -> Frame | None:
        frame = self._frame
        return frame if frame and frame.sequence > after and _fresh(frame.captured_at_s) else None

    def _fresh_preview(self, after: int) -> Preview | None:
        seen = self._preview
        return seen if seen and seen.sequence > after and _fresh(seen.captured_at_s) else None

    def _run(self) -> None:
        while not self._reopening.closing:
            self._upkeep.opening()
            self._reopening.note_plug()
            try:
                with closing(self._open_camera()) as camera:
                    self._serve(camera)
            except Exception as error:  # a driver's bug must not end its owner
                self._forget()
                self._disappoint(error)
                if isinstance(error, DeviceAbsent):
                    self._judge.another_camera()
                pause_s = self._upkeep.lost(error, blind=self._reopening.blind)
                self._reopening.wait(pause_s)
        self._disappoint(DeviceAbsent("the station is closing"))

    def _serve(self, camera: Camera) -> None:
        """Serve until it is lost, or is to be opened anew because its frames stay faulty."""
        if isinstance(camera, HasNode):
            self._reopening.watch(partial(stamp_of, camera.node))
        self._judge.opened()
        self._reopen_at_s, self._holding, self._dropped = None, False, {}
        self._faulty_since_s = None
        self._desk.restore(camera)
        while not self._reopening.closing:
            self._take(camera)
            if self._reopen_at_s is not None and time.monotonic() >= self._reopen_at_s:
                self._disappoint(PictureFault(self._upkeep.status.reason))
                return
            self._mind_exposure(camera)
            self._answer_still(camera)
            self._desk.work(camera, self._rate_hz(), time.monotonic())

    def _take(self, camera: Camera) -> None:
        """Read one frame, judge it, and show it or withhold it."""
        watched = time.monotonic() - self._viewer_at_s < VIEWER_LINGERS_S
        try:
            frame = camera.read(READ_TIMEOUT_S)
        except DeviceTimeout:
            # Once more with the old settings: the stream is not to end because of a trial.
            if self._desk.forgive(camera):
                return
            self._why_silent(camera)
            raise
        now_s = time.monotonic()
        judged = self._judge.judge(frame, now_s, watched=watched or self._desk.trying)
        self._desk.see(judged.fault, now_s)
        if judged.fault is None:
            self._show(camera, judged, now_s, watched=watched)
        else:
            self._withhold(judged.fault, now_s)

    def _show(self, camera: Camera, judged: Judged, now_s: float, *, watched: bool) -> None:
        frame = judged.frame
        try:
            preview = preview_of(frame) if watched else None
        except ProtocolViolation:
            self._withhold(Fault.TORN, now_s)
            return
        self._faulty_since_s = self._reopen_at_s = None
        self._whole_times_s.append(now_s)
        warnings = (DeviceWarning.DARK_ROOM,) if judged.dark_room else ()
        if self._upkeep.status.warnings != warnings or self._upkeep.status.detail:
            self._upkeep.describe(None, warnings, "")
        with self._news:
            self._frame, self._preview = frame, preview
            self._news.notify_all()
        # Ready with the first whole frame, not before: a camera that opens and then stalls is not.
        if self._upkeep.status.state is not DeviceState.READY:
            self._desk.opened()
            self._upkeep.ready(camera.model)

    def _withhold(self, fault: Fault, now_s: float) -> None:
        since_s = self._faulty_since_s = self._faulty_since_s or now_s
        if now_s - since_s < FAULTY_AFTER_S or self._reopen_at_s is not None:
            return
        self._forget()
        self._whole_times_s.clear()
        pause_s = self._upkeep.degraded(fault.value, blind=self._reopening.blind)
        self._reopen_at_s = now_s + pause_s

    def _why_silent(self, camera: Camera) -> None:
        """Say what the driver dropped, if that is why no frame came. Raises `PictureFault`."""
        if not isinstance(camera, CountsDropped):
            return
        before, now = self._dropped, camera.dropped()
        self._dropped = now
        more: dict[Dropped, int] = {why: count - before.get(why, 0) for why, count in now.items()}
        worst: Dropped = max(more, key=more.__getitem__, default="late")
        if worst != "late" and more[worst] > 0:
            raise PictureFault(worst)

    def _mind_exposure(self, camera: Camera) -> None:
        wanted = time.monotonic() < self._hold_until_s
        if wanted is not self._holding and isinstance(camera, HoldsExposure):
            camera.hold_exposure(held=wanted)
            self._holding = wanted

    def _answer_still(self, camera: Camera) -> None:
        with self._news:
            wanted, limit_s = self._still or (None, 0.0)
        if wanted is None or wanted.done():
            return
        if not self._upkeep.status.working:
            wanted.set_exception(PictureFault(self._upkeep.status.reason))
            return
        self._upkeep.busy()
        try:
            wanted.set_result(_whole(camera.still(limit_s)))
        except (DeviceTimeout, PictureFault) as failure:
            # A slow still is one person's; whether the camera hangs, the next frame tells.
            wanted.set_exception(failure)
        self._upkeep.ready()
        self._faulty_since_s = None

    def _rate_hz(self) -> float:
        times_s = self._whole_times_s
        if len(times_s) < 2 or times_s[-1] == times_s[0]:
            return 0.0
        return (len(times_s) - 1) / (times_s[-1] - times_s[0])

    def _forget(self) -> None:
        with self._news:
            self._frame = self._preview = None
            self._news.notify_all()

    def _disappoint(self, error: Exception) -> None:
        """Answer everybody who waits for something of a camera that is not open any more."""
        self._desk.closed(error, reason_of(error))
        self._whole_times_s.clear()
        with self._news:
            still = self._still[0] if self._still else None
        if still is not None and not still.done():
            still.set_exception(as_device_error(error))


def _whole(still: Frame) -> Frame:
    """Return the still if it may be judged further. Raises `PictureFault`."""
    if still.jpeg is not None:
        shape = shape_of(still.jpeg)
        if shape is None or not shape.ended:
            raise PictureFault(Fault.TORN.value)
    return still


def _fresh(captured_at_s: float) -> bool:
    return time.monotonic() - captured_at_s < FRESH_S

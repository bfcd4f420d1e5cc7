"""Where a camera's settings are asked for and changed; worked on by the camera's owner alone.

Whoever asks waits here, the owner's thread answers between two frames: a setting never takes the
camera away from those who watch.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Final, TypeVar

from drivers.camera import Camera, Control, HasControls
from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout, SettingsRefused
from edge.frames.judge import Fault
from edge.frames.trial import Changed, Trial, write

ANSWER_S: Final = 5.0
T = TypeVar("T")


class SettingsDesk:
    """The settings of one camera: `controls` and `change` for anybody, the rest for its owner."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: deque[Callable[[Camera | Exception], None]] = deque()
        self._trial: Trial | None = None
        self._kept: Mapping[str, int] = {}
        self._is_open = False

    def controls(self) -> tuple[Control, ...]:
        """As `CameraOwner.controls`."""
        read: Future[tuple[Control, ...]] = Future()

        def answer(camera: Camera | Exception) -> None:
            if isinstance(camera, Exception):
                read.set_exception(as_device_error(camera))
                return
            try:
                read.set_result(camera.controls() if isinstance(camera, HasControls) else ())
            except DeviceError as failure:
                read.set_exception(failure)

        with self._lock:
            self._require_open()
            self._asked.append(answer)
        return _result(read, ANSWER_S)

    def change(self, values: Mapping[str, int], proof_s: float) -> Changed:
        """As `CameraOwner.change`."""
        trial = Trial(dict(values), proof_s)
        with self._lock:
            self._require_open()
            if self._trial is not None:
                raise DeviceError("another change is being tried")
            self._trial = trial
        try:
            return _result(trial.outcome, proof_s + 2 * ANSWER_S)
        finally:
            with self._lock:
                self._trial = None

    @property
    def trying(self) -> bool:
        """Whether new values stand now and are not decided on: every frame counts."""
        trial = self._trial
        return trial is not None and trial.begun

    def opened(self) -> None:
        """The camera gave a whole frame: from now on it may be asked."""
        with self._lock:
            self._is_open = True

    def closed(self, error: Exception, reason: str) -> None:
        """The camera is open no more: tell all who wait, and put back a change with the next."""
        with self._lock:
            self._is_open = False
            asked, trial = list(self._asked), self._trial
            self._asked.clear()
        for answer in asked:
            answer(error)
        if trial is not None and not trial.outcome.done():
            self._kept = {**self._kept, **trial.lose(reason)}

    def restore(self, camera: Camera) -> None:
        """Write what was kept once more: a camera forgets its settings with its power.

        Raises:
            SettingsRefused: it does not take them any more.
            DeviceAbsent, DeviceTimeout: it went away meanwhile.
        """
        if not (self._kept and isinstance(camera, HasControls)):
            return
        try:
            write(self._kept, camera)
        except (DeviceAbsent, DeviceTimeout):
            raise
        except DeviceError as refused:
            raise SettingsRefused(str(refused)) from refused

    def work(self, camera: Camera, rate_hz: float, now_s: float) -> None:
        """Do what is due between two frames. Raises `DeviceError`: the camera is to be reopened."""
        while self._asked:
            self._asked.popleft()(camera)
        trial = self._trial
        if trial is None or trial.outcome.done():
            return
        if not trial.begun:
            trial.begin(camera, rate_hz, now_s)
        elif trial.decide(camera, now_s):
            self._kept = {**self._kept, **trial.values}

    def see(self, fault: Fault | None, now_s: float) -> None:
        """Count a frame for the change that is being tried."""
        trial = self._trial
        if trial is not None:
            trial.see(fault, now_s)

    def forgive(self, camera: Camera) -> bool:
        """Put back a change under which no frame came; False if that was not why.

        Raises `DeviceError`: the camera is to be reopened.
        """
        trial = self._trial
        if trial is None or not trial.begun:
            return False
        trial.fall_silent(camera)
        return True

    def _require_open(self) -> None:
        if not self._is_open:
            raise DeviceAbsent("the camera is not open")


def _result(future: Future[T], timeout_s: float) -> T:
    try:
        return future.result(timeout_s)
    except TimeoutError:
        raise DeviceTimeout("the camera's thread does not answer") from None


def as_device_error(error: Exception) -> DeviceError:
    """Return what may be raised to whoever asked something of a device."""
    return error if isinstance(error, DeviceError) else DeviceError("driver fault")

"""The one thread that touches the camera: opens it, keeps the newest frame, reopens it when lost.

Everybody else reads the slot of the latest frame; nobody waits in a queue of old ones.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from drivers.camera import Camera, Frame, HoldsExposure, Picture
from drivers.errors import DeviceError, DeviceTimeout
from edge.supervisor import DeviceState, DeviceStatus, Upkeep

READ_TIMEOUT_S: Final = 1.0
FROZEN_AFTER_S: Final = 1.0
"""Sensor noise makes equal pictures implausible; a second of them is a stuck camera."""
PREVIEW_WIDTH_PX: Final = 960
PREVIEW_QUALITY: Final = 80
VIEWER_LINGERS_S: Final = 3.0
FRESH_S: Final = 1.0
"""An older frame is never shown as live, nor judged."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One frame as JPEG, unmirrored; encoded once and shared by all viewers."""

    jpeg: bytes
    sequence: int
    captured_at_s: float


class CameraOwner:
    """Owns one camera. All methods may be called from any thread."""

    def __init__(self, upkeep: Upkeep, open_camera: Callable[[], Camera]) -> None:
        self._upkeep = upkeep
        self._open_camera = open_camera
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._frame: Frame | None = None
        self._preview: Preview | None = None
        self._still: Future[Frame] | None = None
        self._viewer_at_s = self._hold_until_s = float("-inf")
        self._holding = False
        self._pixels_digest: int | None = None
        self._pixels_new_at_s = 0.0
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """Begin to open the camera."""
        self._thread.start()

    def close(self) -> None:
        """Close the camera and end the thread. Closing twice is allowed."""
        self._stop.set()
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
            self._still = future
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

    def _fresh_frame(self, after: int) -> Frame | None:
        frame = self._frame
        return frame if frame and frame.sequence > after and _fresh(frame.captured_at_s) else None

    def _fresh_preview(self, after: int) -> Preview | None:
        seen = self._preview
        return seen if seen and seen.sequence > after and _fresh(seen.captured_at_s) else None

    def _run(self) -> None:
        while not self._stop.is_set():
            self._upkeep.opening()
            try:
                with closing(self._open_camera()) as camera:
                    self._serve(camera)
            except Exception as error:  # a driver's bug must not end its owner
                self._forget()
                self._fail_still(error)
                pause_s = self._upkeep.lost(error)
                self._stop.wait(pause_s)

    def _serve(self, camera: Camera) -> None:
        self._pixels_digest, self._pixels_new_at_s = None, time.monotonic()
        self._holding = False
        # Ready with the first frame, not before: a camera that opens and then stalls is not.
        self._publish(camera.read(READ_TIMEOUT_S))
        self._upkeep.ready(camera.model)
        while not self._stop.is_set():
            self._mind_exposure(camera)
            self._answer_still(camera)
            self._publish(camera.read(READ_TIMEOUT_S))

    def _mind_exposure(self, camera: Camera) -> None:
        wanted = time.monotonic() < self._hold_until_s
        if wanted is not self._holding and isinstance(camera, HoldsExposure):
            camera.hold_exposure(held=wanted)
            self._holding = wanted

    def _answer_still(self, camera: Camera) -> None:
        with self._news:
            wanted = self._still
        if wanted is None or wanted.done():
            return
        wanted.set_result(camera.still(READ_TIMEOUT_S * 2))

    def _fail_still(self, error: Exception) -> None:
        with self._news:
            wanted = self._still
        if wanted is not None and not wanted.done():
            failure = error if isinstance(error, DeviceError) else DeviceError("driver fault")
            wanted.set_exception(failure)

    def _publish(self, frame: Frame) -> None:
        if self._is_frozen(frame):
            self._upkeep.degraded("frozen")
            self._forget()
            return
        if self._upkeep.status.state is DeviceState.DEGRADED:
            self._upkeep.ready()
        # A picture that came again is as old as it was: the screen hides it after its second.
        frame = replace(frame, captured_at_s=min(frame.captured_at_s, self._pixels_new_at_s))
        watched = time.monotonic() - self._viewer_at_s < VIEWER_LINGERS_S
        preview = _encode(frame) if watched else None
        with self._news:
            self._frame, self._preview = frame, preview
            self._news.notify_all()

    def _is_frozen(self, frame: Frame) -> bool:
        # Every 37th byte is enough to see sensor noise, and costs a fiftieth of the whole.
        digest = hash(frame.bgr.reshape(-1)[::37].tobytes())
        if digest != self._pixels_digest:
            self._pixels_digest, self._pixels_new_at_s = digest, frame.captured_at_s
        return frame.captured_at_s - self._pixels_new_at_s > FROZEN_AFTER_S

    def _forget(self) -> None:
        with self._news:
            self._frame = self._preview = None
            self._news.notify_all()


def _fresh(captured_at_s: float) -> bool:
    return time.monotonic() - captured_at_s < FRESH_S


def _encode(frame: Frame) -> Preview:
    height_px = round(frame.height_px * PREVIEW_WIDTH_PX / frame.width_px)
    picture: Picture = frame.bgr
    if frame.width_px > PREVIEW_WIDTH_PX:
        size = (PREVIEW_WIDTH_PX, height_px)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY])
    return Preview(jpeg.tobytes(), frame.sequence, frame.captured_at_s)

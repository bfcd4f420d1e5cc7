"""What the camera sees, small and slow: enough to help somebody, too little to keep.

One picture for all who look, at most two a second however many ask, at most 480 px wide.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from api.kiosk.station import Previews

WIDTH_PX: Final = 480
EVERY_S: Final = 0.5
QUALITY: Final = 60
STALE_S: Final = 1.0
"""An older picture is never shown as live."""


@dataclass(frozen=True, slots=True)
class Small:
    """One small picture as JPEG, unmirrored; `captured_at_s` by `time.monotonic`."""

    jpeg: bytes
    sequence: int
    captured_at_s: float


class SmallPreview:
    """Makes the small pictures. Any thread may ask.

    Args:
        camera: the station's own preview.
        now_s: the clock that `captured_at_s` is read from.
        pause: waits so many seconds.
    """

    def __init__(
        self,
        camera: Previews,
        now_s: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._camera = camera
        self._now_s = now_s
        self._pause = pause
        self._lock = threading.Lock()
        self._small: Small | None = None
        self._made_at_s = float("-inf")

    def next(self, after: int, timeout_s: float) -> Small | None:
        """Return a picture that is newer than `after` and fresh; None if none came in time."""
        until_s = self._now_s() + timeout_s
        while True:
            with self._lock:
                found = self._now(after, max(0.0, until_s - self._now_s()))
                rest_s = self._made_at_s + EVERY_S - self._now_s()
            if found is not None:
                return found
            left_s = until_s - self._now_s()
            if left_s <= 0:
                return None
            # Whoever has the newest already waits for the next, and keeps nobody from it.
            self._pause(min(left_s, max(rest_s, 0.05)))

    def forget(self) -> None:
        """Drop the last picture: whoever is there next is somebody else."""
        with self._lock:
            self._small = None

    def _now(self, after: int, timeout_s: float) -> Small | None:
        if self._now_s() - self._made_at_s >= EVERY_S:
            last = self._small.sequence if self._small else -1
            seen = self._camera.wait_preview(last, min(timeout_s, EVERY_S))
            if seen is None and self._small is not None:
                # A camera that was opened anew counts from the beginning.
                self._small = None
            elif seen is not None:
                self._small = Small(smaller(seen.jpeg), seen.sequence, seen.captured_at_s)
                self._made_at_s = self._now_s()
        small = self._small
        if small is None or small.sequence == after:
            return None
        return small if self._now_s() - small.captured_at_s <= STALE_S else None


def smaller(jpeg: bytes) -> bytes:
    """Return the picture at most `WIDTH_PX` wide, made anew from its pixels."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("the camera's preview is no JPEG")
    height, width = pixels.shape[:2]
    if width > WIDTH_PX:
        size = (WIDTH_PX, max(1, round(height * WIDTH_PX / width)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()

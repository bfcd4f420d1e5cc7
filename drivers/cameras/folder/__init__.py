"""A camera that plays photographs or a video from a folder, at a set rate, as a sensor would.

It knows how a camera behaves: a pace, a preview and a full-resolution still, sensor noise, the
small sway of a person who stands, and a cable that can be pulled. It does not know what it shows.

What a tester does to a real camera is done here by files, from any process:

* the cable: while `plugged` (or, without it, the folder) does not exist, the device is absent;
* the hand: every change of the `control` file starts the script anew; it may name another script
  and what is wrong with the camera (`play = "two"`, `lens = "black"`, `held = true`).

Its settings (`sensor`) can be read and written as a real one's.
"""

from __future__ import annotations

import math
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from pydantic import ValidationError

from drivers.camera import Control, Frame, JpegPicture, Picture
from drivers.cameras.folder.delivery import as_jpeg, half_size, torn_jpeg
from drivers.cameras.folder.reel import Reel
from drivers.cameras.folder.scene_clock import draw_clock
from drivers.cameras.folder.script import Config, Hand, Lens, on_screen
from drivers.cameras.folder.sensor import Sensor, blurred
from drivers.errors import DeviceAbsent, DeviceError, DeviceHeld, DeviceTimeout

__all__ = ["Config", "FolderCamera", "open_camera"]

NOISE_SLACK_PX: Final = 64
DRIFT_PX_A_S: Final = 0.1
DRIFT_MAX_PX: Final = 4.0


def open_camera(config: Config) -> FolderCamera:
    """Open the camera.

    Raises:
        DeviceAbsent: it is unplugged.
        DeviceHeld: another program has it.
        DeviceError: a picture or the control file is bad.
    """
    return FolderCamera(config)


class FolderCamera:
    """Plays one script. `clock` and `sleep` are the world's time; tests bring their own."""

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.model = config.model
        self._config = config
        self._clock = clock
        self._sleep = sleep
        self._rng = np.random.default_rng(config.seed)
        self._closed = False
        self._sequence = 0
        self._due_s = self._clock()
        self._reel: Reel | None = None
        self._last: Picture | None = None
        self._require_plugged()
        self._control_stamp = self._stamp()
        self._sensor = Sensor()
        self._control = Hand()
        self._obey(self._read_control())
        self._require_ours()
        self._noise = _noise_tile(config, self._rng)
        self._view_at(self._clock())

    @property
    def node(self) -> Path:
        """What stands for its cable."""
        return self._config.plugged or self._config.folder

    def read(self, timeout_s: float) -> Frame:
        """Return the next preview frame. Raises `DeviceTimeout`, `DeviceAbsent`."""
        self._await_tick(timeout_s)
        return self._expose(self._config.width_px, self._config.height_px, live=True)

    def still(self, timeout_s: float) -> Frame:
        """Return one frame in the script's still size. Raises as `read`."""
        self._await_tick(timeout_s)
        if self._control.slow_still:
            self._sleep(timeout_s)
            raise DeviceTimeout(f"no still within {timeout_s:g} s")
        size_px = (self._script.still_width_px, self._script.still_height_px)
        return self._expose(*size_px, live=False)

    def controls(self) -> tuple[Control, ...]:
        """Return what can be set, as it stands."""
        self._require_plugged()
        return self._sensor.controls()

    def set_control(self, name: str, value: int) -> Control:
        """Set one and return it as it stands. Raises `DeviceError`: it takes no such value."""
        self._require_plugged()
        return self._sensor.set_control(name, value)

    def close(self) -> None:
        """Forget the pictures. Closing twice is allowed."""
        self._closed = True
        if self._reel is not None:
            self._reel.close()
            self._reel = None

    def _await_tick(self, timeout_s: float) -> None:
        """Wait until the sensor's next frame is due, never longer than the caller allows."""
        self._require_plugged()
        self._notice_control()
        self._require_ours()
        now_s = self._clock()
        wait_s = max(0.0, self._due_s - now_s)
        if self._control.lens is Lens.STALLED or wait_s > timeout_s:
            self._sleep(timeout_s)
            raise DeviceTimeout(f"no frame within {timeout_s:g} s")
        if wait_s:
            self._sleep(wait_s)
            # The cable may have gone while we slept; a real driver would notice too.
            self._require_plugged()
        # A slow caller loses frames, as with a real sensor; it never gets old ones.
        frame_s = max(1 / self._config.rate_hz, self._sensor.exposure_s)
        self._due_s = max(self._due_s, now_s) + frame_s

    def _expose(self, width_px: int, height_px: int, *, live: bool) -> Frame:
        now_s = self._clock()
        reel, view_age_s = self._view_at(now_s)
        still_scale = self._script.still_width_px / width_px
        self._sequence += 1
        if self._control.lens is Lens.FROZEN:
            return Frame(self._stuck(width_px, height_px), self._sequence, now_s, still_scale)
        bgr = self._lit(reel.shown(width_px, height_px, view_age_s), now_s)
        if live and self._config.clock and self._control.lens is not Lens.BLACK:
            bgr = draw_clock(bgr, now_s)
        self._last = bgr
        return Frame(self._delivered(bgr), self._sequence, now_s, still_scale)

    def _stuck(self, width_px: int, height_px: int) -> Picture:
        """Return the last picture once more, to the bit."""
        if self._last is None or self._last.shape[:2] != (height_px, width_px):
            self._last = self._lit(self._view_at(self._clock())[0].shown(width_px, height_px, 0.0),
                                   self._clock())  # fmt: skip
        return self._last

    def _lit(self, bgr: Picture, now_s: float) -> Picture:
        """Return what the sensor makes of the view."""
        if self._control.lens is Lens.BLACK:
            return self._with_noise(np.zeros_like(bgr))
        bgr = _shifted(bgr, *self._sway(now_s, bgr.shape[1]))
        if self._control.lens is Lens.DRIFTING:
            age_s = now_s - self._started_s
            bgr = blurred(bgr, min(DRIFT_MAX_PX, DRIFT_PX_A_S * age_s))
        return self._with_noise(self._sensor.develop(bgr))

    def _delivered(self, bgr: Picture) -> Picture | JpegPicture:
        """Return what of it arrives."""
        if self._control.lens is Lens.TORN:
            return torn_jpeg(bgr)
        if self._control.lens is Lens.WRONG_SIZE:
            bgr = half_size(bgr)
        return as_jpeg(bgr) if self._config.delivers == "jpeg" else bgr

    def _sway(self, now_s: float, width_px: int) -> tuple[float, float]:
        # Two slow, unrelated periods: never still, never the same, far below a pixel per frame.
        amplitude_px = self._config.sway_px * width_px / self._config.width_px
        age_s = now_s - self._started_s
        return (
            amplitude_px * math.sin(2 * math.pi * age_s / 7.3),
            amplitude_px * 0.6 * math.sin(2 * math.pi * age_s / 4.1 + 1.0),
        )

    def _with_noise(self, bgr: Picture) -> Picture:
        """Add a random part of the one noise tile: 2 ms, where fresh noise would cost 60 ms."""
        top, left = self._rng.integers(0, NOISE_SLACK_PX, 2)
        height_px, width_px = bgr.shape[:2]
        tile = self._noise[top : top + height_px, left : left + width_px]
        return np.asarray(cv2.addWeighted(bgr, 1.0, tile, 1.0, -128.0), np.uint8)

    def _view_at(self, now_s: float) -> tuple[Reel, float]:
        """Return the reel of the view that the script shows now, and the view's age in seconds."""
        view, age_s = on_screen(self._script, now_s - self._started_s)
        if self._reel is None or self._reel.view is not view:
            if self._reel is not None:
                self._reel.close()
            self._reel = Reel(self._config, self._script, view)
        return self._reel, age_s

    def _require_plugged(self) -> None:
        if self._closed:
            raise DeviceAbsent("the camera was closed")
        if not self.node.exists():
            raise DeviceAbsent("the camera is unplugged")

    def _require_ours(self) -> None:
        if self._control.held:
            raise DeviceHeld("another program has the camera: close it, or end its process")

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._config.control.stat() if self._config.control else None
        except FileNotFoundError:
            return None
        return (status.st_mtime_ns, status.st_ino) if status else None

    def _notice_control(self) -> None:
        stamp = self._stamp()
        if stamp != self._control_stamp:
            self._control_stamp = stamp
            self._obey(self._read_control())

    def _read_control(self) -> Hand:
        if self._control_stamp is None or self._config.control is None:
            return Hand()
        try:
            return Hand.model_validate(tomllib.loads(self._config.control.read_text("utf-8")))
        except FileNotFoundError:
            return Hand()
        except (ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
            raise DeviceError(f"{self._config.control.name}: {failure}") from failure

    def _obey(self, control: Hand) -> None:
        name = control.play or self._config.play
        if name not in self._config.scripts:
            raise DeviceError(f"no script {name!r}; there are: {', '.join(self._config.scripts)}")
        self._control = control
        self._script = self._config.scripts[name]
        self._started_s = self._clock()


def _noise_tile(config: Config, rng: np.random.Generator) -> Picture:
    """Return noise about 128, larger than any frame by the slack that offsets are drawn from."""
    width_px = max(config.width_px, *(s.still_width_px for s in config.scripts.values()))
    height_px = max(config.height_px, *(s.still_height_px for s in config.scripts.values()))
    shape = (height_px + NOISE_SLACK_PX, width_px + NOISE_SLACK_PX, 3)
    noise = rng.standard_normal(shape, dtype=np.float32) * config.noise + 128
    return np.asarray(np.clip(np.rint(noise), 0, 255), np.uint8)


def _shifted(bgr: Picture, dx_px: float, dy_px: float) -> Picture:
    matrix = np.array([[1, 0, dx_px], [0, 1, dy_px]], np.float64)
    height_px, width_px = bgr.shape[:2]
    return np.asarray(
        cv2.warpAffine(bgr, matrix, (width_px, height_px), borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )

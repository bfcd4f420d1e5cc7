"""A camera whose lens, light and sheet are known to the last figure, turned through one file.

`render` makes one picture of one truth; `LensBench` is a camera that goes on making them. What a
technician's hands do is written into the control file, from any process and at any moment:

    target = "charuco"
    [truth]
    pitch_deg = 3.0
    lamp_left = 0.2

What a station sets at its camera (exposure, white balance, focus, power line) changes the picture
as it would at a real one.
"""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from drivers.camera import Control, Frame, JpegPicture, Picture
from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout
from drivers.peers.lens_bench_controls import Controls
from drivers.peers.lens_bench_geometry import focal_px
from drivers.peers.lens_bench_render import render
from drivers.peers.lens_bench_truth import TARGETS, Target, Truth

__all__ = [
    "TARGETS", "Config", "Hand", "LensBench", "Target", "Truth", "focal_px", "read_hand",
    "render", "write_hand",
]  # fmt: skip

JPEG_QUALITY: Final = 92
_Side = Annotated[int, Field(ge=160, le=4096)]


class Config(BaseModel):
    """What the bench is told once.

    Attributes:
        folder: holds `control.toml`; while it does not exist, the camera is unplugged.
        width_px, height_px, rate_hz: of the preview.
        still_width_px, still_height_px: of the still.
        jpeg: frames are delivered as JPEG, as most USB cameras do.
        photograph: who is before the lens for the target "portrait".
        plugged: the camera is absent while this path does not exist; None watches the folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path
    model: str = "Lens bench (simulated)"
    rate_hz: Annotated[float, Field(gt=0, le=120)] = 15.0
    width_px: _Side = 1280
    height_px: _Side = 720
    still_width_px: _Side = 1920
    still_height_px: _Side = 1080
    jpeg: bool = False
    photograph: Path | None = None
    plugged: Path | None = None


class Hand(BaseModel):
    """The control file: what is held up, and what of the truth is not the default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Target = Target.NONE
    truth: Mapping[str, Any] = {}

    def whole(self) -> Truth:
        """Return the truth. Raises `ValidationError` on a wrong kind of value."""
        return TypeAdapter(Truth).validate_python({**asdict(Truth()), **self.truth})


def control_path(folder: Path) -> Path:
    """Return where a bench's control file is."""
    return folder / "control.toml"


def read_hand(folder: Path) -> Hand:
    """Return what the control file says; the defaults without one. Raises `DeviceError`."""
    try:
        hand = Hand.model_validate(tomllib.loads(control_path(folder).read_text("utf-8")))
        unknown = set(hand.truth) - set(Truth.__slots__)
        if unknown:
            raise DeviceError(f"control.toml: no knob {', '.join(sorted(unknown))}")
        hand.whole()
    except FileNotFoundError:
        return Hand()
    except (ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise DeviceError(f"control.toml: {failure}") from failure
    return hand


def write_hand(folder: Path, target: Target, truth: Truth | None = None) -> None:
    """Hold up a target and turn the knobs; a camera that runs sees the whole change or none."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f'target = "{Target(target).value}"', "[truth]"]
    for name, value in asdict(truth or Truth()).items():
        shown = list(value) if isinstance(value, tuple) else value
        lines.append(f"{name} = {str(shown).lower() if isinstance(shown, bool) else shown}")
    written = folder / "control.toml.new"
    written.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.replace(written, control_path(folder))


class LensBench:
    """The camera. `clock` and `sleep` are the world's time; tests bring their own."""

    def __init__(
        self,
        config: Config | Path,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open it. Raises `DeviceAbsent` while unplugged, `DeviceError` on a wrong control file."""
        self._config = config if isinstance(config, Config) else Config(folder=config)
        self.model = self._config.model
        self._clock = clock
        self._sleep = sleep
        self._closed = False
        self._sequence = 0
        self._due_s = clock()
        self._controls = Controls()
        self._photograph = _photograph(self._config.photograph)
        self._require_plugged()
        self._stamp = self._now_stamp()
        self._hand = read_hand(self._config.folder)

    def read(self, timeout_s: float) -> Frame:
        """Return the next preview frame. Raises `DeviceTimeout`, `DeviceAbsent`, `DeviceError`."""
        self._await_tick(timeout_s)
        return self._taken((self._config.width_px, self._config.height_px))

    def still(self, timeout_s: float) -> Frame:
        """Return one frame in the still's size. Raises as `read`."""
        self._await_tick(timeout_s)
        return self._taken((self._config.still_width_px, self._config.still_height_px))

    def controls(self) -> tuple[Control, ...]:
        """Return what can be set, as it stands. Raises `DeviceAbsent`."""
        self._require_plugged()
        return self._controls.all()

    def set_control(self, name: str, value: int) -> Control:
        """Set one control and return it as it is kept. Raises `DeviceError`."""
        self._require_plugged()
        return self._controls.change(name, value)

    def close(self) -> None:
        """Release it. Closing twice is allowed."""
        self._closed = True

    def _await_tick(self, timeout_s: float) -> None:
        self._require_plugged()
        stamp = self._now_stamp()
        if stamp != self._stamp:
            self._stamp, self._hand = stamp, read_hand(self._config.folder)
        now_s = self._clock()
        wait_s = max(0.0, self._due_s - now_s)
        if wait_s > timeout_s:
            self._sleep(timeout_s)
            raise DeviceTimeout(f"no frame within {timeout_s:g} s")
        if wait_s:
            self._sleep(wait_s)
            self._require_plugged()
        self._due_s = max(self._due_s, now_s) + 1 / self._config.rate_hz

    def _taken(self, size_px: tuple[int, int]) -> Frame:
        taken_s = self._clock()
        self._sequence += 1
        truth = self._controls.seen(self._hand.whole())
        target = self._hand.target
        if target is Target.PORTRAIT and self._photograph is None:
            raise DeviceError("the lens bench was given no photograph")
        shown_ms = 1000 * (time.time() - truth.latency_s) if target is Target.TIME_CODE else None
        bgr = render(target, truth, size_px, taken_s, self._sequence, self._photograph, shown_ms)
        scale = self._config.still_width_px / size_px[0]
        pixels = _delivered(bgr) if self._config.jpeg else bgr
        return Frame(pixels, self._sequence, taken_s, scale)

    def _require_plugged(self) -> None:
        if self._closed:
            raise DeviceAbsent("the camera was closed")
        if not (self._config.plugged or self._config.folder).exists():
            raise DeviceAbsent("the camera is unplugged")

    def _now_stamp(self) -> tuple[int, int] | None:
        try:
            status = control_path(self._config.folder).stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino


def _delivered(bgr: Picture) -> JpegPicture:
    _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return JpegPicture(jpeg.tobytes(), bgr.shape[1], bgr.shape[0])


def _photograph(path: Path | None) -> Picture | None:
    if path is None:
        return None
    picture = cv2.imread(str(path))
    if picture is None:
        raise DeviceError(f"{path.name} is no picture")
    return np.asarray(picture, np.uint8)

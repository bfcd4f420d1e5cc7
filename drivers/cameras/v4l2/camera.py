"""The camera at a video node: preview, still in another size, settings, and what is never shown."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from drivers.camera import Control, Dropped, Frame, JpegPicture, Picture
from drivers.cameras.v4l2 import controls, modes
from drivers.cameras.v4l2.config import Config
from drivers.cameras.v4l2.modes import Mode
from drivers.cameras.v4l2.node import Node, System, identity
from drivers.cameras.v4l2.stream import Delivery, Stream
from drivers.errors import DeviceTimeout, ProtocolViolation, WrongModel
from drivers.jpeg_frame import read_head, whole

LATE_AFTER_S: Final = 0.5
_HELD: Final = (
    ("exposure_auto", "exposure_100us"),
    ("white_balance_auto", "white_balance_k"),
)


class V4l2Camera:
    """One open video node. One thread uses it; see `drivers.camera` for what its calls promise."""

    def __init__(self, config: Config, system: System) -> None:
        self._config = config
        self._sequence = 0
        self._dropped: Counter[Dropped] = Counter()
        self._given_back: dict[str, int] = {}
        self._looked_at_s = time.monotonic()
        self._stream: Stream | None = None
        self._preview = Mode(config.pixel_format, config.width_px, config.height_px)
        self._large = Mode(
            config.pixel_format,
            config.still_width_px or config.width_px,
            config.still_height_px or config.height_px,
        )
        self._node = Node(config.device, system)
        try:
            self.model = self._recognise()
            self._start(self._preview)
            controls.unmirror(self._node)
            controls.apply(self._node, config.controls)
        except BaseException:
            self.close()
            raise

    @property
    def node(self) -> Path:
        """The stable name under which it comes back."""
        return self._config.device

    def read(self, timeout_s: float) -> Frame:
        """Return the newest preview frame. Raises `DeviceTimeout`, `DeviceAbsent`."""
        return self._next(self._preview, time.monotonic() + timeout_s, self._still_scale)

    def still(self, timeout_s: float) -> Frame:
        """Return one frame in full resolution; the preview stands still meanwhile."""
        until_s = time.monotonic() + timeout_s
        if self._large == self._preview:
            return self._next(self._large, until_s, 1.0)
        try:
            self._start(self._large)
            for _ in range(self._config.settle_frames):
                self._next(self._large, until_s, 1.0)
            return self._next(self._large, until_s, 1.0)
        finally:
            self._start(self._preview)

    def controls(self) -> tuple[Control, ...]:
        """Return what can be set, read from the camera. Raises `DeviceError`."""
        return controls.listed(self._node)

    def set_control(self, name: str, value: int) -> Control:
        """Write one setting and return it as read back. Raises `DeviceError`."""
        return controls.write(self._node, name, value)

    def hold_exposure(self, *, held: bool) -> None:
        """Keep exposure and white balance where they are, or give them back.

        Only what was automatic is held, and only that is given back. Raises `DeviceError`.
        """
        if held and not self._given_back:
            now = {control.name: control.value for control in controls.listed(self._node)}
            for switch, setting in _HELD:
                if now.get(switch) and setting in now:
                    controls.write(self._node, switch, 0)
                    self._given_back[switch] = 1
                    self._keep(setting, now[setting])
        elif not held and self._given_back:
            controls.apply(self._node, self._given_back)
            self._given_back = {}

    def dropped(self) -> Mapping[Dropped, int]:
        """Return how many frames were not shown, by reason, since it was opened."""
        return dict(self._dropped)

    def close(self) -> None:
        """Stop the stream and close the node. Closing twice is allowed."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self._node.close()

    def _recognise(self) -> str:
        card = identity(self._node).card.decode("utf-8", "replace")
        if self._config.card and card != self._config.card:
            raise WrongModel(f"another camera is there: {card}, not {self._config.card}")
        return self._config.model or card

    @property
    def _still_scale(self) -> float:
        return self._large.width_px / self._preview.width_px

    def _start(self, mode: Mode) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self._format = modes.choose(self._node, mode, self._config.rate_hz)
        self._stream = Stream(self._node)

    def _keep(self, setting: str, value: int) -> None:
        step = next(c for c in controls.listed(self._node) if c.name == setting)
        # An automatism may stand between two steps of what can be set by hand.
        value = step.least + round((value - step.least) / step.step) * step.step
        controls.write(self._node, setting, min(max(value, step.least), step.most))

    def _next(self, mode: Mode, until_s: float, still_scale: float) -> Frame:
        """Return the newest whole frame that comes before the time is over."""
        while True:
            delivery = self._newest()
            if delivery is None:
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    raise DeviceTimeout(f"no whole frame in time{self._said_of_dropped()}")
                self._node.wait(left_s)
                continue
            pixels = self._pixels(delivery, mode)
            if pixels is not None:
                self._sequence += 1
                return Frame(pixels, self._sequence, _captured_at_s(delivery), still_scale)

    def _newest(self) -> Delivery | None:
        """Return the newest frame that is there, None if none is or if it waited too long."""
        if self._stream is None:
            # A still that failed half-way left none: what opens the camera anew says why.
            self._start(self._preview)
        newest = None
        # Bounded: a camera that fills faster than we empty must not hold us here.
        for _ in range(8):
            delivery = self._stream.take() if self._stream else None
            if delivery is None:
                break
            if newest is not None:
                self._dropped["late"] += 1
            newest = delivery
        if newest is not None and self._waited(newest):
            self._dropped["late"] += 1
            return None
        return newest

    def _waited(self, delivery: Delivery) -> bool:
        """Whether it lay in a buffer while nobody asked: the kernel keeps the old, not the new."""
        now_s = time.monotonic()
        last_s, self._looked_at_s = self._looked_at_s, now_s
        if delivery.taken_at_s is not None:
            return now_s - delivery.taken_at_s > LATE_AFTER_S
        return now_s - last_s > LATE_AFTER_S

    def _pixels(self, delivery: Delivery, mode: Mode) -> Picture | JpegPicture | None:
        """Return the picture, None for one that must not be shown, which is counted."""
        if delivery.damaged or not delivery.content:
            self._dropped["torn"] += 1
            return None
        if mode.pixel_format == "YUYV":
            return self._decoded(delivery.content, mode)
        try:
            head = read_head(delivery.content)
        except ProtocolViolation:
            self._dropped["torn"] += 1
            return None
        if (head.width_px, head.height_px) != (mode.width_px, mode.height_px):
            self._dropped["wrong_size"] += 1
            return None
        return JpegPicture(whole(delivery.content, head), head.width_px, head.height_px)

    def _decoded(self, content: bytes, mode: Mode) -> Picture | None:
        row_bytes = max(self._format.bytesperline, mode.width_px * 2)
        if len(content) < row_bytes * mode.height_px:
            self._dropped["torn"] += 1
            return None
        rows = np.frombuffer(content, np.uint8, row_bytes * mode.height_px)
        pairs = rows.reshape(mode.height_px, row_bytes)[:, : mode.width_px * 2]
        shaped = pairs.reshape(mode.height_px, mode.width_px, 2)
        return np.asarray(cv2.cvtColor(shaped, cv2.COLOR_YUV2BGR_YUY2), np.uint8)

    def _said_of_dropped(self) -> str:
        torn, wrong_size = self._dropped["torn"], self._dropped["wrong_size"]
        return f" ({torn} came torn, {wrong_size} in a wrong size)" if torn or wrong_size else ""


def _captured_at_s(delivery: Delivery) -> float:
    """Return the kernel's moment, or now where it has another clock or runs ahead of ours."""
    now_s = time.monotonic()
    return now_s if delivery.taken_at_s is None else min(delivery.taken_at_s, now_s)

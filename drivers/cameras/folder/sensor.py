"""The settings of the played camera, and what each of them does to a picture.

As at a real one: exposure longer than a frame's time slows the stream down, a wrong focus blurs, a
wrong colour temperature tints; automatic ones are right, and hold what they govern.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from drivers.camera import Control, Picture
from drivers.errors import DeviceError

RIGHT_EXPOSURE: Final = 330
RIGHT_KELVIN: Final = 5000
RIGHT_FOCUS: Final = 120
FOCUS_STEPS_OF_A_PX: Final = 20.0
GAIN_OF_TWO: Final = 50.0
_HELD_BY: Final = {
    "exposure_100us": "exposure_auto",
    "white_balance_k": "white_balance_auto",
    "focus": "focus_auto",
}
_AT_POWER_UP: Final = (
    Control("exposure_auto", "bool", 1, 0, 1, 1, 1),
    Control("exposure_100us", "int", RIGHT_EXPOSURE, 1, 10_000, 1, RIGHT_EXPOSURE, unit="100 us"),
    Control("gain", "int", 0, 0, 100, 1, 0),
    Control("white_balance_auto", "bool", 1, 0, 1, 1, 1),
    Control("white_balance_k", "int", RIGHT_KELVIN, 2800, 6500, 10, RIGHT_KELVIN, unit="K"),
    Control("focus_auto", "bool", 1, 0, 1, 1, 1),
    Control("focus", "int", RIGHT_FOCUS, 0, 255, 1, RIGHT_FOCUS),
    Control(
        "power_line_hz", "menu", 50, 0, 60, 1, 50,
        {0: "off", 50: "50 Hz", 60: "60 Hz"}, unit="Hz",
    ),
)  # fmt: skip


class Sensor:
    """The settings as they stand. Power takes them back: a camera opened anew has a new one."""

    def __init__(self) -> None:
        self._controls = {control.name: control for control in _AT_POWER_UP}

    def controls(self) -> tuple[Control, ...]:
        """Return what can be set, as it stands."""
        return tuple(
            replace(one, held_by=held if held and self._value(held) else "")
            for one in self._controls.values()
            for held in (_HELD_BY.get(one.name, ""),)
        )

    def set_control(self, name: str, value: int) -> Control:
        """Set one and return it as it stands. Raises `DeviceError`: it takes no such value."""
        control = next((one for one in self.controls() if one.name == name), None)
        if control is None:
            raise DeviceError(f"this camera has no {name}")
        control.require(value)
        self._controls[name] = replace(control, value=value, held_by="")
        return self._controls[name]

    @property
    def exposure_s(self) -> float:
        """How long one frame takes to expose; nought while that is automatic."""
        return 0.0 if self._value("exposure_auto") else self._value("exposure_100us") / 10_000

    def develop(self, bgr: Picture) -> Picture:
        """Return the picture as these settings let it be: (height, width, 3)."""
        blur_px = 0.0
        if not self._value("focus_auto"):
            blur_px = abs(self._value("focus") - RIGHT_FOCUS) / FOCUS_STEPS_OF_A_PX
        gains = self._gains()
        if np.any(gains != 1.0):
            bgr = np.asarray(np.clip(bgr * gains, 0, 255), np.uint8)
        return blurred(bgr, blur_px)

    def _gains(self) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        light = 1 + self._value("gain") / GAIN_OF_TWO
        if not self._value("exposure_auto"):
            light *= self._value("exposure_100us") / RIGHT_EXPOSURE
        warm = 1.0
        if not self._value("white_balance_auto"):
            warm = (self._value("white_balance_k") / RIGHT_KELVIN) ** 0.5
        return np.array([light / warm, light, light * warm], np.float32)

    def _value(self, name: str) -> int:
        return self._controls[name].value


def blurred(bgr: Picture, sigma_px: float) -> Picture:
    """Return the picture out of focus by a Gaussian of this width."""
    if sigma_px < 0.1:
        return bgr
    return np.asarray(cv2.GaussianBlur(bgr, (0, 0), sigma_px), np.uint8)

"""What can be set at the simulated camera, and what each setting does to the picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from drivers.camera import Control
from drivers.errors import DeviceError
from drivers.peers.lens_bench_truth import Truth

BEST_FOCUS: Final = 120
BLUR_PER_STEP: Final = 0.05
RIGHT_EXPOSURE: Final = 100
RIGHT_WHITE_K: Final = 5000
AUTOMATIC: Final[Mapping[str, str]] = {
    "exposure_100us": "exposure_auto",
    "white_balance_k": "white_balance_auto",
    "focus": "focus_auto",
}
_CONTROLS: Final = (
    Control("exposure_auto", "bool", 0, 0, 1, 1, 0),
    Control("exposure_100us", "int", RIGHT_EXPOSURE, 3, 2000, 1, RIGHT_EXPOSURE, unit="100 us"),
    Control("white_balance_auto", "bool", 0, 0, 1, 1, 0),
    Control("white_balance_k", "int", RIGHT_WHITE_K, 2800, 7500, 100, RIGHT_WHITE_K, unit="K"),
    Control("focus_auto", "bool", 0, 0, 1, 1, 0),
    Control("focus", "int", BEST_FOCUS, 0, 250, 5, BEST_FOCUS),
    Control("power_line_hz", "menu", 0, 0, 60, 1, 0, {0: "off", 50: "50 Hz", 60: "60 Hz"}, "Hz"),
)


class Controls:
    """The settings of one camera, as it keeps them while it has power."""

    def __init__(self) -> None:
        self._held = {one.name: one for one in _CONTROLS}

    def all(self) -> tuple[Control, ...]:
        """Return every control as it stands."""
        return tuple(self._now(name) for name in self._held)

    def change(self, name: str, value: int) -> Control:
        """Set one and return it as it is kept. Raises `DeviceError` if it is refused."""
        if name not in self._held:
            raise DeviceError(f"no control {name!r}; there are: {', '.join(self._held)}")
        self._now(name).require(value)
        self._held[name] = replace(self._held[name], value=value)
        return self._now(name)

    def seen(self, truth: Truth) -> Truth:
        """Return what is true once these settings have had their effect."""
        focus, white = self._value("focus"), self._value("white_balance_k")
        blur = BLUR_PER_STEP * (0 if self._value("focus_auto") else focus - BEST_FOCUS)
        ev = math.log2(self._value("exposure_100us") / RIGHT_EXPOSURE)
        # Set for bluer light than there is, a camera makes the picture warmer.
        warm = 1.0 if self._value("white_balance_auto") else (white / RIGHT_WHITE_K) ** 0.5
        red, green, blue = truth.cast
        mains = truth.flicker_hz / 2
        matched = self._value("power_line_hz") == round(mains)
        return replace(
            truth,
            blur_sigma_px=math.hypot(truth.blur_sigma_px, blur),
            exposure_ev=0.0 if self._value("exposure_auto") else truth.exposure_ev + ev,
            cast=(red * warm, green, blue / warm),
            flicker_depth=truth.flicker_depth * (0.1 if matched else 1.0),
            banding=truth.banding * (0.1 if matched else 1.0),
        )

    def _value(self, name: str) -> int:
        return self._held[name].value

    def _now(self, name: str) -> Control:
        one, automatic = self._held[name], AUTOMATIC.get(name, "")
        held = automatic if automatic and self._held[automatic].value else ""
        return replace(one, held_by=held)

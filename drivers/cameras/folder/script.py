"""What the folder camera is told: its settings, its views in their order, its control file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Side = Annotated[int, Field(ge=64, le=8192)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class View(_Section):
    """One picture or video of the folder, and how it lies in the frame.

    Attributes:
        picture: file name inside the folder.
        seconds: how long it is shown; None keeps it (only sensible for the last).
        scale: 1.0 fits the whole picture into the frame.
        rotate_deg: anticlockwise, about the picture's centre.
        shift_x, shift_y: of the centre, as a share of the frame's width and height.
    """

    picture: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    seconds: Annotated[float, Field(gt=0)] | None = None
    scale: Annotated[float, Field(gt=0, le=10)] = 1.0
    rotate_deg: Annotated[float, Field(ge=-180, le=180)] = 0.0
    shift_x: Annotated[float, Field(ge=-1, le=1)] = 0.0
    shift_y: Annotated[float, Field(ge=-1, le=1)] = 0.0


class Script(_Section):
    """Views in their order, and the size of the sensor that took them."""

    views: Annotated[tuple[View, ...], Field(min_length=1)]
    still_width_px: _Side = 1600
    still_height_px: _Side = 900
    repeat: bool = True


class Config(_Section):
    """What the settings file says of this camera.

    Attributes:
        folder: holds the pictures.
        scripts: by name; `play` is the one that starts.
        rate_hz: preview frames a second.
        noise: standard deviation of the sensor noise, in 8-bit levels.
        sway_px: amplitude of the slow movement, in preview pixels.
        fill_bgr: colour where no picture lies.
        plugged: the device is absent while this path does not exist; None watches the folder.
        control: see the module; None for a camera that nobody touches.
        delivers: "pixels", or "jpeg" as most UVC cameras do.
        clock: a clock stands in the preview's picture (`scene_clock`).
    """

    folder: Path
    scripts: Annotated[Mapping[str, Script], Field(min_length=1)]
    play: str
    model: str = "Folder camera"
    rate_hz: Annotated[float, Field(gt=0, le=120)] = 15.0
    width_px: _Side = 1280
    height_px: _Side = 720
    noise: Annotated[float, Field(ge=0, le=40)] = 1.5
    sway_px: Annotated[float, Field(ge=0, le=40)] = 0.8
    seed: int = 1
    fill_bgr: tuple[int, int, int] = (226, 224, 222)
    plugged: Path | None = None
    control: Path | None = None
    delivers: Literal["pixels", "jpeg"] = "pixels"
    clock: bool = False

    @model_validator(mode="after")
    def _play_is_a_script(self) -> Config:
        if self.play not in self.scripts:
            raise ValueError(f"no script {self.play!r}; there are: {', '.join(self.scripts)}")
        return self


class Lens(Enum):
    """What a tester did to the camera."""

    CLEAR = "clear"
    BLACK = "black"
    """Covered: frames come, dark but for the noise."""
    FROZEN = "frozen"
    """Hung: the same frame comes again and again, to the bit."""
    STALLED = "stalled"
    """Silent: present, but no frame comes."""
    TORN = "torn"
    """Every frame comes as a JPEG whose last third was lost on the way."""
    WRONG_SIZE = "wrong_size"
    """Every frame comes half as wide and half as high as agreed."""
    DRIFTING = "drifting"
    """It goes out of focus, slowly, as a lens does that was touched or warms up."""


class Hand(_Section):
    """The content of the control file; an empty file only restarts the script.

    Attributes:
        play: the script; None for the one that the settings name.
        lens: what was done to it.
        slow_still: a still takes longer than anybody waits for it.
        held: another program has the camera: it is there, but cannot be opened.
    """

    play: str | None = None
    lens: Lens = Lens.CLEAR
    slow_still: bool = False
    held: bool = False


def on_screen(script: Script, age_s: float) -> tuple[View, float]:
    """Return the view that is shown `age_s` after the start, and how long it has been shown."""
    total_s = sum(view.seconds or math.inf for view in script.views)
    if script.repeat and math.isfinite(total_s):
        age_s %= total_s
    for view in script.views:
        if view.seconds is None or age_s < view.seconds:
            return view, age_s
        age_s -= view.seconds
    return script.views[-1], age_s + (script.views[-1].seconds or 0.0)

"""What a settings file says of a video node."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_Side = Annotated[int, Field(ge=64, le=16384)]


class Config(BaseModel):
    """What the settings file says of this camera.

    Attributes:
        device: by its place or its serial number, /dev/v4l/by-id/... or /dev/v4l/by-path/...
        card: how the camera must name itself; "" takes any.
        model: what the record shows; "" shows the camera's own name.
        pixel_format: MJPG passes the camera's own JPEG through; YUYV is decoded here.
        width_px, height_px, rate_hz: of the preview.
        still_width_px, still_height_px: of the still; None takes the preview's own frames.
        settle_frames: dropped after the size was changed, until its exposure is right again.
        controls: settings written and read back at every opening, by the house's names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Path
    card: str = ""
    model: str = ""
    pixel_format: Literal["MJPG", "YUYV"] = "MJPG"
    width_px: _Side = 1280
    height_px: _Side = 720
    rate_hz: Annotated[float, Field(gt=0, le=240)] = 25.0
    still_width_px: _Side | None = None
    still_height_px: _Side | None = None
    settle_frames: Annotated[int, Field(ge=0, le=60)] = 3
    controls: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], int] = {}

    @field_validator("device")
    @classmethod
    def _stays_the_same(cls, device: Path) -> Path:
        if re.fullmatch(r"/dev/video\d+", str(device)):
            raise ValueError(
                f"{device} is another camera after the next start; "
                "take its name under /dev/v4l/by-id or /dev/v4l/by-path"
            )
        return device

    @model_validator(mode="after")
    def _still_has_two_sides(self) -> Config:
        if (self.still_width_px is None) is not (self.still_height_px is None):
            raise ValueError("a still has a width and a height, or neither")
        return self

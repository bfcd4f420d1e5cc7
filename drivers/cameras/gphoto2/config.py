"""What a settings file says of a camera that libgphoto2 drives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Config(BaseModel):
    """What the settings file says of this camera.

    Attributes:
        port: "usb:" finds the one that is connected; or libgphoto2's own name of a port, as
            "ptpip:192.168.1.1".
        serial_number: how the camera must name itself; "" takes any.
        model: what the record shows; "" shows the camera's own name.
        rate_hz: previews a second that are asked for at most.
        still_width_px: of the still, which nobody knows before the first was taken.
        keep_on_card: leave the stills on the camera's card. Left out, nothing stays there.
        answer_s: a camera that answers nothing for so long is given up.
        controls: settings written and read back at every opening, by the house's names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: Annotated[str, Field(pattern=r"^(usb:|ptpip:|disk:)")] = "usb:"
    serial_number: str = ""
    model: str = ""
    rate_hz: Annotated[float, Field(gt=0, le=60)] = 15.0
    still_width_px: Annotated[int, Field(ge=64, le=16384)] | None = None
    keep_on_card: bool = False
    answer_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    controls: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], int] = {}

"""What a model's file and the station's settings say of a zfm module: numbers and names, no I/O."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.serial_port import PortAddress
from drivers.zfm_packets import ANY_ADDRESS, BAUD_STEP
from drivers.zfm_size import SIDE_MAX_PX, SIDE_MIN_PX, ImageSize

FACTORY_FIRST: Final = (57600, 115200, 9600, 19200, 38400)
ALL_BAUD: Final = tuple(step * BAUD_STEP for step in range(1, 13))

Baud = Annotated[int, Field(ge=BAUD_STEP, le=960_000, multiple_of=BAUD_STEP)]
Seconds = Annotated[float, Field(gt=0, le=60)]
Side = Annotated[int, Field(ge=SIDE_MIN_PX, le=SIDE_MAX_PX)]


class Config(BaseModel):
    """One module on one port; all but the port comes from the model's file.

    Attributes:
        width_px, height_px: None for both: the module tells, or the number of bytes does.
        baud, packet_bytes: what the connection shall use; None leaves the module as it is, and
            "fastest" takes the fastest speed up to `fastest_baud` that works.
        fastest_baud: more than 115200 is for models that are known for it.
        scan_baud: speeds to look for the module at, after `baud`.
        reads_parameters: False for models without ReadSysPara (R308, brianrho/FPM issue 15).
        reads_product: True for models with ReadProdInfo; its number means other things elsewhere.
        image_command: GetImageEx, where there is one, tells a poor image from a good one.
        led: which light the model has, if it can be told what to do; "" for none.
        ridges_dark: False for models that send ridges light; fixed when a model is commissioned.
        warning: what the console says about the model, such as "not for enrolment".
        enrolment_grade: False for models whose images shall not be enrolled; a small window is
            never of enrolment grade, whatever this says.
        sources: where each number of a model's file comes from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: PortAddress
    model: str
    width_px: Side | None = None
    height_px: Side | None = None
    bits: Literal[4, 8] = 4
    resolution_ppi: Annotated[int, Field(ge=200, le=1200)]
    baud: Baud | Literal["fastest"] | None = None
    fastest_baud: Baud = 115200
    packet_bytes: Literal[32, 64, 128, 256] | None = None
    scan_baud: tuple[Baud, ...] = tuple(dict.fromkeys(FACTORY_FIRST + ALL_BAUD))
    address: Annotated[int, Field(ge=0, le=ANY_ADDRESS)] = ANY_ADDRESS
    reads_parameters: bool = True
    reads_product: bool = False
    image_command: Literal["GetImage", "GetImageEx"] = "GetImage"
    led: Literal["", "aura", "optical"] = ""
    ridges_dark: bool = True
    warning: str = ""
    enrolment_grade: bool = True
    answer_s: Seconds = 3.0
    handshake_s: Seconds = 0.5
    gap_s: Seconds = 0.5
    poll_s: Seconds = 0.15
    sources: dict[str, str] = {}

    @model_validator(mode="after")
    def _both_sides_or_none(self) -> Self:
        if (self.width_px is None) is not (self.height_px is None):
            raise ValueError("width_px and height_px belong together: state both or none")
        return self

    @property
    def size(self) -> ImageSize | None:
        """The size that the file states; None if it states none."""
        if self.width_px is None or self.height_px is None:
            return None
        return ImageSize(self.width_px, self.height_px, self.bits)

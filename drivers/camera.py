"""What the station needs of a camera, and what one picture of it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Frame:
    """One camera image, unmirrored.

    Attributes:
        bgr: (height_px, width_px, 3), 8 bits a channel, sRGB, read-only.
        sequence: grows by one or more with every frame of an open camera.
        captured_at_s: `time.monotonic` when the sensor delivered it.
        still_scale: pixels of the same camera's still for one of this frame.
    """

    bgr: Picture
    sequence: int
    captured_at_s: float
    still_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.bgr.ndim != 3 or self.bgr.shape[2] != 3 or self.bgr.dtype != np.uint8:
            raise ValueError(f"a frame is (height, width, 3) of uint8, not {self.bgr.shape}")
        self.bgr.setflags(write=False)

    @property
    def width_px(self) -> int:
        """Columns."""
        return int(self.bgr.shape[1])

    @property
    def height_px(self) -> int:
        """Rows."""
        return int(self.bgr.shape[0])


class Camera(Protocol):
    """One open camera. One thread uses it."""

    model: str
    """Maker's name of the device, as the record and the console show it."""

    def read(self, timeout_s: float) -> Frame:
        """Return the next preview frame. Raises `DeviceTimeout`, `DeviceAbsent`."""

    def still(self, timeout_s: float) -> Frame:
        """Return one frame in the camera's full resolution. Raises as `read`."""

    def close(self) -> None:
        """Release the device. Closing twice is allowed."""


@runtime_checkable
class HoldsExposure(Protocol):
    """A camera that can also keep its exposure and white balance as they are. Not all can."""

    def hold_exposure(self, *, held: bool) -> None:
        """Keep them from now on, or leave them to the camera again. Raises `DeviceError`."""

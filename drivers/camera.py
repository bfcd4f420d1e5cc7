"""What the station needs of a camera, and what one picture of it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from drivers.errors import DeviceError, ProtocolViolation

Picture = npt.NDArray[np.uint8]


class JpegPicture:
    """A picture that a camera delivered as JPEG; its pixels are decoded when first asked for, once.

    Attributes:
        jpeg: as the camera delivered it.
        width_px, height_px: as its own header says; the decoded picture must agree.
    """

    __slots__ = ("_lock", "_pixels", "height_px", "jpeg", "width_px")

    def __init__(self, jpeg: bytes, width_px: int, height_px: int) -> None:
        self.jpeg = jpeg
        self.width_px = width_px
        self.height_px = height_px
        self._lock = Lock()
        self._pixels: Picture | None = None

    def decoded(self) -> Picture:
        """Return (height_px, width_px, 3), BGR, read-only. Raises `ProtocolViolation`."""
        with self._lock:
            if self._pixels is None:
                self._pixels = self._decode()
            return self._pixels

    def _decode(self) -> Picture:
        # Late, so that a camera's own process need not load it.
        import cv2  # noqa: PLC0415 - once pixels are asked for

        # Its own turn sign is not obeyed: how the camera hangs is the station's setting.
        as_delivered = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        try:
            pixels = cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), as_delivered)
        except cv2.error as failure:
            raise ProtocolViolation("the camera's JPEG cannot be decoded") from failure
        if pixels is None or pixels.shape != (self.height_px, self.width_px, 3):
            raise ProtocolViolation("the camera's JPEG is not the picture that its header says")
        picture = np.asarray(pixels, np.uint8)
        picture.setflags(write=False)
        return picture


@dataclass(frozen=True, slots=True)
class Frame:
    """One camera image, unmirrored.

    Attributes:
        pixels: the picture, or the JPEG that it is decoded from when `bgr` is first read.
        sequence: grows by one or more with every frame of an open camera.
        captured_at_s: `time.monotonic` when the sensor delivered it.
        still_scale: pixels of the same camera's still for one of this frame.
        jpeg: exactly these pixels as the camera delivered them; None if it delivered no JPEG.
    """

    pixels: Picture | JpegPicture
    sequence: int
    captured_at_s: float
    still_scale: float = 1.0
    jpeg: bytes | None = None

    def __post_init__(self) -> None:
        if isinstance(self.pixels, JpegPicture):
            object.__setattr__(self, "jpeg", self.pixels.jpeg)
            return
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"a frame is (height, width, 3) of uint8, not {self.pixels.shape}")
        self.pixels.setflags(write=False)

    @property
    def bgr(self) -> Picture:
        """The picture: (height_px, width_px, 3), 8 bits a channel, sRGB, read-only.

        Raises `ProtocolViolation` where the camera's JPEG cannot be decoded.
        """
        return self.pixels.decoded() if isinstance(self.pixels, JpegPicture) else self.pixels

    @property
    def width_px(self) -> int:
        """Columns; costs no decoding."""
        if isinstance(self.pixels, JpegPicture):
            return self.pixels.width_px
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        """Rows; costs no decoding."""
        if isinstance(self.pixels, JpegPicture):
            return self.pixels.height_px
        return int(self.pixels.shape[0])


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


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that can be set at a camera, and how it stands now.

    Attributes:
        name: ours, the same for every maker: exposure_100us, gain, white_balance_k, focus, ...
        kind: "bool" is 0 or 1; a "menu" takes the keys of `choices` alone.
        value: as the camera itself said, read back and not remembered.
        least, most, step: what it takes; a menu's step is 1.
        default: the maker's.
        choices: value to the maker's word, for a menu; else empty.
        unit: of `value`: "100 us", "K", "Hz"; "" where the maker's scale has none.
        held_by: the control that must be switched off before this one obeys; "" if it obeys now.
    """

    name: str
    kind: Literal["int", "bool", "menu"]
    value: int
    least: int
    most: int
    step: int
    default: int
    choices: Mapping[int, str] = field(default_factory=dict)
    unit: str = ""
    held_by: str = ""

    def require(self, value: int) -> None:
        """Raise `DeviceError` with the reason if this value is none that it takes."""
        if self.kind == "menu" and value not in self.choices:
            takes = ", ".join(f"{key} ({word})" for key, word in sorted(self.choices.items()))
            raise DeviceError(f"{self.name} cannot be {value}; it takes {takes}")
        if not self.least <= value <= self.most:
            raise DeviceError(f"{self.name} cannot be {value}; {self.least} to {self.most}")
        if self.kind == "int" and (value - self.least) % max(1, self.step):
            raise DeviceError(f"{self.name} goes in steps of {self.step} from {self.least}")
        if self.held_by:
            raise DeviceError(f"{self.name} is held by {self.held_by}; switch that off first")


@runtime_checkable
class HasControls(Protocol):
    """A camera whose settings can be read and written while it streams. Not all can."""

    def controls(self) -> tuple[Control, ...]:
        """Return what can be set, as it stands now, read from the camera. Raises `DeviceError`."""

    def set_control(self, name: str, value: int) -> Control:
        """Write one setting and return it as read back.

        Raises:
            DeviceError: no such control, refused, or the camera kept another value.
        """


@runtime_checkable
class HasNode(Protocol):
    """A camera that is a node of this machine: a pulled cable is seen there without opening it."""

    @property
    def node(self) -> Path:
        """The name under which it comes back, as /dev/v4l/by-id/..."""


Dropped = Literal["torn", "wrong_size", "late"]
"""Why a frame was not shown: bytes are missing; not the size agreed on; a newer one was there."""


@runtime_checkable
class CountsDropped(Protocol):
    """A camera that drops frames it must not show, and counts them."""

    def dropped(self) -> Mapping[Dropped, int]:
        """Return how many, by reason, since it was opened. From its own thread."""

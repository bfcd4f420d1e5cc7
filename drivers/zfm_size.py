"""How large a zfm module's images are: told by the module, stated by its file, or counted.

In this order: ReadProdInfo where the model's file allows it, the number of bytes, the file. Where
two of them contradict each other, or none knows, the image is refused: a guessed width shears a
print into one that looks real.

Sources of the sizes: pyfingerprint 1.5 and the ZFM manual (36,864 bytes); Adafruit_CircuitPython_
Fingerprint issue 24 and pyfingerprint pull request 117 (18,432). The other three are unverified.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Self

from drivers.errors import ProtocolViolation, WrongModel

SIDE_MAX_PX: Final = 1024
SIDE_MIN_PX: Final = 32


@dataclass(frozen=True, slots=True)
class ImageSize:
    """Width and height in pixels, and how many bits a pixel takes on the line (4 or 8)."""

    width_px: int
    height_px: int
    bits: int

    def __str__(self) -> str:
        return f"{self.width_px} x {self.height_px} px"

    @property
    def content_bytes(self) -> int:
        """Bytes of one image on the line, without the packets' own."""
        return self.width_px * self.height_px * self.bits // 8


KNOWN_SIZES: Final = (
    ImageSize(256, 288, 4),
    ImageSize(192, 192, 4),
    ImageSize(160, 160, 4),
    ImageSize(256, 360, 4),
    ImageSize(256, 288, 8),
)
LARGEST_BYTES: Final = max(size.content_bytes for size in KNOWN_SIZES)


def size_of_count(content_bytes: int, bits: int) -> ImageSize:
    """Return the size that an image of so many bytes has. Raises `WrongModel`: no known one."""
    for size in KNOWN_SIZES:
        if (size.content_bytes, size.bits) == (content_bytes, bits):
            return size
    raise WrongModel(
        f"image size not known: {content_bytes} bytes came, of {bits} bits a pixel; "
        "state width_px and height_px of the model"
    )


def agreed_size(told: ImageSize | None, stated: ImageSize | None) -> ImageSize | None:
    """Return what module and model's file say together; None if neither says anything.

    Raises:
        WrongModel: they contradict each other.
    """
    if told and stated and told != stated:
        raise WrongModel(
            f"image size not known: the module tells {told}, its model's file {stated}; "
            "name the model that it is"
        )
    return told or stated


@dataclass(frozen=True, slots=True)
class ProductInfo:
    """What ReadProdInfo answers: 46 bytes after the confirmation.

    Source: Adafruit-Fingerprint-Sensor-Library and the R503 manual 1.2.2.
    """

    module: str
    batch: str
    serial: str
    hardware: tuple[int, int]
    sensor: str
    width_px: int
    height_px: int
    template_bytes: int
    library_size: int

    @classmethod
    def from_bytes(cls, answer: bytes) -> Self:
        """Read the 46 bytes. Raises `ProtocolViolation` for anything else."""
        if len(answer) != _PRODUCT.size:
            raise ProtocolViolation(f"product information of {len(answer)} bytes")
        module, batch, serial, major, minor, sensor, *numbers = _PRODUCT.unpack(answer)
        width_px, height_px, template_bytes, library_size = numbers
        sides_px = range(SIDE_MIN_PX, SIDE_MAX_PX + 1)
        if width_px not in sides_px or height_px not in sides_px:
            raise ProtocolViolation(f"no sensor has {width_px} x {height_px} px")
        return cls(
            _text(module), _text(batch), _text(serial), (major, minor), _text(sensor),
            width_px, height_px, template_bytes, library_size,
        )  # fmt: skip

    def size(self, bits: int) -> ImageSize:
        """Return the size of its images, if a pixel takes so many bits on the line."""
        return ImageSize(self.width_px, self.height_px, bits)

    def __str__(self) -> str:
        major, minor = self.hardware
        return f"{self.module} {self.sensor} {major}.{minor}".strip()


_PRODUCT: Final = struct.Struct(">16s4s8sBB8sHHHH")


def _text(field: bytes) -> str:
    """Return the printable part of a field; what makers fill it up with varies."""
    text = field.partition(b"\x00")[0].decode("ascii", "replace")
    return "".join(letter for letter in text if letter.isprintable()).strip()

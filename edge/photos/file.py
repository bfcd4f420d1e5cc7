"""A photo's pixels as a file within its document's limits: baseline JPEG, sRGB, 24 bit, density.

No EXIF, no colour profile, no comments, no filler bytes: a JFIF file without a profile is sRGB by
the sheets' own convention, and the same pixels give the same bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import cv2
from PIL import Image

from drivers.camera import Picture
from quality.document import Canvas, Document, FileLimits

QUALITY_MAX: Final = 98
FULL_CHROMA: Final = 0
HALF_CHROMA: Final = 2


class NoFile(Exception):
    """No allowed quality gives a file of the wanted size: the picture is too busy or too plain."""


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A finished file; `chroma` is Pillow's subsampling, 0 for 4:4:4 and 2 for 4:2:0."""

    jpeg: bytes
    quality: int
    chroma: int


def encoded(bgr: Picture, quality: int, chroma: int, dpi: int | None) -> bytes:
    """Return baseline JPEG of (height, width, 3) BGR pixels; `dpi` goes into its JFIF header."""
    return _jpeg(_image(bgr), quality, chroma, dpi)


def _image(bgr: Picture) -> Image.Image:
    return Image.fromarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def _jpeg(image: Image.Image, quality: int, chroma: int, dpi: int | None) -> bytes:
    out = io.BytesIO()
    density = {} if dpi is None else {"dpi": (dpi, dpi)}
    image.save(out, "JPEG", quality=quality, subsampling=chroma, **density)
    return out.getvalue()


def fitted(pixels: Picture, document: Document, canvas: Canvas) -> PhotoFile:
    """Return the best file within the document's size. Raises `NoFile`."""
    limits, image = document.file, _image(pixels)
    for floor in dict.fromkeys((limits.quality_aim, limits.quality_min)):
        for chroma in (FULL_CHROMA, HALF_CHROMA):
            best = _best_quality(image, chroma, limits, canvas, floor)
            if best is not None:
                return best
    if limits.kb_max_at_quality_min is not None:
        jpeg = _jpeg(image, limits.quality_min, HALF_CHROMA, canvas.dpi)
        if limits.bytes_min(canvas) <= len(jpeg) <= limits.kb_max_at_quality_min * 1000:
            return PhotoFile(jpeg, limits.quality_min, HALF_CHROMA)
    least, most = limits.bytes_min(canvas) / 1000, limits.bytes_max / 1000
    raise NoFile(f"{document.id}: no file of {least:.4g} to {most:.4g} kB")


def _best_quality(
    image: Image.Image, chroma: int, limits: FileLimits, canvas: Canvas, floor: int
) -> PhotoFile | None:
    """Return the largest file within the size limits, by bisection on the encoder's quality."""
    low, high = floor, QUALITY_MAX
    if limits.kb_max is None:
        # Nothing to search: the best quality is the largest file.
        low = high
    best: PhotoFile | None = None
    while low <= high:
        quality = (low + high) // 2
        jpeg = _jpeg(image, quality, chroma, canvas.dpi)
        if len(jpeg) <= limits.bytes_max:
            best, low = PhotoFile(jpeg, quality, chroma), quality + 1
        else:
            high = quality - 1
    return best if best is not None and len(best.jpeg) >= limits.bytes_min(canvas) else None

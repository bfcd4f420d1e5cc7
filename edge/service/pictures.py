"""A card's picture: looked at, and made anew, so that no foreign file ever reaches a screen."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from edge.photos.fault import PhotoUnreadable
from edge.photos.header import photo_header
from edge.service.drawing import redrawn
from edge.service.pack import PackUnfit

SIDE_PX_MAX: Final = 2000
_JPEG_QUALITY: Final = 90
_PNG: Final = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_PNG_SIZE: Final = len(_PNG) + 8
"""Shorter, it does not say how large it is."""
_VOICE_MAX: Final = 512 << 10


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, as it is sent to the page."""

    media_type: str
    content: bytes


def remade(name: str, content: bytes) -> Picture:
    """Return a picture made anew from what is to be seen in it.

    Args:
        name: of the file; its ending says what it must be.
        content: as it was signed.

    Raises:
        PackUnfit: not what its name says, too large, damaged, or with a code for telephones in it.
    """
    if name.endswith(".svg"):
        return Picture("image/svg+xml", redrawn(content, name))
    width_px, height_px = _size_of(name, content)
    if max(width_px, height_px) > SIDE_PX_MAX or not width_px or not height_px:
        raise PackUnfit(f"{name} is wider or higher than {SIDE_PX_MAX} px")
    try:
        bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        bgr = None
    if bgr is None or bgr.shape[:2] != (height_px, width_px):
        raise PackUnfit(f"{name} is damaged")
    if cv2.QRCodeDetector().detect(bgr)[0]:
        raise PackUnfit(f"{name} has a code for telephones in it")
    png = name.endswith(".png")
    options = [] if png else [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    anew = cv2.imencode(".png" if png else ".jpg", bgr, options)[1].tobytes()
    return Picture("image/png" if png else "image/jpeg", anew)


def check_voice(name: str, content: bytes) -> bytes:
    """Return a voice file if it is Ogg Opus from its first page on. Raises `PackUnfit`."""
    if not content.startswith(b"OggS") or content[28:36] != b"OpusHead":
        raise PackUnfit(f"{name} is no Ogg Opus")
    if len(content) > _VOICE_MAX:
        raise PackUnfit(f"{name} is larger than {_VOICE_MAX >> 10} KiB")
    return content


def _size_of(name: str, content: bytes) -> tuple[int, int]:
    """Return width and height by the header alone, before native code sees the file."""
    if name.endswith(".png"):
        if not content.startswith(_PNG) or b"acTL" in content[:4096] or len(content) < _PNG_SIZE:
            raise PackUnfit(f"{name} is no still PNG")
        width_px, height_px = struct.unpack(">II", content[len(_PNG) : len(_PNG) + 8])
        return width_px, height_px
    try:
        header = photo_header(content)
    except PhotoUnreadable as error:
        raise PackUnfit(f"{name} is no plain JPEG: {error.code.value}") from None
    if header.exif:
        raise PackUnfit(f"{name} has EXIF in it, which may say where and by whom it was taken")
    return header.width_px, header.height_px

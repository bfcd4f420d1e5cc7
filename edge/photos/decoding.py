"""A photo's bytes to upright pixels and back to a preview: only ever run in the worker's cell.

OpenCV decodes (libjpeg-turbo inside); Pillow reads two colour facts that OpenCV does not look at.
"""

from __future__ import annotations

import io
import os
import warnings
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from edge.photos.fault import PREVIEW_SIDE_PX, PhotoFault, PhotoUnreadable
from edge.photos.header import photo_header

Picture = npt.NDArray[np.uint8]

SRGB_WITHIN_LEVELS: Final = 8
"""[ours] sRGB profiles of six makers differ by up to 3 of 255, Display P3 by 50 and more."""
_PREVIEW_QUALITY: Final = 88
_COMPLAINTS: Final = (
    b"Corrupt JPEG data",
    b"Premature end of JPEG",
    b"Invalid SOS",
    b"Unsupported",
)
_EXIF_IFD, _INTEROP_IFD = 0x8769, 0xA005
_COLOUR_SPACE, _INTEROP_INDEX = 0xA001, 1
_ADOBE_RGB: Final = 2


def decoded(content: bytes) -> Picture:
    """Return a photo's pixels (height, width, 3), BGR, upright by its EXIF orientation.

    Raises:
        PhotoUnreadable: it breaks a limit, is no plain colour JPEG, or is damaged.
    """
    header = photo_header(content)
    if not _is_srgb(header.icc) or _says_adobe_rgb(header.exif):
        raise PhotoUnreadable(PhotoFault.NOT_SRGB)
    bgr, complaint = _decoded_aloud(content)
    if bgr is None or complaint:
        raise PhotoUnreadable(PhotoFault.DAMAGED)
    if {bgr.shape[0], bgr.shape[1]} != {header.height_px, header.width_px}:
        raise PhotoUnreadable(PhotoFault.DAMAGED)
    return bgr


def preview(bgr: Picture) -> bytes:
    """Return a small JPEG of (height, width, 3) BGR pixels, so that no stranger's file is shown."""
    height_px, width_px = bgr.shape[:2]
    scale = min(1.0, PREVIEW_SIDE_PX / max(height_px, width_px))
    size = max(1, round(width_px * scale)), max(1, round(height_px * scale))
    small = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _PREVIEW_QUALITY])[1].tobytes()


def _decoded_aloud(content: bytes) -> tuple[Picture | None, bool]:
    """Return the pixels, and whether libjpeg had to make some of them up.

    It goes on after damage, and tells so on standard error alone.
    """
    standard_error = os.dup(2)
    read_end, write_end = os.pipe()
    try:
        os.set_blocking(write_end, False)
        os.set_blocking(read_end, False)
        os.dup2(write_end, 2)
        bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        os.write(2, b"\n")
        said = os.read(read_end, 1 << 16)
    finally:
        os.dup2(standard_error, 2)
        for descriptor in (standard_error, read_end, write_end):
            os.close(descriptor)
    complaint = any(words in said for words in _COMPLAINTS)
    return None if bgr is None else np.asarray(bgr, np.uint8), complaint


def _is_srgb(profile: bytes) -> bool:
    """Tell whether a profile is sRGB by what it does: names and variants of it are countless."""
    if not profile:
        return True
    from PIL import ImageCms  # noqa: PLC0415 - few photos have a profile

    grid = np.indices((5, 5, 5), np.uint8).reshape(3, 1, -1).transpose(1, 2, 0) * 63
    try:
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        shown = ImageCms.profileToProfile(
            Image.fromarray(grid), theirs, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return False
    difference = np.asarray(shown, np.int16) - grid
    return bool(np.abs(difference).max() <= SRGB_WITHIN_LEVELS)


def _says_adobe_rgb(exif: bytes) -> bool:
    """Tell whether a camera wrote so, by the tag or by the interoperability rule of DCF 2.0."""
    if not exif:
        return False
    tags = Image.Exif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tags.load(b"Exif\0\0" + exif)
            camera = tags.get_ifd(_EXIF_IFD)
            index = tags.get_ifd(_INTEROP_IFD).get(_INTEROP_INDEX)
            return camera.get(_COLOUR_SPACE) == _ADOBE_RGB or str(index).startswith("R03")
        # A broken block is common and says nothing; Pillow has no one name for it.
        except Exception:
            return False

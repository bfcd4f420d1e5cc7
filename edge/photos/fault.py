"""Why an earlier photograph cannot be taken over, and the limits it must keep."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

PHOTO_BYTES_MAX: Final = 2 << 20
PHOTO_PIXELS_MAX: Final = 20_000_000
"""[ours] Judging 24 megapixels took the worker to 459 MiB, 40 to 620; 450 is what it may take."""
PHOTO_SIDE_PX_MIN: Final = 96
"""[ours] A third of the narrowest sheet of the last twenty years, 295x413."""
PREVIEW_SIDE_PX: Final = 720


class PhotoFault(StrEnum):
    """Why a photo cannot be taken over, as staff and record name it."""

    NOT_JPEG = "not_jpeg"
    """No picture that we know: empty, text, noise."""
    WRONG_TYPE = "wrong_type"
    """A picture of another type, whatever its name says."""
    ANIMATED = "animated"
    """A film: GIF, APNG or WebP that moves."""
    TRUNCATED = "truncated"
    """The end is missing."""
    DAMAGED = "damaged"
    """The decoder had to make pixels up, or the file contradicts itself."""
    UNUSUAL_CODING = "unusual_coding"
    """JPEG that archives do not write: not 8 bits, arithmetic, lossless, too many scans."""
    TRAILING_BYTES = "trailing_bytes"
    """More than padding lies behind the picture: a second picture or another file."""
    TOO_LARGE = "too_large"
    """More bytes than `PHOTO_BYTES_MAX`."""
    TOO_MANY_PIXELS = "too_many_pixels"
    """More than `PHOTO_PIXELS_MAX`, by the header: nothing was decoded."""
    TOO_SMALL = "too_small"
    """A side below `PHOTO_SIDE_PX_MIN`."""
    NOT_RGB = "not_rgb"
    """Grey, CMYK or any other than three colour components."""
    NOT_SRGB = "not_srgb"
    """Its colour profile or camera says Adobe RGB, Display P3 or nothing that can be read."""
    NO_FACE = "no_face"
    MANY_FACES = "many_faces"
    UNJUDGED = "unjudged"
    """It cost three workers, or they could not look at it."""


class PhotoUnreadable(Exception):
    """This photo stays as it is: take a new one. `code` says why; nothing of the photo is kept."""

    def __init__(self, code: PhotoFault) -> None:
        super().__init__(code.value)
        self.code = code

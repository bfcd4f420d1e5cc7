"""WSQ, the FBI's compression of 500-ppi finger images, by PyPI `wsq` where it is installed.

It writes at the standard's bit rate of 0.75 and cannot be told another. It is lossy: the PNG stays
the master.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import Final

from PIL import Image

from formats.errors import RecordNotMade
from formats.finger.picture import FingerPicture

WSQ_PPI: Final = 500
MEDIA_TYPE: Final = "image/x-wsq"


def installed() -> bool:
    """Tell whether WSQ can be written here."""
    return find_spec("wsq") is not None


def finger_wsq(picture: FingerPicture) -> bytes:
    """Return the picture as WSQ at 500 ppi; another resolution is resampled first.

    Raises:
        RecordNotMade: the extra that writes WSQ is not installed.
    """
    if not installed():
        raise RecordNotMade("WSQ wants `python3.11 -m setup fingerprints`")
    # Importing it is what teaches Pillow the format.
    import_module("wsq")
    image = Image.frombytes("L", (picture.width_px, picture.height_px), picture.pixels)
    if picture.resolution_ppi != WSQ_PPI:
        scale = WSQ_PPI / picture.resolution_ppi
        size = (round(picture.width_px * scale), round(picture.height_px * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
    packed = BytesIO()
    image.save(packed, "WSQ")
    return packed.getvalue()

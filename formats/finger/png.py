"""A finger image as the lossless file that a package carries, its true resolution in it.

Every other format is made from the same image.
"""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from formats.finger.picture import FingerPicture


def finger_png(picture: FingerPicture) -> bytes:
    """Return an 8-bit grey PNG with its resolution in pHYs, in pixels per metre.

    500 ppi is 19685 px/m, 508 ppi is 20000; OpenCV's own encoder would write none.
    """
    png = BytesIO()
    image = Image.frombytes("L", (picture.width_px, picture.height_px), picture.pixels)
    dpi = (picture.resolution_ppi, picture.resolution_ppi)
    image.save(png, "PNG", dpi=dpi, compress_level=9)
    return png.getvalue()

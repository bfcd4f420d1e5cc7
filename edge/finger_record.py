"""A finger image as the file that a package carries. Bytes in memory only; writing is the store's.

The master is lossless and says its true resolution; other formats are made from it on export.
"""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from drivers.fingerprint import FingerImage


def finger_png(image: FingerImage) -> bytes:
    """Return an 8-bit grey PNG with its resolution in pHYs, in pixels per metre.

    500 ppi is 19685 px/m, 508 ppi is 20000; OpenCV's own encoder would write none.
    """
    png = BytesIO()
    picture = Image.frombytes("L", (image.width_px, image.height_px), image.pixels)
    dpi = (image.resolution_ppi, image.resolution_ppi)
    picture.save(png, "PNG", dpi=dpi, compress_level=9)
    return png.getvalue()

"""Photos that nobody should have sent, each made from an honest one."""

from __future__ import annotations

import io
import re
import struct

import numpy as np
from PIL import Image, ImageCms

ADOBE_RGB_COLORANTS = {
    b"rXYZ": (0.60974, 0.31111, 0.01947),
    b"gXYZ": (0.20528, 0.62567, 0.06087),
    b"bXYZ": (0.14919, 0.06322, 0.74457),
}
"""Adobe RGB (1998), adapted to D50 as ICC profiles are."""
TRANSPOSED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""EXIF orientation, and how a picture lies in a file that bears it."""


def jpeg(image: Image.Image, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **{"quality": 90, **options})
    return out.getvalue()


def other(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def lying(image: Image.Image, orientation: int) -> bytes:
    """Return a file whose pixels lie as its EXIF orientation says."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    move = TRANSPOSED[orientation]
    return jpeg(image.transpose(move) if move is not None else image, exif=exif)


def after_start(content: bytes, marker: int, payload: bytes) -> bytes:
    """Return the file with one more segment right behind its start."""
    segment = struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload
    return content[:2] + segment + content[2:]


def frame_header(content: bytes) -> int:
    """Return where the (first) frame header's marker stands; there is none before it inside."""
    at = 2
    while content[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return at


def claiming(content: bytes, width_px: int, height_px: int) -> bytes:
    at = frame_header(content) + 5
    return content[:at] + struct.pack(">HH", height_px, width_px) + content[at + 4 :]


def with_precision(content: bytes, bits: int) -> bytes:
    at = frame_header(content) + 4
    return content[:at] + bytes([bits]) + content[at + 1 :]


def with_coding(content: bytes, marker: int) -> bytes:
    at = frame_header(content) + 1
    return content[:at] + bytes([marker]) + content[at + 1 :]


def scan_start(content: bytes) -> int:
    """Return where the entropy-coded bytes begin."""
    at = content.index(b"\xff\xda", frame_header(content))
    return at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")


def with_noise_in_scan(content: bytes, seed: int = 1) -> bytes:
    """Return the file with half of its entropy-coded bytes replaced, and no marker among them."""
    begin = scan_start(content)
    end = len(content) - 2
    noise = np.random.default_rng(seed).integers(0, 255, (end - begin) // 2, np.uint8).tobytes()
    return content[:begin] + noise + content[begin + len(noise) :]


def with_scans(content: bytes, count: int) -> bytes:
    """Return the file with its first scan repeated, as an attack on progressive decoders does."""
    begin = content.index(b"\xff\xda", frame_header(content))
    end = re.compile(rb"\xff[^\x00\xd0-\xd7]").search(content, scan_start(content)).start()
    return content[:begin] + content[begin:end] * count + content[end:]


def adobe_rgb_profile() -> bytes:
    """Return Pillow's sRGB profile with Adobe's primaries."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", profile, 128)
    for row in range(count):
        tag, at, _ = struct.unpack_from(">4sII", profile, 132 + 12 * row)
        if tag in ADOBE_RGB_COLORANTS:
            numbers = [round(value * 65536) for value in ADOBE_RGB_COLORANTS[tag]]
            struct.pack_into(">3i", profile, at + 8, *numbers)
    return bytes(profile)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif_bomb() -> bytes:
    """Return an EXIF block of 65 535 entries, each 4 GiB long, whose next directory is itself."""
    entries = b"".join(struct.pack(">HHII", 0x8769, 5, 0xFFFFFFFF, 8) for _ in range(5000))
    return b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 0xFFFF) + entries + struct.pack(">I", 8)

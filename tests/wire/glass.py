"""What lies on a simulated reader's glass in these tests: not a finger, only its bytes matter."""

from __future__ import annotations

import random

from drivers.zfm_packets import pack_4bit, unpack_4bit

# Small, so that a slow line is quick; random, so that no two packets are alike.
WIDTH_PX, HEIGHT_PX = 128, 96


def random_pixels(width_px: int, height_px: int, seed: int = 1) -> bytes:
    """Return pixels as a 4-bit module can hold them."""
    pixels = random.Random(seed).randbytes(width_px * height_px)
    return unpack_4bit(pack_4bit(pixels))

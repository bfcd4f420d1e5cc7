"""Codes of the Chinese resident identity card's fingerprint rules.

Source: headers of vendors' development kits in public code; the texts of GA/T 1012-2019 and
GA 777.1 were not read, so nothing here claims conformity. The card's own 512-byte feature is a
closed format: it is not made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from formats.finger.picture import FingerPicture
from formats.finger.position import ISO_POSITIONS

FIRST_FINGER: Final = 11

CARD_POSITIONS: Final[Mapping[str, int]] = MappingProxyType(
    {name: FIRST_FINGER - 1 + iso for name, iso in ISO_POSITIONS.items()}
)
"""11 right thumb to 15 right little, 16 left thumb to 20 left little."""

POSITION_UNSURE: Final[Mapping[str, int]] = MappingProxyType({"right": 97, "left": 98, "": 99})
"""The *position* is not certain, by hand; 99 where the hand is not certain either.

They do not mean that a finger could not be taken: that is the result code.
"""

CARD_WIDTH_PX: Final = 256
CARD_HEIGHT_PX: Final = 360
WHITE: Final = 255


class CardResult(Enum):
    """What became of a finger, as the card's rules say it."""

    REGISTERED = "01"
    FAILED = "02"
    NOT_REGISTERED = "03"
    UNKNOWN = "09"


def card_code(position: str) -> int:
    """Return the card's code of a finger position. Raises `ValueError` for no position of ours."""
    try:
        return CARD_POSITIONS[position]
    except KeyError:
        raise ValueError(f"no finger position: {position!r}") from None


def card_window(picture: FingerPicture) -> tuple[bytes, bool]:
    """Return the picture in the card's window, 256 x 360 px, and whether white was added.

    The picture lies in the middle. Serial modules give 256 x 288: what is added is not skin, and
    whoever receives the window must be told.

    Raises:
        ValueError: the picture is larger than the window: nothing of a finger is cut off.
    """
    across, down = CARD_WIDTH_PX - picture.width_px, CARD_HEIGHT_PX - picture.height_px
    if across < 0 or down < 0:
        raise ValueError(
            f"{picture.width_px}x{picture.height_px} px is larger than the card's window"
        )
    left, above = across // 2, down // 2
    blank = bytes((WHITE,))
    rows = [
        blank * left + picture.pixels[start : start + picture.width_px] + blank * (across - left)
        for start in range(0, len(picture.pixels), picture.width_px)
    ]
    empty = blank * CARD_WIDTH_PX
    return b"".join([empty * above, *rows, empty * (down - above)]), bool(across or down)

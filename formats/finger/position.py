"""Finger positions by name, in the codes of the standards."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ISO_POSITIONS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "right_thumb": 1,
        "right_index": 2,
        "right_middle": 3,
        "right_ring": 4,
        "right_little": 5,
        "left_thumb": 6,
        "left_index": 7,
        "left_middle": 8,
        "left_ring": 9,
        "left_little": 10,
    }
)
"""ISO/IEC 19794-4:2011, table 6 (19794-2:2005, table 2: the same). 0 is "unknown"."""

IMPRESSION_LIVE_PLAIN: Final = 0

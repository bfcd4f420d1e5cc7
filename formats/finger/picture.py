"""What a record is made of."""

from __future__ import annotations

from typing import Protocol


class FingerPicture(Protocol):
    """One finger image: 8-bit grey, rows from the top, ridges dark."""

    @property
    def pixels(self) -> bytes:
        """Width times height bytes."""

    @property
    def width_px(self) -> int:
        """Columns."""

    @property
    def height_px(self) -> int:
        """Rows."""

    @property
    def resolution_ppi(self) -> int:
        """Pixels per inch, the same across and down."""

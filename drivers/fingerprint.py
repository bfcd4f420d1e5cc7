"""What the station needs of a fingerprint reader, and what one print of it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

Progress = Callable[[int, int], None]
"""Called with (received_bytes, expected_bytes); (0, n) says that the finger may be lifted."""


class Retry(Enum):
    """Why a presentation gave no image, named by what the subject should do next."""

    NO_FINGER = "place-finger"
    LIFTED_EARLY = "hold-longer"
    OFF_CENTRE = "centre-finger"
    SMEARED = "lift-and-place-again"
    OLD_PRINT = "clean-the-glass"


@dataclass(frozen=True, slots=True)
class FingerImage:
    """One 8-bit greyscale finger image: rows from the top, ridges dark."""

    pixels: bytes
    width_px: int
    height_px: int
    resolution_ppi: int

    def __post_init__(self) -> None:
        if len(self.pixels) != self.width_px * self.height_px:
            raise ValueError(f"{len(self.pixels)} bytes for {self.width_px}x{self.height_px} px")


class FingerprintReader(Protocol):
    """One open reader. One thread uses it; only `cancel` may come from another."""

    model: str
    """Maker's name of the device, as the record and the console show it."""

    def capture(self, timeout_s: float, progress: Progress) -> FingerImage | Retry | None:
        """Image the finger on the platen; None if cancelled. Raises `DeviceError`."""

    def cancel(self) -> None:
        """Make a running `capture` return soon, wherever it is. Harmless if none runs."""

    def check(self) -> None:
        """Exchange the cheapest command that proves the reader alive. Raises `DeviceError`."""

    def close(self) -> None:
        """Release the port. Closing twice is allowed."""

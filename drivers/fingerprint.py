"""What the station needs of a fingerprint reader, and what one print of it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

Progress = Callable[[int, int], None]
"""Called with (received_bytes, expected_bytes); (0, n) says that the finger may be lifted."""

SMALL_WINDOW_PX: Final = 192
"""A window that is no longer than this on one side misses genuine pairs.

Source: [ours], NBIS and NFIQ 2 on FVC2002 DB2_B: cut to 192 x 192 px, 72 % of genuine pairs are
missed and the mean NFIQ 2 is 36; cut to 256 x 288 px, 15 % and 48.
"""


def not_for_enrolment(width_px: int, height_px: int) -> str:
    """Return the warning that a window of this size deserves; "" if it is large enough."""
    if min(width_px, height_px) > SMALL_WINDOW_PX:
        return ""
    return f"Not for enrolment: its window is too small ({width_px} x {height_px} px)."


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


@dataclass(frozen=True, slots=True)
class ReaderFacts:
    """What an open reader says of its line and of itself, for technicians; nothing of a person.

    Attributes:
        port: the address it answers on (`drivers.serial_port`).
        baud, packet_bytes: of the line now; None where the protocol has no packets of one size.
        width_px, height_px: of its images.
        product: what the module says of itself (maker's name, firmware); "" if it says nothing.
        finger_at_opening: it reported a finger before anyone was asked for one.
    """

    port: str
    baud: int
    packet_bytes: int | None
    width_px: int
    height_px: int
    product: str = ""
    finger_at_opening: bool = False


class FingerprintReader(Protocol):
    """One open reader. One thread uses it; `cancel` and `trace` may come from another."""

    model: str
    """Maker's name of the device, as the record and the console show it."""

    warning: str
    """"" or one plain sentence for technicians, such as "Not for enrolment: ..."."""

    enrolment_grade: bool
    """Whether its images may be enrolled; False for small windows (`not_for_enrolment`)."""

    resolution_ppi: int
    """Of its images, in pixels an inch."""

    @property
    def facts(self) -> ReaderFacts:
        """What is known of the line and the module since it was opened."""

    def capture(self, timeout_s: float, progress: Progress) -> FingerImage | Retry | None:
        """Image the finger on the platen; None if cancelled. Raises `DeviceError`."""

    def cancel(self) -> None:
        """Make a running `capture` return soon, wherever it is. Harmless if none runs."""

    def trace(self) -> tuple[str, ...]:
        """Return the last commands, answers and packet heads, oldest first, for support.

        Lines of text, each led by its time in ms before the newest one. Never a byte of an image.
        """

    def check(self) -> None:
        """Exchange the cheapest command that proves the reader alive. Raises `DeviceError`."""

    def close(self) -> None:
        """Release the port. Closing twice is allowed."""

"""Is the earlier photo that of the person who stands here? One live frame against one photo.

This is what the sitting knows of a comparer; which one there is, `edge.comparison.load` finds out.
Without one, an attendant compares the two pictures side by side. Nobody is ever looked for among
many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from drivers.camera import Frame

__all__ = ["Compared", "Comparer", "ComparisonFailed", "NotComparable"]


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparer found.

    Attributes:
        method: name and version of program and network, for the record.
        value: similarity: 1 of the very same picture, falling without end.
        threshold: from which value on the comparer agrees.
        agrees: `value >= threshold`.
        calibrated: the threshold comes from this site's own comparisons. If not, agreeing is
            advice for staff and vouches for nobody.
    """

    method: str
    value: float
    threshold: float
    agrees: bool
    calibrated: bool


class ComparisonFailed(Exception):
    """No value came: the comparer was lost and is replaced. Compare again, or let staff compare."""


class NotComparable(ComparisonFailed):
    """These two pictures cannot be compared; they never will. Take another frame or let staff look.

    Attributes:
        picture: which of the two.
        code: "no_face", "many_faces", "face_too_small", or a `PhotoFault` of the photo.
    """

    def __init__(self, picture: Literal["live", "photo"], code: str) -> None:
        super().__init__(f"{picture}: {code}")
        self.picture = picture
        self.code = code


class Comparer(Protocol):
    """One open comparer; callers take turns."""

    def compare(self, live: Frame, photo_jpeg: bytes, timeout_s: float) -> Compared:
        """Compare a live frame with a photo's file. Raises `ComparisonFailed`, `NotComparable`."""

    def close(self) -> None:
        """End its process. Closing twice is allowed."""

"""What two measures of exposure share: which pixels count, and what share of them lies where."""

from __future__ import annotations

from typing import Final

import cv2

from quality.face.face import Face
from quality.measure import CannotAssess

UNMASKED: Final = "no occlusion mask: hidden parts of the face count as face"


def exposed_share(face: Face, darkest: int, brightest: int) -> float:
    """Return the share of the visible face with a luminance from `darkest` to `brightest`.

    Without an occlusion mask all of the face region counts as visible.

    Raises:
        CannotAssess: the face cannot be aligned, or nothing of it is visible.
    """
    aligned = face.aligned
    if face.occlusion is None:
        # Counted in the region's box alone: this runs on live frames.
        _, light, inside = aligned.boxed
        within = cv2.bitwise_and(cv2.inRange(light, darkest, brightest), inside)
        return cv2.countNonZero(within) / cv2.countNonZero(inside)
    values = aligned.luminance[aligned.region & (face.occlusion == 1)]
    if not values.size:
        raise CannotAssess("nothing of the face is visible")
    return float(((values >= darkest) & (values <= brightest)).mean())

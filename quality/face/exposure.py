"""What two measures of exposure share: which pixels count, and what share of them lies where."""

from __future__ import annotations

from typing import Final

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
        # The same pixels, already counted: this runs on live frames.
        return float(aligned.histogram[darkest : brightest + 1].sum() / aligned.histogram.sum())
    values = aligned.luminance[aligned.region & (face.occlusion == 1)]
    if not values.size:
        raise CannotAssess("nothing of the face is visible")
    return float(((values >= darkest) & (values <= brightest)).mean())

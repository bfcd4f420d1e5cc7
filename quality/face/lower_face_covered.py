"""LowerFaceCovered: our own measure of something foreign, as a mask, over mouth and chin."""

from __future__ import annotations

from typing import Final

from quality.face.close_up import Box, CloseUp, median_of, tints_apart
from quality.face.face import Face
from quality.face.own_skin import between_brows, forehead, tones, under_eye
from quality.measure import Measure, Range, Standing

LIMIT: Final = 0.17
"""What is still no mask. Chosen on 30 portraits: docs/decisions/0012."""

_SEEN: Final = 0.42
_UNSEEN: Final = 0.36
_LOWER_LIP, _CHIN = 85, 16
_EVERY: Final = 3


def lower_face_covered(face: Face) -> float:
    """Return how far the chin's tint is from the person's skin's, 0 if a mouth is seen, unit "1".

    A beard is foreign to the skin too, but lips are seen in it; a hand hides the lips, but is of
    the person's own tint, whatever its light. So it takes both to call it a mask.

    Raises:
        CannotAssess: the face cannot be aligned or is cut off.

    Source: ours; limits chosen as docs/decisions/0012 tells.
    """
    close = face.close_up
    unseen = min(max((_SEEN - face.mouth_seen) / (_SEEN - _UNSEEN), 0.0), 1.0)
    return unseen * _foreign(close)


def _foreign(close: CloseUp) -> float:
    skin = tones(
        close, (between_brows(close), under_eye(close, 0), under_eye(close, 1), forehead(close))
    )
    pixels = close.pixels(_chin(close))[::_EVERY]
    # A pattern's colours may have the skin's mean: pixel by pixel none of them is skin.
    apart = sorted(median_of(away) for away in tints_apart(pixels, skin))
    # The largest may be a fringe on the forehead, the smallest the mask's own edge.
    return apart[-2]


def _chin(close: CloseUp) -> Box:
    middle = (close.points[_LOWER_LIP] + close.points[_CHIN]) / 2
    return close.box(middle, (-0.28, 0.28), (-0.12, 0.12))


MEASURE = Measure(
    "LowerFaceCovered", "1", Range(0.0, 20.0), lower_face_covered, Standing.HEURISTIC,
)  # fmt: skip

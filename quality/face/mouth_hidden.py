"""MouthHidden: our own measure of whether a mouth is seen where the mouth must be."""

from __future__ import annotations

from typing import Final

from quality.face.face import Face
from quality.measure import Measure, Range, Standing

LIMIT: Final = 0.59
"""What is still a mouth. On the 30 portraits that it was chosen on bare mouths read at most 0.58
and all but one at most 0.45; 98 in 100 painted masks read more. A hand that leaves part of the
lips often reads less."""


def mouth_hidden(face: Face) -> float:
    """Return how little the mouth's place looks like a mouth: 0 much, 1 not at all, unit "1".

    Lips have less green than the skin around them, bearded or not, painted or not; on the darkest
    skin only the line between them has, and on all it is dark. One minus the best correlation with
    the form of closed lips, of parted ones or of that line, less half of how like a dark line it
    is: neither light nor a camera's colours change a correlation.

    Raises:
        CannotAssess: the face cannot be aligned, or has no mouth within the picture.

    Source: ours. That lips have relatively less green is the ground of lip segmentation by pseudo
    hue, R / (R + G) (Hulbert and Poggio 1998); limits chosen as docs/decisions/0012 tells.
    """
    return 1 - face.mouth_seen


MEASURE = Measure("MouthHidden", "1", Range(-1.0, 3.0), mouth_hidden, Standing.HEURISTIC)

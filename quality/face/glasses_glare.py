"""GlassesGlare: our own measure of light mirrored by glasses before an eye."""

from __future__ import annotations

from typing import Final

import numpy as np

from quality.face.close_up import Box, CloseUp
from quality.face.face import Face
from quality.face.own_skin import beside_nose
from quality.measure import Measure, Range, Standing

LIMIT: Final = 0.05
"""What is still no glare. Chosen on 30 portraits: docs/decisions/0012."""

_BLOWN: Final = 235


def glasses_glare(face: Face) -> float:
    """Return the share of an eye and its lids that is blown out, the worse eye's, unit "1".

    Lamps leave a point in a bare eye and a patch on a lens. What is blown out on the cheek as well
    is the picture's exposure, not a lens, and is taken off.

    Raises:
        CannotAssess: the face cannot be aligned or is cut off.

    Source: ours, after face_quality's rule "blown pixels inside the eye rectangles"; limits chosen
    as docs/decisions/0012 tells.
    """
    close = face.close_up
    return max(_blown_eye(close, side) for side in (0, 1))


def _blown_eye(close: CloseUp, side: int) -> float:
    eye = close.box(close.eyes[side], (-0.32, 0.32), (-0.18, 0.18))
    return max(0.0, _blown(close, eye) - _blown(close, beside_nose(close, side)))


def _blown(close: CloseUp, place: Box) -> float:
    return float(np.mean(close.pixels(place).min(axis=1) >= _BLOWN))


MEASURE = Measure(
    "GlassesGlare", "1", Range(0.0, 1.0), glasses_glare, Standing.HEURISTIC, still_only=True,
)  # fmt: skip

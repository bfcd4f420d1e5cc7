"""HairOverEyes: our own measure of strands of hair that hang before an eye."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from quality.face.close_up import EYES_APART_PX, CloseUp, luma
from quality.face.face import Face
from quality.measure import CannotAssess, Measure, Range, Standing

LIMIT: Final = 0.54
"""What is still no hair before the eyes. On the 30 portraits that it was chosen on, in ten kinds of
light and make-up, bare eyes read at most 0.55 and 98 in 100 at most 0.47; an eye under straight
strands reads 0.5 to 0.9."""

_CORNERS: Final = ((60, 64), (68, 72))
_ACROSS: Final = np.linspace(-0.24, 0.24, 28)
_DOWN: Final = np.linspace(-0.20, 0.10, 18)


def hair_over_eyes(face: Face) -> float:
    """Return how much of what is seen at an eye runs up and down, the worse eye's, unit "1".

    The share of the contrast along the eye's line in the contrast along and across it. Lids,
    lashes and wrinkles run along it, so a bare eye has less than half; strands hang across it. A
    ratio of contrasts knows nothing of dark or fair, of skin or hair. Curls run every way and are
    not found, nor is a single lock.

    Raises:
        CannotAssess: the face cannot be aligned, or an eye is not in the picture or has no
            contrast.

    Source: ours; limits chosen as docs/decisions/0012 tells.
    """
    close = face.close_up
    return max(_hanging(close, side) for side in (0, 1))


def _hanging(close: CloseUp, side: int) -> float:
    light = np.log(luma(_about_eye(close, side)))
    along = float(np.abs(np.diff(light, axis=1)).mean())
    across = float(np.abs(np.diff(light, axis=0)).mean())
    if not along + across > 0:
        raise CannotAssess("an eye has no contrast")
    return along / (along + across)


def _about_eye(close: CloseUp, side: int) -> npt.NDArray[np.uint8]:
    first, last = (close.points[corner] for corner in _CORNERS[side])
    along = last - first
    width = float(np.hypot(*along))
    if not 1 < width < max(close.bgr.shape):
        raise CannotAssess("an eye has no width within the picture")
    along = along / width
    down = np.array([-along[1], along[0]])
    away = _ACROSS[None, :, None] * along + _DOWN[:, None, None] * down
    return close.sampled(close.eyes[side] + EYES_APART_PX * away)


MEASURE = Measure(
    "HairOverEyes", "1", Range(0.0, 1.0), hair_over_eyes, Standing.HEURISTIC, still_only=True,
)  # fmt: skip

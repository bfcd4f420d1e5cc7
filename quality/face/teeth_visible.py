"""TeethVisible: whether teeth show between the lips. It sees teeth, not moods."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.face.alignment import SIDE_PX, Aligned
from quality.face.face import Face
from quality.face.luminance import luminance
from quality.measure import CannotAssess, Measure, Range, Standing

_OUTER: Final = slice(76, 88)
_INNER: Final = slice(88, 96)
_BRIGHTER: Final = 1.35
_PALER: Final = 0.6
"""Teeth against the person's own lips: linear light at least so much more, redness at most so much
of it. [ours] Lips and teeth share one light, so no tone of skin and no lamp moves the border."""


def teeth_visible(face: Face) -> float:
    """Return the teeth's share of the mouth's area, lips included, unit "1".

    0.08 to 0.24 where a row of teeth shows on 60 generated portraits, at most 0.007 elsewhere.
    Teeth in deep shade go unseen; the gap they need does not (`MouthClosed`).

    Raises:
        CannotAssess: the face cannot be aligned, or the mouth has no area.

    Source: ours; what lies between the lips, is brighter than them and hardly red.
    """
    outer, inner = (_filled(face.aligned, part) for part in (_OUTER, _INNER))
    lips = outer & ~inner
    if not lips.any():
        raise CannotAssess("the mouth has no area")
    top, bottom = np.flatnonzero(outer.any(axis=1))[[0, -1]]
    rows = slice(int(top), int(bottom) + 1)
    lips, inner = lips[rows], inner[rows]
    light, red = _light_and_red(face.aligned.bgr[rows])
    teeth = inner & (light > _BRIGHTER * np.median(light[lips]))
    teeth &= red < _PALER * np.median(red[lips])
    return float(teeth.sum() / outer.sum())


def _filled(aligned: Aligned, part: slice) -> npt.NDArray[np.bool_]:
    plane = np.zeros((SIDE_PX, SIDE_PX), dtype=np.uint8)
    polygon = np.clip(aligned.landmarks_px[part], -SIDE_PX, 2 * SIDE_PX).astype(np.int32)
    cv2.fillPoly(plane, [polygon], 1)
    return plane.astype(np.bool_)


def _light_and_red(
    bgr: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    lab = cv2.cvtColor(bgr.astype(np.float32) / 255, cv2.COLOR_BGR2Lab)
    return luminance(bgr), np.asarray(lab[..., 1], dtype=np.float32)


MEASURE = Measure(
    "TeethVisible", "1", Range(0.0, 1.0), teeth_visible, Standing.OWN, still_only=True,
)  # fmt: skip

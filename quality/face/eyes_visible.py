"""EyesVisible: how much of the eyes and what is close to them is hidden."""

from __future__ import annotations

from math import cos, dist, radians
from typing import Final

import cv2
import numpy as np

from quality.face.alignment import SIDE_PX
from quality.face.face import Face
from quality.face.occlusion import component, hidden_share
from quality.face.points import eye_centres
from quality.face.scale import halves_away
from quality.measure import CannotAssess, Measure, Range, Standing

_EYES: Final = (slice(60, 68), slice(68, 76))


def eyes_visible(face: Face) -> float:
    """Return the hidden share of both eyes' boxes, widened by a 20th of the eye distance, unit "1".

    Raises:
        CannotAssess: there is no occlusion mask, the face cannot be aligned or is turned away.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `EyesVisible.cpp` (formula).
    """
    points = face.aligned.landmarks_px
    foreshortening = cos(radians(face.yaw_deg))
    if not foreshortening > 0:
        raise CannotAssess("the face is turned away")
    apart_px = dist(*eye_centres(points, whole_px=face.whole_px)) / foreshortening
    # Nearly from the side the distance grows without end; the zone ends with the picture.
    margin = int(min(apart_px / 20, SIDE_PX))
    zone = np.zeros((SIDE_PX, SIDE_PX), dtype=np.uint8)
    for eye in _EYES:
        x, y, width, height = cv2.boundingRect(halves_away(points[eye]).astype(np.int32))
        first = (x - margin, y - margin)
        last = (x + width + margin, y + height + margin)
        cv2.rectangle(zone, first, last, 1, cv2.FILLED)
    return hidden_share(face, zone.view(np.bool_))


MEASURE = Measure(
    "EyesVisible", "1", Range(0.0, 1.0), eyes_visible,
    Standing.OFIQ_LIKE, component, still_only=True,
)  # fmt: skip

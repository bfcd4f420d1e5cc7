"""FaceSharpness: our own measure of focus. It is not the standard's Sharpness.

That one is a trained forest over 26 features which nobody may copy a number from; this one is a
ratio that falls when the face is out of focus or moved, so it bears its own name and no component.
"""

from __future__ import annotations

from math import dist
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.face.face import Face
from quality.face.points import as_measured, eye_centres
from quality.measure import CannotAssess, Measure, Range, Standing

# About what the smallest printed document shows: finer detail than that never reaches anyone.
EYES_APART_PX: Final = 100


def face_sharpness(face: Face) -> float:
    """Return how much of the face's contrast is fine detail, unit "1"; blur lowers it.

    The deviation of the Laplacian over the deviation of the grey values, within the landmarks'
    bounding box, brought to 100 px between the eyes so that near and far faces compare.

    Raises:
        CannotAssess: the face has no size, lies outside the picture or has no contrast.

    Source: ours; a normalised form of the variance of the Laplacian (Pech-Pacheco et al. 2000).
    """
    grey = _grey_face(face)
    contrast = _deviation(grey)
    if not contrast > 0:
        raise CannotAssess("the face has no contrast")
    return _deviation(np.asarray(cv2.Laplacian(grey, cv2.CV_16S), np.int16)) / contrast


def _deviation(plane: npt.NDArray[np.integer]) -> float:
    # In one pass over whole numbers, in a quarter of numpy's time.
    return float(cv2.meanStdDev(plane)[1].item())


def _grey_face(face: Face) -> npt.NDArray[np.uint8]:
    points = as_measured(face.landmarks_px, whole_px=False)
    apart_px = float(dist(*eye_centres(points, whole_px=False)))
    height_px, width_px = face.bgr.shape[:2]
    x0, y0 = np.clip(points.min(axis=0), 0, (width_px, height_px)).astype(int)
    x1, y1 = np.clip(points.max(axis=0) + 1, 0, (width_px, height_px)).astype(int)
    scale = EYES_APART_PX / apart_px if apart_px > 0 else 0.0
    size = (int((x1 - x0) * scale), int((y1 - y0) * scale))
    # A face whose eyes coincide would ask for a picture without end.
    if not all(0 < side <= 40 * EYES_APART_PX for side in size):
        raise CannotAssess("the face has no size within the picture")
    grey = cv2.cvtColor(face.bgr[y0:y1, x0:x1], cv2.COLOR_BGR2GRAY)
    # Areas where it shrinks: linear samples alone would let noise through as if it were detail.
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, size, interpolation=way), dtype=np.uint8)


MEASURE = Measure("FaceSharpness", "1", Range(0.0, 8.0), face_sharpness, Standing.HEURISTIC)

"""A photo's pixels out of a still's, by one affine transform: averaged, never sharpened or padded.

Where the photo is smaller than the still, a warp alone would sample and so alias. The still's part
is therefore halved by averaging as often as is safe, warped onto a grid at least as fine as itself,
and averaged by whole numbers. Only where the photo is nearly as large as the still does the warp's
own kernel show: there it is Lanczos.
"""

from __future__ import annotations

from math import ceil, floor, hypot
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from drivers.camera import Picture
from edge.crop_search import Transform

HALVE_BELOW: Final = 0.125
"""Halved while a photo pixel is at least eight still pixels wide: four remain to average."""
LANCZOS_FROM: Final = 0.4
"""Below, three or more fine pixels are averaged each way, so that a bilinear warp, ten times as
fast, is within 53 dB of a Lanczos one."""
NEARLY: Final = 0.1
"""A grid this little coarser than the still, in photo pixels, is as good as one finer."""
_KERNEL_REACH_PX: Final = 8

Matrix = npt.NDArray[np.float64]


def warped(bgr: Picture, transform: Transform, canvas_px: tuple[int, int]) -> Picture:
    """Return the photo's (height, width, 3) pixels.

    Args:
        bgr: (height, width, 3) of the still.
        transform: still pixel to photo pixel, pixel middles at whole numbers.
        canvas_px: width and height of the photo.
    """
    matrix = np.array(transform, np.float64)
    part, matrix = _part_of(bgr, matrix, canvas_px)
    scale = hypot(matrix[0, 0], matrix[1, 0])
    while scale <= HALVE_BELOW:
        part, matrix = _halved(part, matrix)
        scale *= 2
    finer = max(1, ceil(1 / scale - NEARLY))
    matrix = matrix * finer
    matrix[:, 2] += (finer - 1) / 2
    kernel = cv2.INTER_LANCZOS4 if scale >= LANCZOS_FROM else cv2.INTER_LINEAR
    size = (canvas_px[0] * finer, canvas_px[1] * finer)
    # Replicated edges are never seen: the crop lies inside the still, up to the kernel's reach.
    fine = cv2.warpAffine(part, matrix, size, flags=kernel, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(fine, canvas_px, interpolation=cv2.INTER_AREA), np.uint8)


def _part_of(bgr: Picture, matrix: Matrix, canvas_px: tuple[int, int]) -> tuple[Picture, Matrix]:
    """Return the still's part that the photo needs, and the transform from there."""
    inverse = np.linalg.inv(matrix[:, :2])
    corners = [(x, y) for x in (0, canvas_px[0]) for y in (0, canvas_px[1])]
    still = (np.array(corners, np.float64) - matrix[:, 2] - 0.5) @ inverse.T
    reach = _KERNEL_REACH_PX / hypot(matrix[0, 0], matrix[1, 0])
    left, top = (max(0, floor(low - reach)) for low in still.min(axis=0))
    right, bottom = (ceil(high + reach) + 1 for high in still.max(axis=0))
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (left, top)
    return bgr[top:bottom, left:right], moved


def _halved(bgr: Picture, matrix: Matrix) -> tuple[Picture, Matrix]:
    """Return the picture at half its size, by averaging, and the transform from there."""
    height, width = (side - side % 2 for side in bgr.shape[:2])
    half = cv2.resize(bgr[:height, :width], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    moved = matrix.copy()
    # The middle of a pair lies half a pixel after the first one's.
    moved[:, 2] += matrix[:, :2] @ (0.5, 0.5)
    moved[:, :2] *= 2
    return np.asarray(half, np.uint8), moved

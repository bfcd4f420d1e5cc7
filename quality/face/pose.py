"""Head pose: three angles out of a rotation, and OFIQ's component of each."""

from __future__ import annotations

from math import asin, atan2, cos, degrees, hypot, radians

import numpy as np
import numpy.typing as npt

from quality.face.scale import half_away


def angles_deg(matrix: npt.ArrayLike) -> tuple[float, float, float]:
    """Return (yaw, pitch, roll) in degrees of a face's (4, 4) transformation matrix.

    The matrix maps a frontal face to the camera's space (x right, y up, z to the camera):
    R = Ry(yaw) Rx(pitch) Rz(roll) after its columns are freed of scale.
    Yaw is positive turned to the right of the picture, pitch lowered, roll anticlockwise.
    Pitch has no trustworthy zero of its own: a station calibrates one.

    Raises:
        ValueError: not (4, 4), or a column of length zero.
    """
    affine = np.asarray(matrix, dtype=np.float64)
    if affine.shape != (4, 4):
        raise ValueError(f"a pose matrix is (4, 4), not {affine.shape}")
    # Plain numbers: on nine of them numpy takes ten times as long.
    right, up, ahead = affine[:3, :3].T.tolist()
    of_right, of_up, of_ahead = hypot(*right), hypot(*up), hypot(*ahead)
    if not min(of_right, of_up, of_ahead) > 0:
        raise ValueError("a pose matrix has three axes")
    yaw, roll = atan2(ahead[0], ahead[2]), atan2(right[1] / of_right, up[1] / of_up)
    pitch = asin(min(1.0, max(-1.0, -ahead[1] / of_ahead)))
    return degrees(yaw), degrees(pitch), degrees(roll)


def component(native_deg: float) -> int:
    """Return OFIQ's component of a pose angle: the square of its cosine, 0 beyond 90 degrees."""
    return half_away(100 * max(0.0, cos(radians(native_deg))) ** 2)

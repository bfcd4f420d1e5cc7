"""From a dense face mesh of 478 points to the 98 points that the measures are defined on.

The mesh is the canonical one with irises (468 + 2 x 5 points); who computed it does not matter.
It ends at the hairline with point 10 and at the chin with point 152; neither is the crown.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from quality.face.points import Points

MESH_POINTS: Final = 478
MESH_CHIN: Final = 152
MESH_EARS: Final = (234, 454)
"""The widest points of the face in front of the ears, the picture's left first."""

_LEFT_CONTOUR: Final = np.array([127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152])
_RIGHT_CONTOUR: Final = np.array([152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356])
_FEATURES: Final = np.array([
    70, 63, 105, 66, 107, 55, 65, 52, 53,  # 33-41 brow on the picture's left
    336, 296, 334, 293, 300, 283, 282, 295, 285,  # 42-50 brow on the right
    168, 197, 5, 4, 98, 97, 2, 326, 327,  # 51-59 nose
    33, 160, 159, 158, 133, 153, 145, 144,  # 60-67 eye on the left, outer corner first
    362, 385, 386, 387, 263, 373, 374, 380,  # 68-75 eye on the right, inner corner first
    61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91,  # 76-87 outer lip
    78, 82, 13, 312, 308, 317, 14, 87,  # 88-95 inner lip
    468, 473,  # 96-97 irises
])  # fmt: skip


def wflw_98(mesh: npt.ArrayLike) -> Points:
    """Return (98, 2) points in WFLW order of a (478, 2) mesh, in the mesh's own unit.

    Raises:
        ValueError: the mesh has another shape.

    Source: WFLW's point order; the choice of mesh points is ours. The mesh's chin lies higher
    than that of OFIQ's landmark network: T comes out about 6 % short, and is not corrected.
    """
    points = np.asarray(mesh, dtype=np.float64)
    if points.shape != (MESH_POINTS, 2):
        raise ValueError(f"a mesh is ({MESH_POINTS}, 2), not {points.shape}")
    left = _spread(points[_LEFT_CONTOUR], 17)
    right = _spread(points[_RIGHT_CONTOUR], 17)
    return np.concatenate([left, right[1:], points[_FEATURES]])


def _spread(line: Points, count: int) -> Points:
    """Return `count` points at equal distances along a polyline, ends included."""
    steps = line[1:] - line[:-1]
    along = np.zeros(len(line))
    np.hypot(steps[:, 0], steps[:, 1]).cumsum(out=along[1:])
    wanted = np.linspace(0.0, along[-1], count)
    spread = np.empty((count, 2))
    for axis in (0, 1):
        spread[:, axis] = np.interp(wanted, along, line[:, axis])
    return spread

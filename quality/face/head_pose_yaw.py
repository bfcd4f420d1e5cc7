"""HeadPoseYaw: positive when the face is turned to the right of the picture, the subject's left."""

from __future__ import annotations

from quality.face.face import Face
from quality.face.pose import component
from quality.measure import Measure, Range, Standing


def head_pose_yaw(face: Face) -> float:
    """Return the yaw angle in degrees, as the pose estimator gave it.

    Source: ISO/IEC 29794-5:2025 (name); signs as OFIQ 1.0.3 writes them.
    """
    return face.yaw_deg


MEASURE = Measure(
    "HeadPoseYaw",
    "deg",
    Range(-180.0, 180.0),
    head_pose_yaw,
    Standing.OFIQ_LIKE,
    component,
    stand_in="other pose estimator",
)

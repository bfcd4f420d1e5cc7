"""HeadPoseRoll: positive when the face is tilted anticlockwise in the picture."""

from __future__ import annotations

from quality.face.face import Face
from quality.face.pose import component
from quality.measure import Measure, Range, Standing


def head_pose_roll(face: Face) -> float:
    """Return the roll angle in degrees, as the pose estimator gave it.

    Source: ISO/IEC 29794-5:2025 (name); signs as OFIQ 1.0.3 writes them.
    """
    return face.roll_deg


MEASURE = Measure(
    "HeadPoseRoll",
    "deg",
    Range(-180.0, 180.0),
    head_pose_roll,
    Standing.OFIQ_LIKE,
    component,
    stand_in="other pose estimator",
)

"""GazeAway: how far the irises are beside where they lie when one looks into the camera."""

from __future__ import annotations

from math import dist, radians, sin
from typing import Final

from quality.face.face import Face
from quality.face.points import LEFT_LIDS, RIGHT_LIDS, Points, as_measured, widest
from quality.measure import CannotAssess, Measure, Range, Standing

_EYES: Final = ((60, 64, 96, LEFT_LIDS), (68, 72, 97, RIGHT_LIDS))
"""Corners in the picture's order from left to right, iris, lids."""
_SHUT: Final = 0.08
_TURNED: Final = 0.20
"""How far the irises go against a turned head, for the sine of its yaw: [ours] fitted to 60
generated portraits (r = -0.69), 49 of whom are turned by less than 6 degrees and read within
-0.07 to 0.05."""


def gaze_away(face: Face) -> float:
    """Return the irises' way beside the middle of the eyes, in eye widths, unit "1".

    Positive to the picture's right. A turned head that looks into the camera reads 0 as well. Both
    eyes' mean, so that a squint, or an eye that does not move, is held against nobody. Looking up
    or down is not judged here: heavy lids hide it, and fully down reads as closed eyes.

    Raises:
        CannotAssess: an eye has no width, or is too nearly shut to show where it looks.

    Source: ours; the iris between the corners of the eye, as gaze trackers take it.
    """
    points = as_measured(face.landmarks_px, whole_px=False)
    beside = sum(_beside(points, *eye) for eye in _EYES) / len(_EYES)
    return beside + _TURNED * sin(radians(face.yaw_deg))


def _beside(
    points: Points, left: int, right: int, iris: int, lids: tuple[tuple[int, int], ...]
) -> float:
    width_px = float(dist(points[left], points[right]))
    if not width_px > 0:
        raise CannotAssess("an eye has no width")
    if widest(points, lids) < _SHUT * width_px:
        raise CannotAssess("the eyes are too nearly shut")
    middle = (points[left] + points[right]) / 2
    return float((points[iris] - middle) @ (points[right] - points[left])) / width_px**2


MEASURE = Measure("GazeAway", "1", Range(-5.0, 5.0), gaze_away, Standing.OWN)

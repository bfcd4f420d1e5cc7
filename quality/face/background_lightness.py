"""BackgroundLightness: how light the wall is in its darkest colour channel."""

from __future__ import annotations

from quality.face.face import Face
from quality.measure import Measure, Range, Standing


def background_lightness(face: Face) -> float:
    """Return the least channel mean of the wall beside the head, 0 to 255, unit "1".

    As photo sheets state it: "mean of each channel at least". It judges the wall and its lamp, and
    nothing of the person, so no skin can fail it.

    Raises:
        CannotAssess: there is no person mask, or no wall in sight.

    Source: ours; the form of the exit-entry sheets' limit on the background (`rgb_mean_min`).
    """
    return float(face.wall.colours.mean(axis=0).min())


MEASURE = Measure(
    "BackgroundLightness", "1", Range(0.0, 255.0), background_lightness,
    Standing.OWN, still_only=True,
)  # fmt: skip

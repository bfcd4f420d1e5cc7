"""Some stills in a row, and which of them becomes the portrait. No I/O."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final

from drivers.camera import Frame
from edge.vision import Sight

BURST: Final = 3
BLINK_SHARE: Final = 0.7
"""A still whose eyes are less open than this share of what is usual for the person is a blink."""

Still = tuple[Frame, Sight]
"""One still and what was seen in it."""


def best(burst: Sequence[Still], usual_openness: float | None = None) -> Still:
    """Return the sharpest still of a burst in which nobody blinks.

    Where everybody blinks in all of them, the one with the widest eyes; the judgement of the still
    refuses it then.

    Args:
        burst: one still at least.
        usual_openness: how open this person's eyes were just before, `EyesOpen`; the burst alone
            cannot know where two of three are blinks.

    Source: [ours] the landmarker's own blink score is no guard: looking down read 0.82, a hidden
        eye 0.54, a broad smile 0.39, eyes that were really closed 0.68.
    """
    openness = [value_of(sight, "EyesOpen") for _, sight in burst]
    floor = BLINK_SHARE * max(statistics.median(openness), usual_openness or 0.0)
    awake = [still for still, open_ in zip(burst, openness, strict=True) if open_ >= floor]
    if not awake:
        return max(burst, key=lambda still: value_of(still[1], "EyesOpen"))
    return max(awake, key=lambda still: value_of(still[1], "FaceSharpness"))


def value_of(sight: Sight, measure: str) -> float:
    """Return a measure's value, 0.0 where there is none."""
    native = sight.natives.get(measure)
    return 0.0 if native is None or native.value is None else native.value

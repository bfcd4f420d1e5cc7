"""SunglassesWorn: our own measure of dark or mirrored lenses before both eyes."""

from __future__ import annotations

from math import hypot
from typing import Final

import numpy as np

from quality.face.close_up import CloseUp, Tone, luma
from quality.face.face import Face
from quality.face.own_skin import (
    beside_nose,
    between_brows,
    forehead,
    nose_tip,
    tones,
    under_eye,
)  # fmt: skip
from quality.measure import Measure, Range, Standing

LIMIT: Final = 0.42
"""What is still no sunglasses. On the 30 portraits that it was chosen on bare eyes read at most
0.25, in painted hard light 0.40; 98 in 100 painted sunglasses read more."""

_BRIGHTEST: Final = 0.9
# Shade takes more of the light than of the ratios of the channels, so it counts less.
_SHADE: Final = 2.0
_DARKNESS: Final = 0.6


def sunglasses_worn(face: Face) -> float:
    """Return how foreign to the face, and how dark, both eyes' surroundings are, unit "1".

    Skin below the eye is compared with the cheek below it, the nose, the forehead and the place
    between the brows, whichever is most alike, in tint and in darkness; a mirror has another tint,
    a dark lens less light. To that comes how much darker than the face the brightest tenth of the
    eye is: bare, it is white of the eye or lid. The eye that says less counts: hair over one eye
    is not sunglasses. A person's own skin is the measure, so no skin is nearer to the limit.

    It does not see clear glasses, and hardly lenses that let half of the light through.

    Raises:
        CannotAssess: the face cannot be aligned or is cut off.

    Source: ours; limits chosen as docs/decisions/0012 tells.
    """
    close = face.close_up
    return min(_before_eye(close, side) for side in (0, 1))


def _before_eye(close: CloseUp, side: int) -> float:
    skin = tones(
        close, (beside_nose(close, side), nose_tip(close), forehead(close), between_brows(close))
    )
    below = close.tone(under_eye(close, side))
    eye = luma(close.pixels(close.box(close.eyes[side], (-0.26, 0.26), (-0.13, 0.13))))
    brightest = float(np.log(np.sort(eye)[int(_BRIGHTEST * len(eye))]))
    darkness = float(np.median([tone.light for tone in skin])) - brightest
    return min(_lens(below, tone) for tone in skin) + _DARKNESS * max(0.0, darkness)


def _lens(place: Tone, skin: Tone) -> float:
    tint = hypot(place.red - skin.red, place.blue - skin.blue)
    return hypot(tint, max(0.0, skin.light - place.light) / _SHADE)


MEASURE = Measure(
    "SunglassesWorn", "1", Range(0.0, 20.0), sunglasses_worn, Standing.HEURISTIC,
)  # fmt: skip

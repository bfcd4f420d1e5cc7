"""SunglassesWorn: our own measure of dark or mirrored lenses before both eyes."""

from __future__ import annotations

from math import hypot
from typing import Final

import numpy as np

from quality.face.close_up import EYES_APART_PX, CloseUp, Tone, luma, median_of
from quality.face.face import Face
from quality.face.likeness import SHIFTS, Forms
from quality.face.own_skin import (
    beside_nose,
    between_brows,
    forehead,
    nose_tip,
    tones,
    under_eye,
)  # fmt: skip
from quality.face.points import Points
from quality.measure import Measure, Range, Standing

LIMIT: Final = 0.42
"""What is still no sunglasses. On the 30 portraits that it was chosen on bare eyes read at most
0.25, in painted hard light 0.40; 99 in 100 painted sunglasses read more."""

_BRIGHTEST: Final = 0.9
# Shade takes more of the light than of the ratios of the channels, so it counts less.
_SHADE: Final = 2.0
_BLOWN: Final = 235
_GLARE: Final = 0.05
_DARKNESS: Final = 0.6
_UNSEEN: Final = 0.8
_EYE_SEEN: Final = 0.3
_ACROSS: Final = np.linspace(-0.36, 0.36, 25)
_ROWS: Final = 17
_STEP: Final = 0.03
_DOWN: Final = _STEP * (np.arange(_ROWS) - _ROWS // 2)
# Between lids and lashes it is darker than on the skin around, in a heavy-lidded eye too.
_EYE: Final = Forms(
    -np.exp(-((np.abs(_DOWN[:, None]) / 0.07) ** 2) - (np.abs(_ACROSS[None]) / 0.22) ** 4)
)
_SOUGHT: Final = _STEP * (np.arange(_ROWS + 2 * SHIFTS) - _ROWS // 2 - SHIFTS)
_ABOUT: Final = EYES_APART_PX * np.stack(
    np.broadcast_arrays(_ACROSS[None, :], _SOUGHT[:, None]), axis=-1
)


def sunglasses_worn(face: Face) -> float:
    """Return how foreign to the face, and how dark, both eyes' surroundings are, unit "1".

    Skin below the eye is compared with the cheek below it, the nose, the forehead and the place
    between the brows, whichever is most alike, in tint and in darkness; a mirror has another tint,
    a dark lens less light. To that comes how much darker than the face the brightest tenth of the
    eye is: bare, it is white of the eye or lid; and how little an eye's form is seen, which a
    mirror of the skin's own tint hides too. The eye that says less counts: hair over one eye is
    not sunglasses. It is the person's own skin that all is compared with.

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
    pixels = close.pixels(close.box(close.eyes[side], (-0.26, 0.26), (-0.13, 0.13)))
    eye = np.sort(luma(pixels))
    brightest = float(np.log(eye[int(_BRIGHTEST * len(eye))]))
    darkness = median_of(np.array([tone.light for tone in skin])) - brightest
    # What is blown out is a lamp on clear glasses: `GlassesGlare` speaks of that.
    darkest = np.minimum(np.minimum(pixels[:, 0], pixels[:, 1]), pixels[:, 2])
    glare = np.count_nonzero(darkest >= _BLOWN) > _GLARE * len(pixels)
    unseen = 0.0 if glare else _EYE_SEEN - _EYE.best_likeness(_about_eye(close, side))
    lens = min(_lens(below, tone) for tone in skin)
    return lens + _DARKNESS * max(0.0, darkness) + _UNSEEN * max(0.0, unseen)


def _about_eye(close: CloseUp, side: int) -> Points:
    pixels = close.sampled(close.eyes[side] + _ABOUT)
    return np.asarray(np.log(luma(pixels)), dtype=np.float64)


def _lens(place: Tone, skin: Tone) -> float:
    tint = hypot(place.red - skin.red, place.blue - skin.blue)
    return hypot(tint, max(0.0, skin.light - place.light) / _SHADE)


MEASURE = Measure(
    "SunglassesWorn", "1", Range(0.0, 20.0), sunglasses_worn, Standing.HEURISTIC,
)  # fmt: skip

"""Places of the face where skin is bare on nearly everybody, to compare other places with.

None is always bare: a fringe hides the forehead, a mask the nose, sunglasses the cheeks' top. Who
compares takes several, and never the one that says most.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from quality.face.close_up import Box, CloseUp, Tone
from quality.face.points import Points
from quality.measure import CannotAssess

_NOSE_TIP: Final = 54
_ENOUGH: Final = 2


def under_eye(close: CloseUp, side: int) -> Box:
    """Return the place below an eye: side 0 is the picture's left."""
    return close.box(close.eyes[side], (-0.22, 0.22), (0.16, 0.30))


def beside_nose(close: CloseUp, side: int) -> Box:
    """Return the cheek at the nostrils' height, above where a beard begins."""
    return close.box(close.eyes[side], ((-0.35, -0.05), (0.05, 0.35))[side], (0.55, 0.80))


def nose_tip(close: CloseUp) -> Box:
    """Return the nose's tip."""
    return close.box(close.points[_NOSE_TIP], (-0.14, 0.14), (-0.16, 0.06))


def between_brows(close: CloseUp) -> Box:
    """Return the place between and above the brows."""
    return close.box(_middle(close), (-0.12, 0.12), (-0.40, -0.15))


def forehead(close: CloseUp) -> Box:
    """Return the forehead's middle."""
    return close.box(_middle(close), (-0.35, 0.35), (-0.75, -0.50))


def tones(close: CloseUp, places: Iterable[Box]) -> list[Tone]:
    """Return the tones of these places that are in the picture.

    Raises:
        CannotAssess: fewer than two are, so that nothing confirms the first.
    """
    found = []
    for place in places:
        try:
            found.append(close.tone(place))
        except CannotAssess:
            continue
    if len(found) < _ENOUGH:
        raise CannotAssess("too little of the face is in the picture")
    return found


def _middle(close: CloseUp) -> Points:
    left, right = close.eyes
    middle: Points = (left + right) / 2
    return middle

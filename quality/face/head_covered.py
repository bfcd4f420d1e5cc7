"""HeadCovered: our own measure of a hat, cap or scarf, by tints that hair and skin do not have.

It is not the standard's NoHeadCoverings, which needs a trained network that tells hair from cloth.
What is worn for faith or health is nobody's fault: this is never more than a reason to ask.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from quality.face.close_up import EYES_APART_PX, CloseUp, Tone, shrunk, tone_of
from quality.face.face import Face
from quality.face.own_skin import between_brows
from quality.measure import CannotAssess, Measure, Range, Standing

LIMIT: Final = 0.1
"""What is still hair. Chosen on 30 portraits: docs/decisions/0012."""

Places = npt.NDArray[np.bool_]

_PERSON: Final = 160
_BROWS: Final = slice(33, 51)
_CHIN: Final = 16
# Beside the skin: hair is not redder, but for henna; not bluer than grey; not that much less red.
_REDDER, _BLUER, _LESS_RED = 0.1, 0.6, 0.7
# One cloth around the head is alike above it and below the chin, and neither is skin.
_ALIKE, _NOT_SKIN = 0.25, 0.3


def head_covered(face: Face) -> float:
    """Return by how much what is above the forehead exceeds the tints of hair and skin, unit "1".

    Two signs, the stronger counts: a tint beside the person's own skin that hair does not have;
    and the same thing, not skin, above the forehead and below the chin, as a scarf is and hair is
    not. Black, brown, white and grey hats without a scarf are not told from hair.

    Raises:
        CannotAssess: there is no person mask, or the head's top or neck is not seen.

    Source: ours; limits chosen as docs/decisions/0012 tells.
    """
    if face.person_mask is None:
        raise CannotAssess("no person mask")
    close = face.close_up
    person = shrunk(face.aligned.moved(face.person_mask)) >= _PERSON
    skin = close.tone(between_brows(close))
    crown = tone_of(close.bgr[_crown(close, person)])
    return max(_tint(crown, skin), _wrapped(close, person, crown, skin))


def _tint(crown: Tone, skin: Tone) -> float:
    red, blue = crown.red - skin.red, crown.blue - skin.blue
    return max(0.0, red - _REDDER, blue - _BLUER, -red - _LESS_RED)


def _wrapped(close: CloseUp, person: Places, crown: Tone, skin: Tone) -> float:
    try:
        neck = tone_of(close.bgr[_neck(close, person)])
    except CannotAssess:
        # A head that ends with the picture may still wear a red hat.
        return 0.0
    if min(neck.foreign_to(skin), crown.foreign_to(skin)) < _NOT_SKIN:
        return 0.0
    return max(0.0, _ALIKE - neck.foreign_to(crown))


def _crown(close: CloseUp, person: Places) -> Places:
    """Return where the head's upper end is, well above the brows."""
    middle = (close.eyes[0] + close.eyes[1]) / 2
    rows, columns = _from(person.shape, middle)
    column = person[:, np.abs(columns[0]) < 0.3]
    filled = np.flatnonzero(column.mean(axis=1) > 0.5) if column.size else np.empty(0)
    if not filled.size:
        raise CannotAssess("the head's top is not seen")
    brows = (close.points[_BROWS, 1].min() - middle[1]) / EYES_APART_PX
    top = float(rows[int(filled[0]), 0])
    inside = (rows > top + 0.06) & (rows < min(top + 0.45, brows - 0.25)) & (np.abs(columns) < 0.6)
    return np.asarray(inside & person)


def _neck(close: CloseUp, person: Places) -> Places:
    rows, columns = _from(person.shape, close.points[_CHIN])
    inside = (rows > 0.22) & (rows < 0.5) & (np.abs(columns) < 0.3)
    return np.asarray(inside & person)


def _from(
    shape: tuple[int, ...], point: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return rows (height, 1) and columns (1, width) in eye distances from a point."""
    rows = (np.arange(shape[0])[:, None] - point[1]) / EYES_APART_PX
    columns = (np.arange(shape[1])[None, :] - point[0]) / EYES_APART_PX
    return rows, columns


MEASURE = Measure(
    "HeadCovered", "1", Range(0.0, 20.0), head_covered, Standing.HEURISTIC, still_only=True,
)  # fmt: skip

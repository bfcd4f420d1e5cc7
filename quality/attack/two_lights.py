"""Relief by two lights: a nose throws its flanks into different light, a sheet of paper does not.

Three pictures of the same pose are taken: by the room's light, and with a lamp (or one half of a
bright screen) added from either side. What the lamps add is taken in linear light; its left-right
share no longer knows the colour of skin, print or beard, only the surface's direction. Across a
flat or gently bent sheet that share changes evenly; across a nose it jumps.

No model, nothing learned. Source: Lambert's law; the ratio as in photometric stereo (Woodham 1980).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.face.points import Points
from quality.measure import CannotAssess

Picture = npt.NDArray[np.uint8]
Light = npt.NDArray[np.float32]

RELIEF_MIN: Final = 0.15
"""[ours] between the least of solid faces and the most of flat and bent sheets, as rendered by
`accuracy.attacks`: see docs/accuracy.md."""
ADDED_MIN: Final = 0.012
"""Least light, of full scale, that both lamps together must add to the cheeks."""
ANSWER_MIN: Final = 0.10
"""Least share of it in what was there before: a screen shines by itself and hardly answers."""
_FLANK: Final = 0.13
_CHEEK: Final = 0.50
_SPOT: Final = 0.06
"""Half a spot's side, and the spots' distance from the nose's ridge, as shares of the eyes'."""
_BRIDGE, _TIP = 51, 54
_DOWN: Final = 0.7
"""How far down the nose the spots lie: its flanks are steep there and the cheeks still flat."""
_LEFT_EYE: Final = slice(60, 68)
_RIGHT_EYE: Final = slice(68, 76)


@dataclass(frozen=True, slots=True)
class Relief:
    """What two lights said of one face.

    Attributes:
        value: the jump of the left-right share at the nose beyond the cheeks' even change; about
            0 for a sheet.
        added: what the lamps added to the cheeks, as a share of full scale, linear.
        answer: the same over what was there before.
    """

    value: float
    added: float
    answer: float

    @property
    def solid(self) -> bool:
        """The surface answered as a solid face does."""
        return self.value >= RELIEF_MIN and self.answer >= ANSWER_MIN


def relief(room: Picture, from_left: Picture, from_right: Picture, landmarks_px: Points) -> Relief:
    """Return the relief of the face in three pictures of one pose.

    Args:
        room: (height, width, 3), by the room's light alone.
        from_left: the same with a lamp added on the unmirrored picture's left.
        from_right: the same with a lamp added on its right.
        landmarks_px: (98, 2), WFLW order, on all three.

    Raises:
        CannotAssess: the pictures differ in size, the face touches the edge, a spot is blown out,
            or the lamps hardly add light.
    """
    if not room.shape == from_left.shape == from_right.shape:
        raise CannotAssess("three pictures of one size are needed")
    spots = _spots(landmarks_px)
    values = {
        name: tuple(_linear_mean(picture, spot) for picture in (room, from_left, from_right))
        for name, spot in spots.items()
    }
    cheeks = [values["left_cheek"], values["right_cheek"]]
    added = float(np.mean([left + right - 2 * dark for dark, left, right in cheeks]))
    if added < ADDED_MIN:
        raise CannotAssess("the lamps add too little light")
    share = {name: _left_share(*three) for name, three in values.items()}
    even = (share["left_cheek"] - share["right_cheek"]) * _FLANK / _CHEEK
    jump = share["left_flank"] - share["right_flank"]
    before = float(np.mean([dark for dark, _, _ in cheeks]))
    return Relief(float(jump - even), added, added / max(before, 1e-6))


def _spots(landmarks_px: Points) -> dict[str, tuple[Points, float]]:
    """Return four squares as (centre, half side), along the eyes' own line."""
    left, right = landmarks_px[_LEFT_EYE].mean(axis=0), landmarks_px[_RIGHT_EYE].mean(axis=0)
    along = right - left
    apart = float(np.hypot(*along))
    if apart < 1:
        raise CannotAssess("no distance between the eyes")
    ridge = landmarks_px[_BRIDGE] + _DOWN * (landmarks_px[_TIP] - landmarks_px[_BRIDGE])
    places = {"left_flank": -_FLANK, "right_flank": _FLANK}
    places |= {"left_cheek": -_CHEEK, "right_cheek": _CHEEK}
    return {name: (ridge + far * along, _SPOT * apart) for name, far in places.items()}


def _linear_mean(picture: Picture, spot: tuple[Points, float]) -> float:
    (x, y), half = spot
    rows, columns = (slice(round(c - half), round(c + half) + 1) for c in (y, x))
    height_px, width_px = picture.shape[:2]
    inside = rows.start >= 0 and columns.start >= 0
    if not (inside and rows.stop <= height_px and columns.stop <= width_px):
        raise CannotAssess("the face touches the picture's edge")
    patch = picture[rows, columns]
    if (patch >= 254).mean() > 0.05:
        raise CannotAssess("blown out")
    return float(_linear(patch).mean())


def _linear(bgr: Picture) -> Light:
    share = bgr.astype(np.float32) / 255
    curve = ((share + 0.055) / 1.055) ** 2.4
    return np.asarray(np.where(share <= 0.04045, share / 12.92, curve), np.float32)


def _left_share(dark: float, left: float, right: float) -> float:
    by_left, by_right = max(left - dark, 0.0), max(right - dark, 0.0)
    both = by_left + by_right
    return 0.0 if both <= 0 else (by_left - by_right) / both

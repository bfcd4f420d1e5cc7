"""What three measures of occlusion share: the share of a zone of the face that is hidden."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quality.face.face import Face
from quality.face.scale import half_away
from quality.measure import CannotAssess


def hidden_share(face: Face, zone: npt.NDArray[np.bool_]) -> float:
    """Return the share of the zone, (616, 616) on the aligned face, that the mask calls hidden.

    Raises:
        CannotAssess: there is no occlusion mask, which nothing stands in for, or the zone is empty.
    """
    if face.occlusion is None:
        raise CannotAssess("no occlusion mask")
    hidden = face.occlusion[zone] == 0
    if not hidden.size:
        raise CannotAssess("the zone lies outside the aligned face")
    return float(hidden.mean())


def component(native: float) -> int:
    """Return OFIQ's component: 100 with nothing hidden, 0 with everything."""
    return min(100, max(0, half_away(100 * (1 - native))))

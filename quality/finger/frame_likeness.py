"""FrameLikeness: whether the picture is one that the reader delivered before."""

from __future__ import annotations

import numpy as np

from quality.finger.print import Presentation, Print
from quality.measure import CannotAssess, Measure, Range, Standing


def frame_likeness(presentation: Presentation) -> float:
    """Return the highest correlation of detail with an earlier picture, -1..1.

    A print left on the glass gives .96, a stuck sensor .98; another press of the same finger is
    shifted, turned and stretched, and gives .40 at most on FVC2002 DB2_B.

    Raises:
        CannotAssess: there is no earlier picture of this size, or nothing in either.

    Source: ours (gate G7).
    """
    found = [_correlation(presentation.seen, before) for before in presentation.earlier]
    known = [one for one in found if one is not None]
    if not known:
        raise CannotAssess("no earlier picture to compare with")
    return max(known)


def _correlation(seen: Print, before: Print) -> float | None:
    if seen.detail.shape != before.detail.shape:
        return None
    norm = float(np.linalg.norm(seen.detail) * np.linalg.norm(before.detail))
    if norm <= 0:
        return None
    product = float(np.vdot(seen.detail, before.detail)) / norm
    return min(max(product, -1.0), 1.0)


BESIDE_EARLIER = Measure("FrameLikeness", "1", Range(-1.0, 1.0), frame_likeness, Standing.OWN)
"""Not in the folder's listing of measures of one print: it needs those before."""

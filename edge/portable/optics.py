"""What a field check measures on one camera frame: sharp edges, grey level, colour cast. Pure.

No target but a grey card or a light wall is needed: sharpness is read off whatever edges are in
view, the card's own among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.measure import CannotAssess

Picture = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]

EDGES_WANTED: Final = 400
EDGES_MIN: Final = 40
"""[ours] Fewer are chance: a wall alone has none."""
REACH_PX: Final = 24
"""How far an edge is followed to either side."""
CONTRAST_MIN: Final = 24.0
"""In levels of 255: noise and wallpaper are less."""
_LUMA: Final = np.array([0.0722, 0.7152, 0.2126])
"""Of linear blue, green and red. Source: IEC 61966-2-1, ITU-R BT.709."""


def edge_width_px(bgr: Picture) -> float:
    """Return the median width of the frame's steepest edges: contrast over greatest slope.

    A step blurred by a Gaussian of sigma reads sqrt(2 pi) sigma, beyond the 1 px of sampling.

    Args:
        bgr: (height, width, 3).

    Raises:
        CannotAssess: too few edges are in view.

    Source: after Marziliano et al., "A no-reference perceptual blur metric" (ICIP 2002); the width
    by slope instead of by extrema is ours.
    """
    luma = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).astype(np.float32)
    across: Any = cv2.Scharr(luma, cv2.CV_32F, 1, 0) / 32
    down: Any = cv2.Scharr(luma, cv2.CV_32F, 0, 1) / 32
    slope = np.hypot(across, down)
    rows, columns = _steepest(slope)
    if len(rows) < EDGES_MIN:
        raise CannotAssess("too few edges in view")
    steep = slope[rows, columns]
    profiles = _profiles(luma, rows, columns, across[rows, columns], down[rows, columns], steep)
    contrast = _rise(profiles) + _rise(profiles[:, ::-1], sign=-1.0)
    told = contrast >= CONTRAST_MIN
    if int(told.sum()) < EDGES_MIN:
        raise CannotAssess("too few edges in view")
    steepest = np.abs(np.diff(profiles, axis=1)).max(axis=1)
    return float(np.median(contrast[told] / steepest[told]))


@dataclass(frozen=True, slots=True)
class Greys:
    """The middle of a frame.

    Attributes:
        lightness: CIE L* of the mean linear luminance, 0 to 100.
        clipped: share of pixels with a channel at 0 or 255.
        spread: between the means of red, green and blue, in levels.
    """

    lightness: float
    clipped: float
    spread: float


def greys_of(bgr: Picture) -> Greys:
    """Return what the middle ninth of a frame is like: a card is held there. Raises nothing.

    Source: L* by CIE 15; sRGB by IEC 61966-2-1.
    """
    height, width = bgr.shape[:2]
    middle = bgr[height // 3 : height - height // 3, width // 3 : width - width // 3]
    flat = middle.reshape(-1, 3)
    linear = _linear()[flat]
    luminance = float((linear @ _LUMA).mean())
    lightness = 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance
    clipped = float(((flat == 0) | (flat == 255)).any(axis=1).mean())
    means = flat.mean(axis=0)
    return Greys(float(lightness), clipped, float(means.max() - means.min()))


def _linear() -> npt.NDArray[np.float64]:
    levels = np.arange(256) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def _steepest(slope: Plane) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return rows and columns of the steepest places, away from the frame's border."""
    inner = slope[REACH_PX:-REACH_PX, REACH_PX:-REACH_PX]
    if inner.size == 0:
        empty = np.zeros(0, np.intp)
        return empty, empty
    # Only ridges of the slope: the shoulder of an edge would read too wide.
    ridge = inner >= cv2.dilate(slope, np.ones((3, 3)))[REACH_PX:-REACH_PX, REACH_PX:-REACH_PX]
    places = np.flatnonzero(ridge & (inner > 1.0))
    kept = places[np.argsort(inner.ravel()[places])[::-1][:EDGES_WANTED]]
    rows, columns = np.unravel_index(kept, inner.shape)
    return rows + REACH_PX, columns + REACH_PX


def _profiles(  # noqa: PLR0917 - one edge is a place and a direction
    luma: Plane,
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    across: Plane,
    down: Plane,
    steep: Plane,
) -> Plane:
    """Return the luma along each edge's own direction, from its dark side to its light one."""
    steps = np.arange(-REACH_PX, REACH_PX + 1, dtype=np.float32)
    x = columns[:, None] + (across / steep)[:, None] * steps
    y = rows[:, None] + (down / steep)[:, None] * steps
    found: Any = cv2.remap(
        luma, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(found, np.float32)


def _rise(profiles: Plane, sign: float = 1.0) -> Plane:
    """Return how far each profile rises from its middle on, until it rises no more."""
    steps = np.diff(profiles[:, REACH_PX:], axis=1) * sign
    steepest = np.abs(np.diff(profiles, axis=1)).max(axis=1, keepdims=True)
    going = np.cumprod(steps > 0.04 * steepest, axis=1)
    return np.asarray((steps * going).sum(axis=1), np.float32)

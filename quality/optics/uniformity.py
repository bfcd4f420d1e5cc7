"""How evenly the lamps light face and background, on a grey sheet that fills the zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from quality.optics.even_sheet import even_light, pixel_noise, surface
from quality.optics.light import Box, Picture, middle_box
from quality.optics.refusal import Refusal, refused

ZONES: Final = 5
ZONE_SHARE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Evenness:
    """Light over 5 x 5 zones.

    Attributes:
        uniformity: darkest zone over lightest, in linear light.
        left_over_right: left two columns over right two; above 1 the picture's left is lighter.
        top_over_bottom: upper two rows over lower two.
        gradient: steepest even slope from side to side of the zone, over its mean.
        uncertainty: standard, of the three ratios.
        zones: (5 x 5) means over the largest of them, by rows.
        lightest, darkest: row and column of those zones.
    """

    uniformity: float
    left_over_right: float
    top_over_bottom: float
    gradient: float
    uncertainty: float
    zones: tuple[tuple[float, ...], ...]
    lightest: tuple[int, int]
    darkest: tuple[int, int]


def measure_light(picture: Picture, box: Box | None = None) -> Evenness:
    """Return how even the light is on the sheet.

    Args:
        picture: (height, width, 3).
        box: what the sheet fills; None for the middle four fifths.

    Raises:
        CannotAssess: no_chart, over_exposed, under_exposed, too_noisy, too_small.
    """
    if picture.ndim != 3:
        raise refused(Refusal.SIZES_DIFFER)
    light = even_light(picture, box or middle_box(picture, ZONE_SHARE))
    rows = np.array_split(light, ZONES)
    zones = np.array(
        [[float(one.mean()) for one in np.array_split(row, ZONES, axis=1)] for row in rows]
    )
    terms = surface((ZONES, ZONES))[:, :3]
    _, right, down = np.linalg.lstsq(terms, zones.ravel(), rcond=None)[0].tolist()
    # The extremes of 25 noisy means lie further apart than the true ones: about twice a mean's sd.
    zone_sd = pixel_noise(light) / np.sqrt(light.size / ZONES**2)
    rounded = 0.29 / 255 / np.sqrt(light.size / ZONES**2) + 2e-4
    uncertainty = float(2 * np.hypot(zone_sd, rounded) / zones.mean())
    highest, lowest = int(zones.argmax()), int(zones.argmin())
    return Evenness(
        float(zones.min() / zones.max()),
        float(zones[:, :2].mean() / zones[:, -2:].mean()),
        float(zones[:2].mean() / zones[-2:].mean()),
        float(2 * np.hypot(right, down) / zones.mean()),
        uncertainty,
        tuple(tuple(row) for row in (zones / zones.max()).tolist()),
        divmod(highest, ZONES), divmod(lowest, ZONES),
    )  # fmt: skip

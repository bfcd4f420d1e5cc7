"""How light or dark a face's skin is in a picture: the individual typology angle of the cheeks.

It describes a picture, not a person: the light and the camera are in it. It is used for comparing
how often the gates pass, and by nothing that a station does.
"""

from __future__ import annotations

from math import atan2, degrees
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.face.cheeks import cheek_zones
from quality.face.face import Face

Picture = npt.NDArray[np.uint8]
Triple = tuple[float, float, float]

CLASSES: Final = (
    ("very light", 55.0),
    ("light", 41.0),
    ("intermediate", 28.0),
    ("tan", 10.0),
    ("brown", -30.0),
    ("dark", float("-inf")),
)
"""Each class with the angle in degrees that its members lie above.

Source: Chardon, Cretois and Hourseau 1991; Del Bino et al. 2006.
"""

_WHITE_D65: Final = (0.95047, 1.0, 1.08883)
_XYZ_OF_RGB: Final = np.array(
    [
        (0.4124564, 0.3575761, 0.1804375),
        (0.2126729, 0.7151522, 0.0721750),
        (0.0193339, 0.1191920, 0.9503041),
    ]
)


def linear(srgb: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return linear light 0..1 of sRGB values 0..255. Source: IEC 61966-2-1."""
    share = np.asarray(srgb, dtype=np.float64) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab_d65(linear_rgb: npt.ArrayLike) -> Triple:
    """Return CIE L*, a*, b* (white D65, 2 degrees) of one linear colour (3,), red first, 0..1.

    Source: CIE 15:2004; the matrix is that of IEC 61966-2-1.
    """
    ratios = _XYZ_OF_RGB @ np.asarray(linear_rgb, dtype=np.float64) / _WHITE_D65
    x, y, z = (_cube_root(float(ratio)) for ratio in ratios)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _cube_root(ratio: float) -> float:
    knee = 6 / 29
    return float(np.cbrt(ratio)) if ratio > knee**3 else ratio / (3 * knee**2) + 4 / 29


def typology_angle_deg(lightness: float, yellowness: float) -> float:
    """Return the individual typology angle, degrees: atan((L* - 50) / b*); darker is lower.

    Source: Chardon et al. 1991. With b* below 0, which skin has not, the angle goes on turning.
    """
    return degrees(atan2(lightness - 50, yellowness))


def class_of(angle_deg: float) -> str:
    """Return the name among `CLASSES` of an angle; a limit belongs to the darker class."""
    return next(name for name, above in CLASSES if angle_deg > above)


def cheeks_angle_deg(bgr: Picture, landmarks_px: npt.NDArray[np.float64]) -> float:
    """Return the typology angle of both cheeks' median colour, in linear light.

    Args:
        bgr: (height, width, 3).
        landmarks_px: (98, 2), WFLW order.

    Raises:
        CannotAssess: the cheeks are not in the picture.
    """
    face = Face(bgr, landmarks_px, 0.0, 0.0, 0.0, (1.0,))
    pixels = [face.aligned.bgr[zone] for zone in cheek_zones(face.aligned, whole_px=True)]
    # The median, so that a lock of hair or a shine does not count as skin.
    colours = np.concatenate([linear(zone.reshape(-1, 3)) for zone in pixels])
    blue, green, red = np.median(colours, axis=0)
    lightness, _, yellowness = lab_d65((red, green, blue))
    return typology_angle_deg(lightness, yellowness)

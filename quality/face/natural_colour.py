"""NaturalColour: how far the cheeks' colour lies from where skin usually lies."""

from __future__ import annotations

from math import cbrt, hypot
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.face.cheeks import cheek_zones
from quality.face.face import Face
from quality.face.points import Points
from quality.face.scale import component_of
from quality.measure import Measure, Range, Standing

# Rows make X, Y, Z of red, green, blue, under D50, already over the white point's X and Z.
_XYZ_OF_RGB: Final = np.array(
    [(0.43605, 0.38508, 0.14309), (0.22249, 0.71689, 0.06062), (0.01393, 0.09710, 0.71419)]
) / np.array([(0.964221,), (1.0,), (0.825211,)])
# CIE has 24389; OFIQ's digits are the ones that its conformance table was made with.
_KAPPA: Final = 24289 / 27
_EPSILON: Final = 216 / 24389
FAR: Final = 100.0
"""OFIQ's value for a colour on the green or blue side, where no skin is."""


def natural_colour(face: Face) -> float:
    """Return the CIELAB distance of the cheeks' mean colour to a* 5..25, b* 5..35, unit "1".

    100 on the green or blue side; 0 for a picture without any colour, as OFIQ has it: whether a
    picture is grey is another question.

    Raises:
        CannotAssess: the face cannot be aligned, or has no cheeks.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `NaturalColour.cpp` (formula).
    """
    aligned = face.aligned
    zones = cheek_zones(aligned, whole_px=face.whole_px)
    bgr = aligned.bgr
    # A coloured picture nearly always shows it on a sixteenth of its rows already.
    if _is_grey(bgr[::16]) and _is_grey(bgr):
        return 0.0
    masked = [bgr[zone] * aligned.region[zone][..., None] for zone in zones]
    a, b = _a_and_b(np.stack(masked).mean(axis=(0, 1, 2))[::-1] / 255)
    if a < 0 or b < 0:
        return FAR
    return hypot(max(0.0, 5 - a, a - 25), max(0.0, 5 - b, b - 35))


def _is_grey(bgr: npt.NDArray[np.uint8]) -> bool:
    return bool((bgr[..., :2] == bgr[..., 1:]).all())


def _a_and_b(rgb: Points) -> tuple[float, float]:
    """Return CIELAB a* and b* of one sRGB colour (3,) of shares."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = (_f(float(share)) for share in _XYZ_OF_RGB @ linear)
    return 500 * (x - y), 200 * (y - z)


def _f(share: float) -> float:
    return cbrt(share) if share > _EPSILON else (_KAPPA * share + 16) / 116


def component(native: float) -> int:
    """Return OFIQ's component: 100 within the range of skin, 54 ten units away."""
    return component_of(native, h=200, a=1, s=-1, x0=0, w=10)


MEASURE = Measure(
    "NaturalColour", "1", Range(0.0, 200.0), natural_colour,
    Standing.OFIQ_LIKE, component, still_only=True,
)  # fmt: skip

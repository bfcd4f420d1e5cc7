"""BackgroundUniformity: how restless the background is, where a face parsing finds background."""

from __future__ import annotations

from typing import Final

from quality.face.background import HEIGHT_PX, WIDTH_PX, mean_gradient
from quality.face.face import PARSING_SIDE_PX, Face
from quality.face.scale import component_of
from quality.measure import CannotAssess, Measure, Range, Standing

_BACKGROUND: Final = 0
_MARGIN: Final = (PARSING_SIDE_PX - WIDTH_PX) // 2


def background_uniformity(face: Face) -> float:
    """Return the mean luminance gradient of the parsed background, unit "1"; a plain wall is low.

    Raises:
        CannotAssess: there is no face parsing, which nothing stands in for here
            (`BackgroundGradient` is what a person mask gives), or no background.

    Source: ISO/IEC 29794-5:2025 (name); OFIQ 1.0.3, `BackgroundUniformity.cpp` (formula).
    """
    if face.parsing is None:
        raise CannotAssess("no face parsing")
    window = face.parsing[:HEIGHT_PX, _MARGIN : PARSING_SIDE_PX - _MARGIN]
    return mean_gradient(face.aligned, window == _BACKGROUND)


def component(native: float) -> int:
    """Return OFIQ's component: 76 at 50, 55 at 100."""
    return component_of(native, h=190, a=1, s=-1, x0=10, w=100)


MEASURE = Measure(
    "BackgroundUniformity", "1", Range(0.0, 6000.0), background_uniformity,
    Standing.OFIQ_LIKE, component, still_only=True,
)  # fmt: skip

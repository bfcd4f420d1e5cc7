"""Why a press was poor, as one calm thing to do next; the value is the catalogue's code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from quality import finger
from quality.finger.print import Print
from quality.measure import natives

Values = Mapping[str, float]


class Cause(Enum):
    """What to do next. A worn finger rests: it cannot be pressed any better.

    The last two need a comparison of prints, which is not made here.
    """

    PLACE = "finger.place"
    HOLD = "finger.hold"
    CLEAN_GLASS = "finger.clean_glass"
    WET = "finger.wet"
    PARTIAL = "finger.partial"
    LIGHT = "finger.light"
    DRY = "finger.dry"
    MOVED = "finger.moved"
    WORN = "finger.worn"
    OTHER_FINGER = "finger.other_finger"
    GIVEN_ALREADY = "finger.given_already"


def _is_absent(v: Values) -> bool:
    return v["ForegroundShare"] < 0.05 or v["GreyRange"] < 40


def _is_moved(v: Values) -> bool:
    return v.get("MotionTrace", 0.0) >= 0.47


def _is_wet(v: Values) -> bool:
    soaked = v["ForegroundShare"] < 0.70 and v["DarkShare"] >= 0.55
    return soaked or v.get("InkShare", 0.0) >= 0.60 or v.get("GreySkew", 0.0) >= 0.25


def _is_partial(v: Values) -> bool:
    return v["ForegroundShare"] < 0.75 and v.get("ContactOffset", 0.0) >= 0.10


def _is_light(v: Values) -> bool:
    return v["ForegroundShare"] < 0.70


def _is_worn(v: Values) -> bool:
    if v.get("RidgeCoherence", 1.0) >= 0.65 or v.get("GrainShare", 0.0) > 0.35:
        return False
    finer, skew = v.get("FineDetailShare", 0.0), v.get("GreySkew", -1.0)
    # Dry skin has fine specks too, but they are few and dark on light.
    return (finer >= 0.082 and skew > -0.585) or (finer >= 0.105 and skew > -0.65)


def _is_dry(v: Values) -> bool:
    coherence = v.get("RidgeCoherence", 1.0)
    specks = coherence < 0.60 and v.get("GreySkew", 0.0) <= -0.585
    return specks or (coherence < 0.55 and v.get("InkShare", 1.0) < 0.335)


def _is_blurred(v: Values) -> bool:
    return (
        v.get("Contrast", 255.0) < 36
        and v.get("RidgeCoherence", 0.0) >= 0.50
        and v.get("RidgeFrequencyShare", 1.0) < 0.92
    )


def _is_faint(v: Values) -> bool:
    """Tell what is a finger by its gates, with ridges that hardly run together."""
    ridges = v.get("RidgeFrequencyShare", 0.0) >= 0.40
    return ridges and 0.28 <= v.get("RidgeCoherence", 1.0) < 0.60


_RULES: Final[tuple[tuple[Callable[[Values], bool], Cause], ...]] = (
    (_is_absent, Cause.PLACE),
    (_is_moved, Cause.MOVED),
    (_is_wet, Cause.WET),
    (_is_partial, Cause.PARTIAL),
    (_is_light, Cause.LIGHT),
    (_is_worn, Cause.WORN),
    (_is_dry, Cause.DRY),
    (_is_blurred, Cause.MOVED),
    (_is_faint, Cause.WORN),
)
"""The first that fits. Limits hold for 256x288 and 256x360 px windows. Those of MotionTrace,
GreySkew, FineDetailShare and ContactOffset were chosen on drawn prints of even seeds, and
`docs/accuracy.md` tells how they do on odd ones; the others were met on real prints too."""


def poor_press_cause(seen: Print) -> Cause | None:
    """Return why a press that was not accepted is poor; None for "once more, please"."""
    values = measured(seen)
    return next((cause for rule, cause in _RULES if rule(values)), None)


def measured(seen: Print) -> dict[str, float]:
    """Return every measure that could be assessed, by name."""
    # By name, at call time: the folder's listing imports this module too.
    found = natives(finger.MEASURES, seen)
    return {name: native.value for name, native in found.items() if native.value is not None}

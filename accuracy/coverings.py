"""What covers a face or a head, painted in several kinds, and what the station must say of each.

Some kinds were added once the limits stood (`HELD_OUT`): a measure that knows only its own examples
shows there. How they look was checked by eye; they are still paintings, and
figures on them are not figures on people.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from accuracy.defects import Defect
from accuracy.glasses_painted import glare, sunglasses
from accuracy.hair_painted import cap, fringe, headscarf, knitted
from accuracy.masks_painted import checked, dotted, hand_across, hand_up, mask, plain
from quality.advice import Advice

MASK: Final = ("LowerFaceCovered", Advice.TAKE_OFF_MASK)
HAND: Final = ("MouthHidden", Advice.HAND_DOWN)
SUNGLASSES: Final = ("SunglassesWorn", Advice.TAKE_OFF_SUNGLASSES)
FRINGE: Final = ("HairOverEyes", Advice.HAIR_ASIDE)
HAT: Final = ("HeadCovered", Advice.TAKE_OFF_HAT)
GLARE: Final = ("GlassesGlare", Advice.GLASSES_GLARE)


_ALL: Final = (
    Defect("blue mask", partial(mask, cloth=plain(0.75, 0.55, 0.32)), *MASK),
    Defect("white mask", partial(mask, cloth=plain(0.78, 0.80, 0.80)), *MASK),
    Defect("black mask", partial(mask, cloth=plain(0.03, 0.03, 0.03), pleats=0), *MASK),
    Defect("green mask", partial(mask, cloth=plain(0.42, 0.58, 0.38)), *MASK),
    Defect(
        "dotted mask", partial(mask, cloth=dotted((0.15, 0.1, 0.35), (0.7, 0.7, 0.75)), pleats=0),
        *MASK,
    ),
    Defect(
        "chequered mask",
        partial(mask, cloth=checked((0.1, 0.1, 0.6), (0.75, 0.75, 0.75)), pleats=0),
        *MASK,
    ),
    Defect("respirator", partial(mask, cloth=plain(0.74, 0.78, 0.80), pleats=0, cone=True), *MASK),
    Defect("pink mask", partial(mask, cloth=plain(0.58, 0.50, 0.80)), *MASK),
    Defect(
        "mask with blue dots",
        partial(mask, cloth=dotted((0.7, 0.7, 0.7), (0.5, 0.15, 0.1)), pleats=0),
        *MASK,
    ),
    Defect("hand from below", hand_up, *HAND),
    Defect("hand from the side", hand_across, *HAND),
    Defect("black sunglasses", sunglasses, *SUNGLASSES),
    Defect(
        "brown sunglasses", partial(sunglasses, tint=(0.5, 0.75, 1.1), gradient=0.5, wide=True),
        *SUNGLASSES,
    ),
    Defect("green sunglasses", partial(sunglasses, tint=(0.6, 1.1, 0.7), wide=True), *SUNGLASSES),
    Defect("mirrored sunglasses", partial(sunglasses, mirror=(0.9, 0.6, 0.25)), *SUNGLASSES),
    Defect("gold mirrored sunglasses", partial(sunglasses, mirror=(0.2, 0.55, 0.85)), *SUNGLASSES),
    Defect("silver mirrored sunglasses", partial(sunglasses, mirror=(0.6, 0.6, 0.6)), *SUNGLASSES),
    Defect(
        "blue graded sunglasses", partial(sunglasses, tint=(1.1, 0.85, 0.7), gradient=0.4),
        *SUNGLASSES,
    ),
    Defect("own fringe", fringe, *FRINGE),
    Defect(
        "fair fringe on one side", partial(fringe, sides=(0,), colour=(0.06, 0.16, 0.30)), *FRINGE
    ),
    Defect("grey fringe on one side", partial(fringe, sides=(1,), colour=(0.3, 0.3, 0.3)), *FRINGE),
    Defect("blue cap", partial(cap, colour=(0.35, 0.08, 0.06)), *HAT),
    Defect("black cap", partial(cap, colour=(0.02, 0.02, 0.02)), *HAT),
    Defect("red knitted hat", partial(knitted, colour=(0.05, 0.05, 0.40)), *HAT),
    Defect("grey headscarf", partial(headscarf, colour=(0.30, 0.30, 0.30)), *HAT),
    Defect("green knitted hat", partial(knitted, colour=(0.10, 0.30, 0.08)), *HAT),
    Defect("blue headscarf", partial(headscarf, colour=(0.40, 0.15, 0.10)), *HAT),
    Defect("lamps on glasses", glare, *GLARE),
    Defect("window on glasses", partial(glare, of="window"), *GLARE),
)  # fmt: skip

COVERINGS: Final[Mapping[str, Defect]] = MappingProxyType({one.name: one for one in _ALL})
"""By name, as the page of figures shows them."""

HELD_OUT: Final = frozenset(
    {
        "pink mask", "mask with blue dots", "silver mirrored sunglasses", "blue graded sunglasses",
        "grey fringe on one side", "green knitted hat", "blue headscarf",
    }
)  # fmt: skip
"""Kinds that nobody had painted or measured when features and limits were chosen."""

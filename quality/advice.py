"""From readings to the one thing that the person should do next.

Left and right are the person's own, which is also what a mirrored preview shows. Positive yaw is a
face turned to the picture's right, which is the person's own left: the advice is to turn right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final, Protocol

from quality.measure import Native, Reading, Verdict


class Advice(Enum):
    """What to do next. The value is the sentence's code in the catalogue."""

    NO_FACE = "portrait.no_face"
    MANY_FACES = "portrait.many_faces"
    TOO_FAR = "portrait.too_far"
    TOO_NEAR = "portrait.too_near"
    MOVE_LEFT = "portrait.move_left"
    MOVE_RIGHT = "portrait.move_right"
    MOVE_UP = "portrait.move_up"
    MOVE_DOWN = "portrait.move_down"
    STAFF_MOVES_CAMERA = "portrait.staff_moves_camera"
    STRAIGHTEN_HEAD = "portrait.straighten_head"
    TURN_LEFT = "portrait.turn_left"
    TURN_RIGHT = "portrait.turn_right"
    CHIN_UP = "portrait.chin_up"
    CHIN_DOWN = "portrait.chin_down"
    NOT_WHOLE_FACE = "portrait.not_whole_face"
    OPEN_EYES = "portrait.open_eyes"
    LOOK_AT_CAMERA = "portrait.look_at_camera"
    TAKE_OFF_SUNGLASSES = "portrait.take_off_sunglasses"
    GLASSES_GLARE = "portrait.glasses_glare"
    TAKE_OFF_MASK = "portrait.take_off_mask"
    HAND_DOWN = "portrait.hand_down"
    HAIR_ASIDE = "portrait.hair_aside"
    TAKE_OFF_HAT = "portrait.take_off_hat"
    CLOSE_MOUTH = "portrait.close_mouth"
    RELAX_MOUTH = "portrait.relax_mouth"
    LIGHT = "portrait.light"
    LIGHT_LESS = "portrait.light_less"
    LIGHT_EVEN = "portrait.light_even"
    COLOUR_LIGHT = "portrait.colour_light"
    BACKGROUND_BUSY = "portrait.background_busy"
    BACKGROUND_DARK = "portrait.background_dark"
    STEP_FROM_WALL = "portrait.step_from_wall"
    HOLD_STILL = "portrait.hold_still"
    WAIT = "portrait.wait"


TOO_DARK: Final = "too dark to see anyone"
"""The reason of every value of a picture that is so dark that nobody could be found in it."""


class Seen(Protocol):
    """What advice needs of a look at a picture."""

    @property
    def faces(self) -> int:
        """How many people are in view."""

    @property
    def natives(self) -> Mapping[str, Native]:
        """The subject's values by measure; without a subject, why there is none."""


BY_MEASURE: Final[Mapping[str, tuple[Advice, Advice]]] = {
    "SingleFacePresent": (Advice.MANY_FACES, Advice.MANY_FACES),
    "InterEyeDistance": (Advice.TOO_FAR, Advice.TOO_NEAR),
    "HeadSize": (Advice.TOO_FAR, Advice.TOO_NEAR),
    "HeadPoseRoll": (Advice.STRAIGHTEN_HEAD, Advice.STRAIGHTEN_HEAD),
    "HeadPoseYaw": (Advice.TURN_LEFT, Advice.TURN_RIGHT),
    "HeadPosePitch": (Advice.CHIN_DOWN, Advice.CHIN_UP),
    "EyesOpen": (Advice.OPEN_EYES, Advice.OPEN_EYES),
    "MouthClosed": (Advice.CLOSE_MOUTH, Advice.CLOSE_MOUTH),
    "SunglassesWorn": (Advice.TAKE_OFF_SUNGLASSES, Advice.TAKE_OFF_SUNGLASSES),
    "GlassesGlare": (Advice.GLASSES_GLARE, Advice.GLASSES_GLARE),
    "LowerFaceCovered": (Advice.TAKE_OFF_MASK, Advice.TAKE_OFF_MASK),
    "MouthHidden": (Advice.HAND_DOWN, Advice.HAND_DOWN),
    "HairOverEyes": (Advice.HAIR_ASIDE, Advice.HAIR_ASIDE),
    "HeadCovered": (Advice.TAKE_OFF_HAT, Advice.TAKE_OFF_HAT),
    "FaceEdgeDistance": (Advice.NOT_WHOLE_FACE, Advice.NOT_WHOLE_FACE),
    "GazeAway": (Advice.LOOK_AT_CAMERA, Advice.LOOK_AT_CAMERA),
    "TeethVisible": (Advice.RELAX_MOUTH, Advice.RELAX_MOUTH),
    "LuminanceMean": (Advice.LIGHT, Advice.LIGHT_LESS),
    "OverExposurePrevention": (Advice.LIGHT_LESS, Advice.LIGHT_LESS),
    "DynamicRange": (Advice.LIGHT, Advice.LIGHT),
    "CheekLightRatio": (Advice.LIGHT_EVEN, Advice.LIGHT_EVEN),
    "ColourCast": (Advice.COLOUR_LIGHT, Advice.COLOUR_LIGHT),
    "BackgroundGradient": (Advice.BACKGROUND_BUSY, Advice.BACKGROUND_BUSY),
    "BackgroundColourSpread": (Advice.BACKGROUND_BUSY, Advice.BACKGROUND_BUSY),
    "BackgroundLightness": (Advice.BACKGROUND_DARK, Advice.BACKGROUND_DARK),
    "WallShadow": (Advice.STEP_FROM_WALL, Advice.STEP_FROM_WALL),
    "FaceSharpness": (Advice.HOLD_STILL, Advice.HOLD_STILL),
}
"""A rejected measure's advice: (value too low, value too high)."""

PRIORITY: Final = (
    Advice.NO_FACE, Advice.MANY_FACES, Advice.TOO_FAR, Advice.TOO_NEAR,
    Advice.MOVE_LEFT, Advice.MOVE_RIGHT, Advice.MOVE_UP, Advice.MOVE_DOWN,
    Advice.STAFF_MOVES_CAMERA,
    Advice.NOT_WHOLE_FACE, Advice.STRAIGHTEN_HEAD, Advice.TURN_LEFT, Advice.TURN_RIGHT,
    Advice.CHIN_UP, Advice.CHIN_DOWN,
    Advice.TAKE_OFF_MASK, Advice.OPEN_EYES, Advice.LOOK_AT_CAMERA,
    Advice.TAKE_OFF_SUNGLASSES, Advice.GLASSES_GLARE,
    Advice.HAND_DOWN, Advice.HAIR_ASIDE, Advice.TAKE_OFF_HAT,
    Advice.CLOSE_MOUTH, Advice.RELAX_MOUTH,
    Advice.LIGHT, Advice.LIGHT_LESS, Advice.LIGHT_EVEN, Advice.COLOUR_LIGHT,
    Advice.BACKGROUND_BUSY, Advice.BACKGROUND_DARK, Advice.STEP_FROM_WALL,
    Advice.HOLD_STILL, Advice.WAIT,
)  # fmt: skip
"""What comes first when several things are wrong: who, where, then how."""


_FACE_UNSEEN: Final = frozenset(
    {Advice.OPEN_EYES, Advice.LOOK_AT_CAMERA, Advice.CLOSE_MOUTH, Advice.RELAX_MOUTH}
)
CAUSES: Final[Mapping[Advice, frozenset[Advice]]] = {
    Advice.NOT_WHOLE_FACE: _FACE_UNSEEN,
    Advice.TAKE_OFF_SUNGLASSES: frozenset(
        {Advice.OPEN_EYES, Advice.LOOK_AT_CAMERA, Advice.GLASSES_GLARE}
    ),
    Advice.GLASSES_GLARE: frozenset({Advice.OPEN_EYES, Advice.LOOK_AT_CAMERA}),
    Advice.HAIR_ASIDE: frozenset({Advice.OPEN_EYES, Advice.LOOK_AT_CAMERA}),
    Advice.TAKE_OFF_MASK: frozenset({Advice.CLOSE_MOUTH, Advice.RELAX_MOUTH, Advice.HAND_DOWN}),
    # Behind a hand the landmarks guess closed lips: an open mouth is one that is seen. [ours] 200
    # portraits with masks and hands painted read `MouthClosed` 0.044 at most, laughs 0.11 and more.
    Advice.CLOSE_MOUTH: frozenset({Advice.HAND_DOWN}),
    Advice.RELAX_MOUTH: frozenset({Advice.CLOSE_MOUTH}),
    Advice.LIGHT: _FACE_UNSEEN
    | {
        Advice.LIGHT_EVEN, Advice.COLOUR_LIGHT, Advice.BACKGROUND_DARK, Advice.STEP_FROM_WALL,
        Advice.HOLD_STILL,
    },
    Advice.LIGHT_LESS: frozenset({Advice.LIGHT_EVEN, Advice.COLOUR_LIGHT, Advice.HOLD_STILL}),
    Advice.HOLD_STILL: frozenset({Advice.OPEN_EYES, Advice.LOOK_AT_CAMERA}),
}  # fmt: skip
"""What need not be said while its cause stands: eyes look shut in the dark, lips behind a mask."""

COVERED: Final = frozenset(
    {
        Advice.TAKE_OFF_SUNGLASSES, Advice.GLASSES_GLARE, Advice.TAKE_OFF_MASK, Advice.HAND_DOWN,
        Advice.HAIR_ASIDE, Advice.TAKE_OFF_HAT,
    }
)  # fmt: skip
"""What nobody can tell in a dark scene. A dark mask before a light wall is told all the same."""

DIM_FACE: Final = 0.12
"""Below it a face may be dark-skinned or dimly lit, and only the wall can tell which: a dark wall
as well means dim light (`docs/measures.md`)."""
SOFT_WALL: Final = 40.0
"""A wall's gradient below which what darkens it has no edges: a shadow. [ours] Shadows painted on
plain walls leave it below 15, things before them raise it above 60."""


def advise(seen: Seen, readings: Iterable[Reading], framing: Advice | None = None) -> Advice | None:
    """Return the first thing to do, or None if nothing hinders a good portrait.

    Consequences give way to their cause, so that one thing done does not leave the next to say.

    Args:
        seen: how many faces there are; without exactly one nothing else matters. Its values, also
            those that are good enough, help to tell causes apart.
        readings: judged values; a hard one that could not be assessed means: look again.
        framing: what is wrong with the place of the head in the picture, if anything.
    """
    if seen.faces == 0:
        too_dark = any(native.reason == TOO_DARK for native in seen.natives.values())
        return Advice.LIGHT if too_dark else Advice.NO_FACE
    if seen.faces > 1:
        return Advice.MANY_FACES
    said = (framing, *(advice_of(reading) for reading in readings))
    found = {advice for advice in said if advice is not None}
    found = _told_by_two(found, seen.natives)
    for cause in found & CAUSES.keys():
        found -= CAUSES[cause]
    return next((advice for advice in PRIORITY if advice in found), None)


def _told_by_two(found: set[Advice], natives: Mapping[str, Native]) -> set[Advice]:
    """Return what is found once causes are told apart that no single measure tells apart."""
    if Advice.BACKGROUND_DARK in found and _below(natives, "LuminanceMean", DIM_FACE):
        found = (found | {Advice.LIGHT}) - COVERED
    # Teeth that are seen are behind nothing.
    if Advice.RELAX_MOUTH in found:
        found = found - {Advice.TAKE_OFF_MASK, Advice.HAND_DOWN}
    # A shadow spreads the wall's colour too; things behind a person have edges.
    if Advice.STEP_FROM_WALL in found and _below(natives, "BackgroundGradient", SOFT_WALL):
        found = found - {Advice.BACKGROUND_BUSY}
    return found


def _below(natives: Mapping[str, Native], measure: str, limit: float) -> bool:
    value = natives.get(measure, Native(None)).value
    return value is not None and value < limit


def advice_of(reading: Reading) -> Advice | None:
    """Return what cures this one reading, None if nothing is wrong with it."""
    if reading.verdict is Verdict.ACCEPTED:
        return None
    if reading.verdict is Verdict.NOT_ASSESSED:
        return None if reading.advisory else Advice.WAIT
    too_low, too_high = BY_MEASURE.get(reading.measure, (Advice.WAIT, Advice.WAIT))
    low = reading.accept.low
    below = low is not None and reading.native is not None and reading.native < low
    return too_low if below else too_high

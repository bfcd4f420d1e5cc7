"""From readings to one piece of advice, and where a head may be in the picture."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from quality.advice import BY_MEASURE, CAUSES, PRIORITY, TOO_DARK, Advice, advise
from quality.document import Document, judge
from quality.face import LIVE_MEASURES, MEASURES
from quality.face.outline import HeadOutline
from quality.framing import framing, room_of
from quality.measure import Native

FOLDER = Path(__file__).resolve().parent.parent / "firmware_configs" / "documents"
DOCUMENTS = tuple(
    Document.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    for path in sorted(FOLDER.glob("*.toml"))
)
KNOWN = {
    "SingleFacePresent": 0.0, "InterEyeDistance": 142.0, "HeadSize": 0.30, "EyesOpen": 0.07,
    "MouthClosed": 0.002, "LuminanceMean": 0.3, "BackgroundGradient": 20.0,
}  # fmt: skip


def accepted(gate):
    """A value that a gate accepts, live and still: the middle of its limits, or an end of them."""
    span = gate.live_enter or gate.still
    ends = [end for end in (span.min, span.max) if end is not None]
    return sum(ends) / len(ends)


GOOD = {name: accepted(gate) for d in DOCUMENTS for name, gate in d.gates.items()} | KNOWN


@dataclass
class Seen:
    """A look with so many faces."""

    faces: int = 1
    natives: Mapping[str, Native] = field(default_factory=dict)


def advice_for(framing_advice=None, faces=1, live=True, **changed):
    natives = {name: Native(value) for name, value in (GOOD | changed).items()}
    readings = [r for document in DOCUMENTS for r in judge(document, natives, live=live)]
    return advise(Seen(faces, natives), readings, framing_advice)


def test_a_good_look_needs_no_advice():
    """When all is well nothing is said."""
    assert advice_for() is None


@pytest.mark.parametrize(
    ("measure", "value", "advice"),
    [
        ("InterEyeDistance", 80.0, Advice.TOO_FAR),
        ("HeadSize", 0.45, Advice.TOO_NEAR),
        ("HeadPoseRoll", 9.0, Advice.STRAIGHTEN_HEAD),
        ("HeadPoseRoll", -9.0, Advice.STRAIGHTEN_HEAD),
        # Positive yaw shows the person's own left: they turn to their right.
        ("HeadPoseYaw", 8.0, Advice.TURN_RIGHT),
        ("HeadPoseYaw", -8.0, Advice.TURN_LEFT),
        # Positive pitch is a lowered face.
        ("HeadPosePitch", 20.0, Advice.CHIN_UP),
        ("HeadPosePitch", -20.0, Advice.CHIN_DOWN),
        ("EyesOpen", 0.02, Advice.OPEN_EYES),
        ("MouthClosed", 0.11, Advice.CLOSE_MOUTH),
        ("LuminanceMean", 0.02, Advice.LIGHT),
        ("LuminanceMean", 0.8, Advice.LIGHT_LESS),
        ("FaceSharpness", 0.01, Advice.HOLD_STILL),
        ("SingleFacePresent", 0.4, Advice.MANY_FACES),
    ],
)
def test_each_fault_has_its_advice(measure, value, advice):
    """The person is told what to do, by their own left and right."""
    assert advice_for(**{measure: value}) is advice


def test_who_comes_before_where_comes_before_how():
    """One thing at a time, the one that makes the others judgeable first."""
    wrong = {"HeadPoseRoll": 20.0, "HeadPoseYaw": 20.0, "EyesOpen": 0.0, "LuminanceMean": 0.01}

    assert advice_for(faces=0, framing_advice=Advice.MOVE_UP, **wrong) is Advice.NO_FACE
    assert advice_for(faces=2, framing_advice=Advice.MOVE_UP, **wrong) is Advice.MANY_FACES
    assert advice_for(framing_advice=Advice.MOVE_UP, **wrong) is Advice.MOVE_UP
    assert advice_for(InterEyeDistance=80.0, framing_advice=Advice.MOVE_UP) is Advice.TOO_FAR
    assert advice_for(**wrong) is Advice.STRAIGHTEN_HEAD
    assert advice_for(HeadPoseYaw=20.0, EyesOpen=0.0) is Advice.TURN_RIGHT


def test_the_order_is_complete():
    """Every advice has its place in the order, once, and its own code."""
    assert sorted(a.value for a in PRIORITY) == sorted(a.value for a in Advice)
    assert all(advice.value == f"portrait.{advice.name.lower()}" for advice in Advice)


def test_every_live_measure_leads_to_advice():
    """Nothing is judged that the person could not be told about."""
    assert set(BY_MEASURE) >= {measure.name for measure in LIVE_MEASURES}
    assert set(BY_MEASURE) <= {measure.name for measure in MEASURES}


def test_what_could_not_be_assessed_is_looked_at_again():
    """A hard measure without a value never passes; an advisory one hinders nobody."""
    natives = {name: Native(value) for name, value in GOOD.items()}
    blind = {**natives, "EyesOpen": Native(None, "hidden")}
    unsharp = {**natives, "FaceSharpness": Native(None, "no contrast")}

    assert advise(Seen(), judge(DOCUMENTS[0], blind, live=False)) is Advice.WAIT
    assert advise(Seen(), judge(DOCUMENTS[0], unsharp, live=False)) is None


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ({"BackgroundLightness": 90.0}, Advice.BACKGROUND_DARK),
        ({"BackgroundLightness": 90.0, "LuminanceMean": 0.10}, Advice.LIGHT),
        # Before a light wall a dark face is a dark-skinned person, not a dark room.
        ({"LuminanceMean": 0.10}, None),
        ({"LuminanceMean": 0.03, "EyesOpen": 0.01, "FaceSharpness": 0.01}, Advice.LIGHT),
        ({"FaceSharpness": 0.01, "EyesOpen": 0.01}, Advice.HOLD_STILL),
        ({"WallShadow": 0.5, "BackgroundColourSpread": 30.0}, Advice.STEP_FROM_WALL),
        (
            {"WallShadow": 0.5, "BackgroundColourSpread": 30.0, "BackgroundGradient": 70.0},
            Advice.BACKGROUND_BUSY,
        ),
        ({"MouthClosed": 0.1, "TeethVisible": 0.2}, Advice.RELAX_MOUTH),
        ({"TeethVisible": 0.2, "LowerFaceCovered": 0.9}, Advice.RELAX_MOUTH),
        ({"LowerFaceCovered": 0.9, "MouthClosed": 0.1}, Advice.TAKE_OFF_MASK),
        ({"MouthHidden": 0.9}, Advice.HAND_DOWN),
        ({"MouthHidden": 0.9, "MouthClosed": 0.1}, Advice.CLOSE_MOUTH),
        ({"LowerFaceCovered": 0.9, "LuminanceMean": 0.03}, Advice.TAKE_OFF_MASK),
        (
            {"LowerFaceCovered": 0.9, "LuminanceMean": 0.03, "BackgroundLightness": 30.0},
            Advice.LIGHT,
        ),
        ({"SunglassesWorn": 0.9, "EyesOpen": 0.01, "GazeAway": 0.5}, Advice.TAKE_OFF_SUNGLASSES),
        ({"ColourCast": 30.0, "BackgroundLightness": 130.0}, Advice.COLOUR_LIGHT),
        ({"FaceEdgeDistance": -0.3, "HeadPoseYaw": 20.0, "EyesOpen": 0.0}, Advice.NOT_WHOLE_FACE),
    ],
)
def test_a_cause_is_named_before_what_follows_from_it(wrong, advice):
    """In the dark eyes look shut, behind a mask lips look open: one hint, the one that helps."""
    assert advice_for(live=False, **wrong) is advice


def test_only_what_refuses_need_be_handed_over_to_tell_causes_apart():
    """The values that are good enough speak too, though only refusals are judged."""
    natives = {"BackgroundLightness": Native(90.0), "LuminanceMean": Native(0.10)}
    readings = judge(DOCUMENTS[0], natives, live=False)
    refused = [r for r in readings if r.measure == "BackgroundLightness"]

    assert advise(Seen(1, natives), refused) is Advice.LIGHT


@pytest.mark.parametrize(
    ("face_light", "advice"), [(0.115, Advice.LIGHT), (0.125, Advice.BACKGROUND_DARK)]
)
def test_a_dark_wall_is_dim_light_only_behind_a_face_that_is_dim_too(face_light, advice):
    """Half the faces of good portraits read below 0.17: the limit must not creep up to them."""
    assert advice_for(live=False, BackgroundLightness=90.0, LuminanceMean=face_light) is advice


def test_no_two_causes_silence_each_other():
    """Else both would be forgotten and the picture pass for good."""
    for cause, silenced in CAUSES.items():
        assert cause not in silenced
        assert not [other for other in silenced if cause in CAUSES.get(other, ())]


def test_nobody_in_the_dark_is_a_matter_of_light():
    """Who cannot be seen is not asked to sit down again."""
    unseen = {name: Native(None, TOO_DARK) for name in GOOD}

    assert advise(Seen(0, unseen), []) is Advice.LIGHT
    assert advise(Seen(0), []) is Advice.NO_FACE


def head(x=0.5, y=0.47, unit_px=215.0):
    """A head whose eyes lie at shares of a 1280x720 picture."""
    middle_x, middle_y = 1280 * x, 720 * y
    half = unit_px * 0.28
    return HeadOutline(
        (middle_x - half, middle_y), (middle_x + half, middle_y), (middle_x, middle_y + unit_px),
        (middle_x - unit_px * 0.65, middle_y), (middle_x + unit_px * 0.65, middle_y),
        None, None, None, 0.0, 1280, 720,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("where", "advice"),
    [
        ({}, None),
        ({"unit_px": 260.0}, Advice.TOO_NEAR),
        # The picture is not mirrored: who stands on its left goes to their own left.
        ({"x": 0.3}, Advice.MOVE_LEFT),
        ({"x": 0.7}, Advice.MOVE_RIGHT),
        ({"y": 0.3}, Advice.MOVE_DOWN),
        ({"y": 0.7}, Advice.MOVE_UP),
    ],
)
def test_the_head_is_guided_to_where_every_crop_fits(where, advice):
    """Too near, beside, above or below: told by the person's own sides."""
    assert framing(head(**where), room_of(DOCUMENTS)) is advice


def test_a_place_that_was_good_is_left_later_than_it_is_entered():
    """Standing at the border makes no advice flicker."""
    edge = head(x=0.5 + 0.11)

    assert framing(edge, room_of(DOCUMENTS)) is Advice.MOVE_RIGHT
    assert framing(edge, room_of(DOCUMENTS), passed=True) is None

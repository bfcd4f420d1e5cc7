"""Groups, pass rates and what a gap is made of, on portraits of a few hand-made readings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accuracy.conditions import matrix, refusals, told
from accuracy.fairness import (
    by_age,
    by_sex,
    by_skin_class,
    by_skin_thirds,
    fault_seen,
    findings,
    pass_rates,
    seen_by_eye,
)
from accuracy.looker import Looked
from accuracy.portraits import judged
from accuracy.shares import Gap, Share
from edge.settings import load_document
from quality.advice import Advice
from quality.measure import Native

DOCUMENT = load_document("cn_exit_entry")
# A value that each gate accepts: the middle of what it accepts, or its one end.
GOOD = {
    name: Native(
        sum(ends) / len(ends)
        if (ends := [end for end in (gate.still.min, gate.still.max) if end is not None])
        else 0.0
    )
    for name, gate in DOCUMENT.gates.items()
}


def portrait(file="a.jpg", angle_deg=20.0, readings=None, **labels):
    """One portrait, good but for the readings that are named."""
    words = {
        "file": file, "sex": "female", "age": "30", "condition": "plain",
        "background": "plain_light", "inter_eye_px": "150",
    }  # fmt: skip
    values = GOOD | {name: Native(value) for name, value in (readings or {}).items()}
    looked = Looked(1, values, None, None, (0.0, 0.0, 0.0), None)
    return judged(words | labels, looked, angle_deg, [DOCUMENT])


def test_bands_and_classes_hold_everybody_once():
    """A birthday moves a portrait to the next band; nobody is in two groups or in none."""
    ages = [portrait(age=str(age)) for age in (29, 30, 44, 45, 59, 60, 101)]
    angles = [portrait(str(n), angle_deg=angle) for n, angle in enumerate((60, 45, 0, -40, 30, 20))]

    assert [len(group) for group in by_age(ages).values()] == [1, 2, 2, 2]
    assert [len(group) for group in by_skin_class(angles).values()] == [1, 1, 1, 1, 1, 1]
    thirds = by_skin_thirds([*angles, portrait("x", angle_deg=None)])
    assert [[one.angle_deg for one in group] for group in thirds.values()] == [
        [-40, 0], [20, 30], [45, 60],
    ]  # fmt: skip


def test_a_gate_passes_only_what_it_accepts():
    """Refused and not assessed do not pass; an advisory refusal leaves a portrait accepted."""
    refused = portrait(readings={"HeadPoseYaw": 9.0})
    unknown = portrait(readings={"HeadPoseYaw": None})
    advised = portrait(readings={"HeadPosePitch": 30.0})
    rates = pass_rates(by_sex([portrait(), refused, unknown, advised]), DOCUMENT.id, "HeadPoseYaw")

    assert rates == {"female": Share(2, 4), "male": Share(0, 0)}
    assert [one.accepted(DOCUMENT.id) for one in (portrait(), refused, unknown, advised)] == [
        True, False, False, True,
    ]  # fmt: skip
    assert refused.advice[DOCUMENT.id] is Advice.TURN_RIGHT
    assert advised.advice[DOCUMENT.id] is None


@pytest.fixture
def turned():
    """Ten women of whom four are refused, ten men of whom none is."""
    women = [portrait(f"f{n}") for n in range(6)]
    women += [portrait("t1", condition="turned", readings={"HeadPoseYaw": 20.0})]
    women += [portrait(f"u{n}", readings={"HeadPoseYaw": 8.0}) for n in range(3)]
    return [*women, *(portrait(f"m{n}", sex="male") for n in range(10))]


def test_a_gap_is_explained_only_by_faults_that_somebody_saw(turned):
    """Of four refusals one is of a labelled turn; seen by eye the others explain the rest."""
    before = findings(turned, DOCUMENT.id, ["HeadPoseYaw"], {})
    sex = next(one for one in before if one.grouping == "sex")
    seen = {(f"u{n}", "HeadPoseYaw"): "a little turned" for n in range(3)}
    after = findings(turned, DOCUMENT.id, ["HeadPoseYaw"], seen)
    explained = next(one for one in after if one.grouping == "sex")

    assert sex.gap == Gap("female", "male", 40.0)
    assert dict(sex.causes) == {"turned": 1}
    assert sex.unseen == (("u0", 8.0), ("u1", 8.0), ("u2", 8.0))
    assert sex.left is not None
    assert sex.left.points == pytest.approx(100 * 3 / 9)
    assert not sex.explained
    assert dict(explained.causes) == {"a little turned": 3, "turned": 1}
    assert explained.unseen == ()
    assert explained.explained


def test_a_fault_of_one_gate_explains_no_other(turned):
    """A turned head is no reason to find the eyes closed."""
    closed = [
        replace(one, readings=portrait(readings={"EyesOpen": 0.0}).readings) for one in turned
    ]
    sex = findings([*closed[:10], *turned[10:]], DOCUMENT.id, ["EyesOpen"], {})

    assert {one.grouping: one.explained for one in sex}["sex"] is False
    assert fault_seen(portrait(inter_eye_px="119"), "InterEyeDistance", {}) == "too few pixels"
    assert fault_seen(portrait(inter_eye_px="120"), "InterEyeDistance", {}) == ""


def test_a_wall_is_no_fault_of_a_plain_one_nor_of_the_person():
    """Only before what is no plain light wall a refusal of the wall is explained by it."""
    busy, plain = portrait(background="textured"), portrait(background="plain_light")

    assert fault_seen(busy, "BackgroundGradient", {}) == "no plain light wall"
    assert fault_seen(plain, "BackgroundGradient", {}) == ""
    assert fault_seen(busy, "LuminanceMean", {}) == ""


def test_what_was_seen_by_eye_names_gates_that_there_are():
    """A misspelt gate would explain nothing, silently."""
    seen = seen_by_eye()

    assert seen
    assert {gate for _, gate in seen} <= set(DOCUMENT.gates)
    assert all(seen.values())


def test_labels_and_readings_meet_in_a_matrix(turned):
    """Hits are counted among those with the word, other refusals among the rest."""
    yaw = next(one for one in told(turned, DOCUMENT.id) if one.gate == "HeadPoseYaw")

    assert (yaw.condition, yaw.hits, yaw.others) == ("turned", Share(1, 1), Share(3, 19))
    assert matrix(turned, DOCUMENT.id) == {
        "plain": {"accepted": 16, "turn_right": 3}, "turned": {"turn_right": 1},
    }  # fmt: skip
    assert refusals(turned, DOCUMENT.id) == {
        "plain": {"HeadPoseYaw": 3}, "turned": {"HeadPoseYaw": 1},
    }  # fmt: skip

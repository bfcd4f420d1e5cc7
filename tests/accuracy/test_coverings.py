"""What covers a face or a head is noticed and rightly named, and bare faces are left alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from accuracy.coverings import COVERINGS, HELD_OUT
from accuracy.coverings_rates import MEASURES, WORN, not_chosen_on, rates, refused
from accuracy.harmless import HARMLESS
from edge.settings import load_document
from quality.advice import BY_MEASURE, Advice, advise
from quality.document import judge

DOCUMENT = load_document("cn_exit_entry")
SHOWN = (
    "blue mask", "white mask", "black mask", "chequered mask", "hand from below",
    "black sunglasses", "mirrored sunglasses", "fair fringe on one side", "red knitted hat",
    "window on glasses",
)  # fmt: skip
"""One or more of every measure; the page of figures counts them all."""
OVERRULED_BY_STAFF = {"SunglassesWorn", "LowerFaceCovered", "MouthHidden"}


@pytest.fixture(scope="module")
def bare(looker, compliant):
    """A compliant portrait 1000 px wide, which costs little to paint on, and what is seen in it."""
    whole = next(p for p in compliant if p.name == "suit").bgr
    height, width = whole.shape[:2]
    bgr = cv2.resize(whole, (1000, round(1000 * height / width)), interpolation=cv2.INTER_AREA)
    return bgr, looker.look(bgr)


@pytest.fixture(scope="module")
def seen(looker, bare):
    """What is seen of it with one covering or harmless thing, by painter and strength."""
    bgr, looked = bare

    def look(paint, strength):
        return looker.look(paint(bgr, looked.landmarks_px, looked.person_mask, strength))

    return look


@pytest.mark.parametrize("name", SHOWN)
def test_a_covering_moves_its_reading_is_refused_and_named(bare, seen, name):
    """Weak, middle and strong: more than the bare face reads, past the gate, the right words."""
    covering = COVERINGS[name]
    looks = [seen(covering.paint, strength) for strength in covering.strengths]
    values = [look.natives[covering.measure].value for look in looks]
    readings = refused(looks[-1], DOCUMENT)

    assert values[-1] > bare[1].natives[covering.measure].value
    assert values[-1] > values[0] or min(values) not in DOCUMENT.gates[covering.measure].still.range
    assert covering.measure in {reading.measure for reading in readings}
    assert advise(looks[-1], readings) is covering.advice


def test_the_compliant_portraits_are_bare(compliant):
    """Nobody who covers nothing is told to take something off."""
    for portrait in compliant:
        assert refused(portrait.looked, DOCUMENT) == [], portrait.name


@pytest.mark.parametrize("name", HARMLESS)
def test_light_make_up_beards_and_clear_glasses_cover_nothing(seen, name):
    """At full strength none of them is taken for a covering."""
    assert refused(seen(HARMLESS[name], 1.0), DOCUMENT) == []


def test_masks_hands_and_sunglasses_refuse_and_the_rest_only_advises():
    """What is worn for faith or health, or cannot be helped, is a reason to ask; no more."""
    gates = {name: gate for name, gate in DOCUMENT.gates.items() if name in MEASURES}

    assert set(gates) == set(MEASURES)
    assert {name for name, gate in gates.items() if gate.hard} == OVERRULED_BY_STAFF
    assert {name for name, gate in gates.items() if gate.live_enter} == OVERRULED_BY_STAFF


def test_a_covering_s_advice_is_what_its_measure_leads_to():
    """The painters' claim and the station's table say the same."""
    for covering in COVERINGS.values():
        assert set(BY_MEASURE[covering.measure]) == {covering.advice}
    assert set(COVERINGS) > HELD_OUT


def test_a_mask_is_named_before_what_it_makes_of_mouth_and_eyes(seen):
    """Among all that a masked still is refused for, the mask is what the person is told of."""
    look = seen(COVERINGS["white mask"].paint, 1.0)
    about = {*MEASURES, "EyesOpen", "MouthClosed", "GazeAway", "TeethVisible"}
    readings = judge(DOCUMENT, look.natives, live=False)
    of_face = [reading for reading in readings if reading.measure in about]

    assert advise(look, of_face) is Advice.TAKE_OFF_MASK


@pytest.mark.parametrize("name", [*COVERINGS, *HARMLESS])
def test_painters_leave_the_picture_they_are_given(bare, name):
    """Twice the same picture comes out, and nothing is written into the one that went in."""
    bgr, looked = bare
    paint = COVERINGS[name].paint if name in COVERINGS else HARMLESS[name]
    small = cv2.resize(bgr, None, fx=0.25, fy=0.25)
    mask = cv2.resize(looked.person_mask, (small.shape[1], small.shape[0]))
    small.setflags(write=False)
    once, twice = (paint(small, looked.landmarks_px / 4, mask, 1.0) for _ in range(2))

    assert once.shape == small.shape
    assert np.array_equal(once, twice)
    assert not np.array_equal(once, small)


def test_few_labelled_portraits_are_said_to_cover_anything(labelled):
    """Of those that no limit was chosen on, at most 3 in 100 are told of a covering falsely."""
    told, asked = [], 0
    for row, portrait in labelled:
        if not_chosen_on(row["file"]):
            worn = {WORN.get(row["condition"])}
            said = {reading.measure for reading in refused(portrait.looked, DOCUMENT)} - worn
            told += [(row["file"], measure) for measure in said & OVERRULED_BY_STAFF]
            asked += 1

    assert asked == 30
    assert len(told) <= 0.03 * asked, told


def test_rates_count_found_named_and_false_alarms(looker, labelled):
    """One portrait, one covering, one harmless thing: every count is there, and adds up."""
    row, portrait = next(pair for pair in labelled if not_chosen_on(pair[0]["file"]))
    name = "black sunglasses"
    rows = rates(
        looker, [(row, portrait.bgr), ({"file": "a/2.jpg", "condition": "plain"}, portrait.bgr)],
        DOCUMENT, {name: COVERINGS[name]}, {"dim": HARMLESS["dim"]},
    )  # fmt: skip
    found = [one for one in rows if one.what == "found" and one.kind == name]
    alarms = [one for one in rows if one.what == "false alarm"]

    assert [one.strength for one in found] == list(COVERINGS[name].strengths)
    assert all((one.share.of, one.share.count, one.named.count) == (1, 1, 1) for one in found)
    assert {one.kind for one in alarms} == {"bare", "dim"}
    assert {one.measure for one in alarms} == set(MEASURES)
    assert all(one.share.of == 1 and one.named is None for one in alarms)

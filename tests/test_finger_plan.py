"""Which finger is asked for next, for any plan, any person, in any order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.fingers.plan import FingerPlan, hand_of
from edge.fingers.profile import FingerProfile
from edge.fingers.wishes import FingerWishes, OrderedFingers, wishes_of
from edge.settings import (
    FINGER_POSITIONS,
    Fingers,
    SettingsError,
    finger_profile_names,
    load_finger_profile,
)

FINGERS = ("thumb", "index", "middle", "ring", "little")
TWO_THUMBS = FingerPlan(("right_thumb", "left_thumb"), FINGERS)
PROFILES = {name: load_finger_profile(name) for name in finger_profile_names()}

plans = st.builds(
    FingerPlan,
    slots=st.lists(st.sampled_from(FINGER_POSITIONS), unique=True).map(tuple),
    fallback=st.permutations(FINGERS).flatmap(
        lambda order: st.integers(0, 5).map(lambda n: tuple(order[:n]))
    ),
    other_hand=st.booleans(),
)
fates = st.lists(st.sampled_from(["give", "close", "close-hand", "end"]), min_size=12, max_size=12)


def walked(plan: FingerPlan, fates: list[str]) -> tuple[FingerPlan, list[str]]:
    """The plan after these fates, finger by finger, and what it asked for."""
    asked = []
    for fate in fates:
        finger = plan.next()
        if finger is None:
            break
        asked.append(finger.position)
        if fate == "give":
            plan = plan.give(finger.position)
        elif fate == "close":
            plan = plan.close(finger.position)
        elif fate == "close-hand":
            plan = plan.close(finger.position).close_hand(hand_of(finger.position))
        else:
            plan = plan.end()
    return plan, asked


@given(plans, fates)
def test_every_plan_ends(plan, fates):
    """Ten fingers, ten answers: whatever they are, nothing is left to ask."""
    ended, asked = walked(plan, fates)

    assert ended.next() is None
    assert len(asked) <= len(FINGER_POSITIONS)


@given(plans, fates)
def test_no_finger_is_asked_for_twice(plan, fates):
    """What was given, failed or skipped is never asked for again."""
    _, asked = walked(plan, fates)

    assert len(asked) == len(set(asked))


@given(plans, fates)
def test_whatever_is_given_fills_one_slot_and_no_more_is_asked_for_than_wanted(plan, fates):
    """Nobody gives more fingers than were wanted, and each stands for one of them."""
    ended, _ = walked(plan, fates)
    filled = ended.filled

    assert set(filled.values()) == set(ended.given)
    assert len(filled) == len(ended.given) <= len(plan.slots)
    assert set(filled) <= set(plan.slots)


@given(plans, fates)
def test_a_finger_stands_in_for_the_slot_that_it_fills(plan, fates):
    """What was said when it was asked for is what the record says at the end."""
    said = {}
    for fate in fates:
        finger = plan.next()
        if finger is None:
            break
        said[finger.slot] = finger.position
        plan = plan.give(finger.position) if fate == "give" else plan.close(finger.position)

    assert all(said[slot] == position for slot, position in plan.filled.items())


@given(plans, st.sampled_from(["right", "left"]))
def test_a_hand_that_is_skipped_leaves_the_other(plan, hand):
    """No finger of that hand is asked for any more, every wanted one of the other is."""
    _, asked = walked(plan.close_hand(hand), ["give"] * 12)

    assert all(hand_of(position) != hand for position in asked if position in plan.slots)
    assert all(
        hand_of(position) != hand or position.split("_")[1] not in plan.fallback
        for position in asked
    )
    assert {p for p in plan.slots if hand_of(p) != hand} <= set(asked)


@given(plans)
def test_good_fingers_are_asked_for_as_wanted_and_in_that_order(plan):
    """Who can give all is asked for exactly these."""
    _, asked = walked(plan, ["give"] * 12)

    assert tuple(asked) == plan.slots


@given(plans, fates, st.integers(0, 12))
def test_a_plan_goes_on_after_a_restart_where_it_stood(plan, fates, cut):
    """Given and closed fingers are all that a journal needs to keep."""
    before, _ = walked(plan, fates[:cut])
    again = FingerPlan(
        plan.slots, plan.fallback, plan.other_hand, before.given, before.closed, before.ended
    )

    assert again.next() == before.next()
    assert walked(again, fates[cut:]) == walked(before, fates[cut:])


def test_the_fingers_of_one_hand_come_in_order_before_those_of_the_other():
    """Thumb, index, middle, ring, little of the right; then the left thumb."""
    _, asked = walked(TWO_THUMBS, ["close"] * 4 + ["give"] * 2)

    assert asked == [*(f"right_{finger}" for finger in FINGERS), "left_thumb"]


def test_a_hand_that_gives_none_is_stood_in_for_by_a_second_finger_of_the_other():
    """Two fingers are wanted: one hand can give both."""
    plan, asked = walked(TWO_THUMBS, ["close-hand", "give", "give"])

    assert asked == ["right_thumb", "left_thumb", "left_index"]
    assert plan.filled == {"right_thumb": "left_index", "left_thumb": "left_thumb"}


def test_a_profile_may_leave_the_other_hand_out_of_it():
    """Then a hand that gives none is not stood in for."""
    plan, asked = walked(FingerPlan(("right_thumb",), FINGERS, other_hand=False), ["close"] * 12)

    assert asked == [f"right_{finger}" for finger in FINGERS]
    assert plan.filled == {}


@pytest.mark.parametrize("name", finger_profile_names())
def test_every_profile_is_named_as_its_id_and_names_its_sources(name):
    """The configured name is the file's name; no rule without where it comes from."""
    profile = PROFILES[name]

    assert profile.id == name
    assert {"order"} <= profile.sources.keys()
    assert len(profile.slots) == profile.count
    assert profile.slots[0] == f"{profile.hands[0]}_{profile.fingers[0]}"


def test_the_two_profiles_ask_for_what_their_names_say():
    """Thumbs first where identity cards are made, index fingers first elsewhere."""
    assert PROFILES["cn_two_fingers"].slots == ("right_thumb", "left_thumb")
    assert PROFILES["index_first"].slots == ("right_index", "left_index")
    assert PROFILES["cn_two_fingers"].enrolment_grade
    assert PROFILES["cn_two_fingers"].card_codes
    assert not PROFILES["index_first"].card_codes


@pytest.mark.parametrize(
    "wrong",
    [{"count": 11}, {"count": 0}, {"minimum": 3}, {"hands": []}, {"fingers": ["thumb", "thumb"]},
     {"fingers": ["toe"]}, {"colour": "red"}],
    ids=lambda wrong: "-".join(wrong) + str(next(iter(wrong.values()))),
)  # fmt: skip
def test_a_profile_that_cannot_be_is_refused(wrong):
    """A typo in a file is not found at the first sitting."""
    sound = PROFILES["index_first"].model_dump()

    with pytest.raises(ValueError, match=r"."):
        FingerProfile.model_validate({**sound, **wrong})


def test_a_profile_that_is_not_there_is_refused():
    """In one sentence that names the file."""
    with pytest.raises(SettingsError, match=r"no_such"):
        load_finger_profile("no_such")


def wished(ordered=None, documents=(), **station) -> FingerWishes:
    """What is settled for a visit."""
    return wishes_of(ordered or OrderedFingers(), documents, Fingers(**station), PROFILES)


def test_the_order_s_fingers_come_before_its_profile_and_that_before_all_others():
    """Positions, profile, documents, station: the first that says something."""
    by_hand = {"positions": ("left_ring",)}

    assert wished(OrderedFingers(("right_ring",), "index_first")).slots == ("right_ring",)
    assert wished(OrderedFingers((), None)).slots == ()
    assert wished(OrderedFingers(None, "index_first"), **by_hand).slots[0] == "right_index"
    assert wished(None, [None, "index_first"], **by_hand).slots[0] == "right_index"
    assert wished(None, [None], **by_hand).slots == ("left_ring",)
    assert wished().slots == ("right_thumb", "left_thumb")


def test_what_stands_in_is_the_profile_s_word_whoever_named_the_fingers():
    """An order that names a finger still gets the next one of its hand."""
    wishes = wished(OrderedFingers(("right_ring",), "index_first"))

    assert wishes.plan(closed=["right_ring"]).next().position == "right_index"


def test_enrolment_grade_is_demanded_if_any_document_demands_it():
    """The strictest counts."""
    assert wished(None, ["index_first", "cn_two_fingers"]).enrolment_grade
    assert not wished(None, ["index_first"]).enrolment_grade


@pytest.mark.parametrize("documents", [["four", "index_first"], ["index_first", "four"]])
def test_of_several_documents_the_one_that_wants_most_fingers_counts(documents):
    """Whichever stands first: nobody is called back for what another document needs."""
    four = PROFILES["index_first"].model_copy(update={"id": "four", "count": 4})
    wishes = wishes_of(OrderedFingers(), documents, Fingers(), {**PROFILES, "four": four})

    assert (wishes.profile, len(wishes.slots)) == ("four", 4)


@pytest.mark.parametrize("ordered", [(), ("fir-2005",)])
def test_an_order_s_records_come_in_place_of_the_station_s(ordered):
    """Also none at all; an order that is silent leaves it to the station."""
    assert wished(OrderedFingers(records=ordered), records=("fir-2011",)).records == ordered
    assert wished(OrderedFingers(), records=("fir-2011",)).records == ("fir-2011",)


def test_a_minimum_is_never_more_than_the_fingers_wanted():
    """Nobody is asked for three fingers of two."""
    assert wished(OrderedFingers(("right_ring",), minimum=9)).minimum == 1
    assert wished(minimum=1).minimum == 1
    assert wished().minimum is None


@given(plans, st.data())
def test_wishes_come_back_from_the_journal_as_they_were(plan, data):
    """A restart goes on by the same wishes, whatever a file says meanwhile."""
    wishes = FingerWishes(
        "index_first", plan.slots, plan.fallback, plan.other_hand,
        data.draw(st.none() | st.integers(0, 10)), data.draw(st.booleans()),
        data.draw(st.booleans()), ("fir-2011",),
    )  # fmt: skip
    kept = {k: list(v) if isinstance(v, tuple) else v for k, v in wishes.for_progress().items()}

    assert FingerWishes.from_progress(kept) == wishes

"""The sitting's table of moves: total, escapable, and drawn as the docs show it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sitting import FROM_THE_PERSON, TRANSITIONS, Event, IllegalMove, State, move

DIAGRAM = Path(__file__).resolve().parent.parent / "docs" / "sitting.md"


BY_ITSELF = FROM_THE_PERSON | {
    Event.PORTRAIT_TAKEN,
    Event.FINGERS_SETTLED,
    Event.STORED,
    Event.MATERIALS_SETTLED,
}
"""What happens without an attendant, a centre or an earlier photo."""


def reachable(start: State, events=frozenset(Event), but=frozenset()) -> set[State]:
    """All states that moves lead to from here, by these events, not through those states."""
    found, fresh = {start}, [start]
    while fresh:
        row = TRANSITIONS[fresh.pop()]
        for state in (to for event, to in row.items() if event in events):
            if state not in found and state not in but:
                found.add(state)
                fresh.append(state)
    return found


@pytest.mark.parametrize("state", State)
def test_every_state_can_reach_the_welcome_screen(state):
    """Nobody is ever stuck: from every state some row of moves ends the sitting."""
    assert State.WELCOME in reachable(state)


@pytest.mark.parametrize("state", State)
def test_every_state_is_reached_and_has_a_row(state):
    """No state is dead and none lacks its moves."""
    assert state in reachable(State.WELCOME)
    assert TRANSITIONS[state]


@pytest.mark.parametrize("state", State)
def test_every_state_can_reach_a_result_without_an_attendant(state):
    """Whether staff come, and whether a centre answers, decides about nobody's sitting."""
    assert State.RESULT in reachable(state, BY_ITSELF)


@pytest.mark.parametrize("state", [State.REUSE, State.REUSE_CHECK])
def test_whoever_is_offered_an_earlier_photo_can_always_have_a_new_one(state):
    """The choice is the person's, and one touch is enough."""
    assert TRANSITIONS[state][Event.REUSE_DECLINED] is State.PORTRAIT
    assert Event.REUSE_DECLINED in FROM_THE_PERSON


def test_nobody_comes_from_an_earlier_photo_to_the_end_past_the_fingers():
    """The rule speaks of photos only: whatever becomes of the offer, the fingers are asked for."""
    assert State.REVIEW not in reachable(State.REUSE, but={State.FINGER, State.WELCOME})


def test_no_touch_takes_an_earlier_photo_over():
    """Somebody or something has to vouch that the photo is the person's."""
    assert State.REUSE_CHECK in reachable(State.WELCOME)
    for state, row in TRANSITIONS.items():
        for event in row.keys() & {Event.REUSE_AGREED, Event.AGREE_TO_OFFER}:
            assert event not in FROM_THE_PERSON, state


HANDED_IN = {State.RESULT, State.RATING, State.RATING_REASON}
"""All is settled: nothing of the person is written any more."""


@pytest.mark.parametrize("state", [s for s in State if s not in {State.WELCOME, State.CLOSING}])
def test_a_person_can_always_leave(state):
    """Only between handing in and the result is there no way back."""
    way_out = Event.FINISH if state in HANDED_IN else Event.LEAVE
    assert TRANSITIONS[state][way_out] is State.WELCOME


@pytest.mark.parametrize("state", [s for s in State if s not in {State.WELCOME, *HANDED_IN}])
def test_a_store_that_fails_leads_to_the_window_not_to_a_dead_end(state):
    """Wherever a sample is written, a failed write has a way out."""
    assert TRANSITIONS[state][Event.NOT_STORED] is State.RESULT


@given(st.sampled_from(State), st.sampled_from(Event))
def test_an_illegal_move_raises_and_names_both(state, event):
    """The table alone decides; what it does not name does not happen."""
    if event in TRANSITIONS[state]:
        assert move(state, event) is TRANSITIONS[state][event]
    else:
        with pytest.raises(IllegalMove) as refused:
            move(state, event)
        assert (refused.value.state, refused.value.event) == (state, event)


@given(st.lists(st.sampled_from(sorted(FROM_THE_PERSON, key=lambda e: e.value)), max_size=30))
def test_no_row_of_touches_reaches_done_without_the_store(touches):
    """Only the store's own word leads from closing to the result."""
    state = State.WELCOME
    for event in touches:
        before = state
        state = TRANSITIONS[state].get(event, state)
        assert not (before is State.CLOSING and state is not State.CLOSING)


def test_the_diagram_in_the_docs_is_this_table():
    """The page that people read shows the table that runs."""
    drawn = ["```mermaid", "stateDiagram-v2", "    [*] --> welcome"]
    names = {state: state.value.replace("-", "_") for state in State}
    for state, row in TRANSITIONS.items():
        drawn += [f"    {names[state]} --> {names[to]}: {event.value}" for event, to in row.items()]
    text = "\n".join([*drawn, "```"])

    assert text in DIAGRAM.read_text(encoding="utf-8"), f"put this into {DIAGRAM.name}:\n{text}"

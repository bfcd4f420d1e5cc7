"""What the demo's walk says of the centre's word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from demo.walk import ANSWERS, walk
from edge.sitting import FROM_THE_PERSON, Event, Result, Snapshot, State, move
from tests.delivery_kit import SINK, STATION, make_kit, new_id


class LastPages:
    """A desk whose sitting stands at the review; handing in closes the package."""

    def __init__(self, hand_in):
        self._hand_in = hand_in
        self.snapshot = Snapshot(state=State.REVIEW, sitting_id="sitting-1", token="t")

    def ask(self, event, token):
        assert event is Event.HAND_IN
        self._hand_in()
        self.snapshot = replace(self.snapshot, state=State.RESULT, result=Result.ACCEPTED)
        return self.snapshot

    def wait(self, revision, timeout_s):
        return self.snapshot


@pytest.mark.parametrize(
    ("outcome", "problem"), [("stored", ""), ("refused", "the centre said refused")]
)
def test_only_a_receipt_that_says_stored_ends_the_walk_well(tmp_path, outcome, problem):
    """A true signature under a refusal is no success: the demo's exit status hangs on it."""
    kit = make_kit(tmp_path)
    with kit.open_store() as store:
        package_id = kit.fill(store, new_id(), ())

        def hand_in():
            row = kit.shut(store, package_id)
            said = {
                "v": 1, "receipt_id": "r-1", "package_id": package_id, "station_id": STATION,
                "digest": row.digest, "size": row.size, "outcome": outcome, "code": None,
                "received_at": "2026-11-22T01:00:00.000Z", "by": "test",
            }  # fmt: skip
            store.record_receipt(package_id, SINK, kit.keyring.sign_receipt(said))

        told = walk(LastPages(hand_in), store, kit.verifier, 60.0, lambda: False)

    assert told.problem == problem
    assert told.receipt == {"outcome": outcome, "receipt_id": "r-1"}


@pytest.mark.parametrize("state", [State.NAME, State.PROXY, State.CONSENT, State.MATERIALS])
def test_the_demo_s_person_answers_what_any_order_may_ask(state):
    """An order with a name or papers that still waits is walked through, not stood before."""
    answer = ANSWERS[state]

    assert answer in FROM_THE_PERSON
    assert move(state, answer) not in {State.WELCOME, State.RESULT}

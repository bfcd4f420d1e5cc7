"""One station through its days: any touch, slip, word of staff, wait and power cut, in any order.

The real loop, moves, records and journal. There are no devices, so that nobody is photographed or
pressed here: `tests/test_finger_sitting.py` draws what can happen to the fingers, the tests of
`tests/station` what can happen to a camera.
"""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from edge.orders import NoSuchOrder, OrderClosed
from edge.orders.order import Preferences
from edge.settings import Service
from edge.sitting import (
    FROM_THE_PERSON,
    TRANSITIONS,
    Event,
    IllegalMove,
    NotNow,
    Snapshot,
    State,
)
from tests.order_kit import wanted
from tests.sitting_kit import Sittings, sittings

EXAMPLES = 20
STEPS = 30
GUIDE = "guide-7"
TOUCHES = sorted(FROM_THE_PERSON, key=lambda event: event.value)
ASKED_ONCE = (State.NAME, State.PROXY, State.CONSENT, State.REUSE)
BACK = frozenset({Event.LEAVE, Event.DECLINE, Event.NAME_WRONG})
SERVED = frozenset(State) - {
    *(State.WELCOME, State.NUMBER),
    *(State.RESULT, State.RATING, State.RATING_REASON),
}
OFF_SCREEN = ("camera", "reader", "out_of_service", "can_start", "revision", "language")
"""What a wiped screen still says, none of which is of a person."""


class Days(RuleBasedStateMachine):
    """Whatever happens at one station."""

    folder: Path
    stations = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        folder = self.folder / str(next(self.stations))
        folder.mkdir()
        self.station: Sittings = self.opened.enter_context(sittings(folder))
        self.station.set(service=Service(rating=True, remote=True))
        self.loop, self.screen = self.station.loop()
        self.asked: Counter[object] = Counter()
        self.sitting: str | None = None
        self.slip_codes: list[str] = []
        self.cut_off: set[str] = set()

    # Who comes

    @initialize(
        named=st.booleans(),
        proxy=st.booleans(),
        letter=st.sampled_from(["", "L-7"]),
        papers=st.integers(0, 2),
        fingers=st.sampled_from([("right_thumb",), ()]),
    )
    def somebody_comes_with_a_slip(self, named, proxy, letter, papers, fingers):
        """And another one waits, so that there is somebody to be mistaken for."""
        for _ in range(2):
            self.the_centre_orders(named, proxy, letter, papers, fingers)
        self.somebody_gives_a_number(0)

    def the_centre_orders(self, named, proxy, letter, papers, fingers):
        code = f"10000{len(self.slip_codes)}"
        self.slip_codes.append(code)
        self.station.orders.add(
            wanted(
                slip_code=code, surname="欧阳" if named else "", proxy=proxy, candidates=(),
                authorisation_ref=letter if proxy else "", positions=fingers,
                materials=("household_register", "old_card")[:papers],
                preferences=Preferences(language="en"), keep_preferences=True,
            )
        )  # fmt: skip

    @rule(which=st.integers(0, 3))
    @precondition(lambda self: self.slip_codes)
    def somebody_gives_a_number(self, which):
        code = self.slip_codes[which % len(self.slip_codes)]
        self.do(lambda: self.loop.give_number(self.shown.token, f"anxin:{code}", ""))

    @rule(number=st.sampled_from(["000000", "", "12345", "https://example.org"]))
    def somebody_gives_another_number(self, number):
        self.do(lambda: self.loop.give_number(self.shown.token, number, ""))

    # What she does

    @rule(event=st.sampled_from(TOUCHES))
    def somebody_touches_anything(self, event):
        self.touch(event)

    def somebody_goes_on(self, which):
        """One of the touches that lead on; most people come for that."""
        offered = [
            one for one in TOUCHES if one in TRANSITIONS[self.shown.state] and one not in BACK
        ]
        if self.shown.state is State.PORTRAIT and which % 2:
            self.the_portrait_is_taken_and_kept()
        elif offered:
            self.touch(offered[which % len(offered)])

    most_go_on = rule(which=st.integers(0, 11))(somebody_goes_on)
    many_go_on = rule(which=st.integers(0, 11))(somebody_goes_on)
    they_go_on = rule(which=st.integers(0, 11))(somebody_goes_on)

    def the_portrait_is_taken_and_kept(self):
        """There is no camera here: what it would bring is put into the record beside the loop."""
        self.station.give_portrait(self.loop)
        self.do(lambda: self.loop._moves.make(Event.PORTRAIT_TAKEN))
        self.touch(Event.PORTRAIT_KEPT)

    @rule(what=st.sampled_from(["help", "rest", "here", "language"]), wanted_=st.booleans())
    def somebody_needs_something(self, what, wanted_):
        does = {
            "help": lambda: self.loop.call_help(wanted_),
            "rest": lambda: self.loop.rest(wanted_),
            "here": self.loop.still_here,
            "language": lambda: self.loop.speak("en" if wanted_ else "zh-CN"),
        }
        self.do(does[what])

    @rule(seconds=st.sampled_from([1.0, 16.0, 29.0, 31.0, 61.0, 91.0, 901.0]), seen=st.booleans())
    def time_goes_by(self, seconds, seen):
        self.station.clock_s += seconds
        self.do(lambda: self.loop._timers.mind(seen or None))

    # What others do

    @rule(event=st.sampled_from([*TOUCHES, Event.LED_TO_WINDOW]), back=st.booleans())
    def staff_act(self, event, back):
        self.do(lambda: self.loop.staff.take_over(GUIDE, "asked", "guide"))
        self.do(lambda: self.loop.act_for(event, self.shown.token, GUIDE, None))
        if back:
            self.do(self.loop.staff.give_back)

    @rule(agreed=st.booleans())
    def somebody_helps_from_afar(self, agreed):
        self.do(lambda: self.loop.staff.remote_ask("陈", "guide"))
        self.do(lambda: self.loop.staff.remote_answer(agreed))
        self.do(lambda: self.loop.staff.remote_point("help"))

    @rule(how=st.sampled_from(["close", "delete", "resume"]))
    @precondition(lambda self: self.loop.left.all())
    def staff_see_to_what_was_left(self, how):
        sitting_id = self.loop.left.all()[0].sitting_id
        does = {
            "close": lambda: self.loop.left.close(sitting_id, GUIDE),
            "delete": lambda: self.loop.left.delete(sitting_id, GUIDE),
            "resume": lambda: self.loop.resume_left(sitting_id, GUIDE),
        }
        self.do(does[how])

    @rule()
    @precondition(lambda self: self.shown.state in SERVED)
    def the_centre_takes_its_order_back(self):
        sitting_id = self.shown.sitting_id
        with suppress(NoSuchOrder, OrderClosed):
            self.station.orders.withdraw(sitting_id, lambda _: True)
            self.do(lambda: self.loop.withdraw(sitting_id))

    @rule()
    def the_power_fails(self):
        """All that memory held is gone; the journal says where to go on."""
        before, kept = self.shown, self.kept
        self.loop, self.screen = self.station.loop()
        self.do(self.loop._ways_in.resume, may_resume=True)
        after = self.shown
        if after.state is State.WELCOME:
            self.cut_off.add(before.sitting_id)
            return
        assert after.sitting_id == before.sitting_id
        assert after.resumed
        assert (after.state is State.CONSENT) == (not kept["consented"])
        asked = [row["code"] for row in kept["materials"] if row["state"] == "asked"]
        assert (after.material.code if after.material else None) == (
            asked[0] if asked and kept["consented"] else None
        )

    # What holds, whatever happened

    @invariant()
    def a_screen_that_serves_nobody_shows_nothing_of_anybody(self):
        shown = self.shown
        if shown.state not in {State.WELCOME, State.NUMBER}:
            return
        assert shown.sitting_id is None
        assert self.loop._moves.visit is None
        clean = Snapshot(state=shown.state, overlay=shown.overlay, help=shown.help)
        told = {"number_unknown", "number_closed", "card", *OFF_SCREEN}
        for name in Snapshot.__slots__:
            if name not in told:
                assert getattr(shown, name) == getattr(clean, name), name

    @invariant()
    def a_name_is_shown_only_where_it_is_asked_for(self):
        assert self.shown.name is None or self.shown.state is State.NAME

    @invariant()
    def nobody_waits_at_a_state_that_moves_by_itself(self):
        assert self.shown.state is not State.CLOSING
        if self.shown.state is State.MATERIALS:
            assert self.shown.material is not None

    @invariant()
    def an_order_runs_only_for_who_stands_here(self):
        running = {row.sitting_id for row in self.station.orders.rows(state="running")}
        assert running <= ({self.shown.sitting_id} if self.shown.state in SERVED else set())

    @invariant()
    def who_left_is_not_who_is_served(self):
        assert self.shown.sitting_id not in {one.sitting_id for one in self.loop.left.all()} or (
            self.shown.state not in SERVED
        )

    @invariant()
    def calls_are_those_of_the_person_who_is_here(self):
        """Whoever was cut off by the power may stand there still: her call outlives it."""
        if self.shown.state is State.WELCOME:
            open_ = {ticket.sitting_id for ticket in self.station.tickets.open()}
            assert open_ <= {None, *self.cut_off}

    def teardown(self) -> None:
        """From wherever it stands, somebody who has had enough comes to the end."""
        try:
            self.comes_to_the_end()
        finally:
            self.opened.close()

    def comes_to_the_end(self) -> None:
        for _ in range(3):
            over = {State.RESULT, State.RATING, State.RATING_REASON}
            if self.shown.state is not State.WELCOME:
                self.touch(Event.FINISH if self.shown.state in over else Event.LEAVE)
        assert self.shown.state is State.WELCOME
        for one in self.loop.left.all():
            self.loop.left.delete(one.sitting_id, GUIDE)
        assert self.station.store.open_packages() == []
        assert {row.state for row in self.station.orders.rows()} <= {"waiting", "ended"}

    # The hands that do it

    @property
    def shown(self) -> Snapshot:
        return self.screen.snapshot

    @property
    def kept(self) -> dict:
        """What the journal has of the present sitting."""
        nothing = {"consented": False, "materials": []}
        found = [
            p for p in self.station.store.open_packages() if p.sitting_id == self.shown.sitting_id
        ]
        return {**nothing, **found[0].sitting} if found else nothing

    def touch(self, event: Event) -> None:
        self.do(lambda: self.loop.from_person(event, self.shown.token, None))

    def do(self, action, *, may_resume: bool = False) -> None:
        """Do it as the loop does; what is refused has changed nothing of where somebody stands."""
        before = self.shown
        try:
            self.loop._guarded(action)
        except (IllegalMove, NotNow):
            assert self.shown.state is before.state
            assert self.shown.sitting_id == before.sitting_id
        if self.shown.state is State.FINGER:
            # The reader is away: the plan alone decides what is asked for.
            self.loop._guarded(self.loop._round)
        self.note_what_is_asked(before, may_resume=may_resume)

    def note_what_is_asked(self, before: Snapshot, *, may_resume: bool) -> None:
        shown = self.shown
        if shown.sitting_id != self.sitting:
            self.asked.clear()
            self.sitting = shown.sitting_id
        moved = (before.state, before.material) != (shown.state, shown.material)
        if may_resume or shown.resumed or not moved or shown.sitting_id is None:
            return
        what: object = shown.material if shown.state is State.MATERIALS else shown.state
        if shown.state in {*ASKED_ONCE, State.MATERIALS}:
            self.asked[what] += 1
            assert self.asked[what] == 1, what


def test_every_row_of_touches_waits_and_cuts_comes_to_an_end(tmp_path, monkeypatch):
    """Nothing raises, nothing is asked twice, nothing of one person is there for the next."""
    # How long the devices are away goes by another clock than the test's.
    monkeypatch.setattr("edge.covers.CALM_AFTER_S", float("inf"))
    monkeypatch.setattr("edge.covers.CALM_LONG_AFTER_S", float("inf"))
    Days.folder = tmp_path
    run_state_machine_as_test(
        Days, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)
    )

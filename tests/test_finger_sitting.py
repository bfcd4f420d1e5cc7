"""The fingers of a sitting under anything that may happen: presses, touches, staff, plug, power.

The real loop, its moves, its record in an encrypted journal, the judge and the reader's owner on
their threads; what is fake is the module behind the reader and the examiner behind its wire.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache

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

from drivers.errors import DeviceAbsent, DeviceTimeout
from drivers.fingerprint import FingerImage, Progress, Retry
from drivers.peers.synthetic_prints import grow, press
from edge.camera_owner import CameraOwner
from edge.fingers.exceptions import ExceptionReason, Permanence, SignedReason
from edge.fingers.judge import PressJudge
from edge.health import Figures
from edge.reader_owner import ReaderOwner
from edge.record_room import RecordRoom
from edge.room import Room
from edge.screen import Screen
from edge.settings import (
    FINGER_POSITIONS,
    Fingers,
    SittingLimits,
    finger_profile_names,
    load_document,
    load_finger_profile,
)
from edge.sitting import Event, IllegalMove, Missing, Overlay, Result, Snapshot, State
from edge.sitting_loop import SittingLoop
from edge.supervisor import Upkeep
from quality.finger.gates import gate_readings, refusal
from quality.finger.print import print_of
from tests.delivery_kit import SINK, make_kit
from tests.finger_kit import WiredExaminer
from tests.test_device_owners import WiredReader, until

LONG_S = 60.0
WIDTH_PX, HEIGHT_PX = 128, 128
PRESSES_MAX = 3
STEPS = 14
EXAMPLES = 25


class QueuedReader(WiredReader):
    """A module whose presses a test puts there, one by one."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.outcomes: queue.Queue[object] = queue.Queue()
        self.waiting = threading.Event()

    def capture(self, timeout_s: float, progress: Progress) -> FingerImage | Retry | None:
        self.waiting.set()
        try:
            while not self.cancelled:
                try:
                    outcome = self.outcomes.get(timeout=0.005)
                except queue.Empty:
                    continue
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome
            self.cancelled = False
            return None
        finally:
            self.waiting.clear()

    def check(self) -> None:
        """It is always there."""


@cache
def images(condition: str) -> tuple[FingerImage, ...]:
    """Presses of one drawn finger, no two alike."""
    finger = grow(11, WIDTH_PX, HEIGHT_PX)
    severity = 1.0 if condition == "plain" else 2.0
    return tuple(
        FingerImage(press(finger, n, condition, severity).tobytes(), WIDTH_PX, HEIGHT_PX, 500)
        for n in range(1, 9)
    )


class Bench:
    """A loop with all that it works with; nothing of it is a double of ours."""

    def __init__(self, folder, stack: ExitStack, *, enrolment_grade: bool = True) -> None:
        kit = make_kit(folder)
        self.unplugged = False
        self.store = stack.enter_context(kit.open_store())
        self.module = QueuedReader()
        self.module.enrolment_grade = enrolment_grade
        self.scores: dict[bytes, int] = {}
        self.alike = 100
        examiner = WiredExaminer(
            lambda image: self.scores[image.pixels], lambda first, second: self.alike
        )
        self.reader = ReaderOwner(Upkeep("reader-1", "fingerprint", "wired"), self.plugged)
        self.reader.start()
        stack.callback(self.reader.close)
        judge = PressJudge(examiner, 45)
        stack.callback(judge.close)
        self.room = Room(
            camera=CameraOwner(Upkeep("camera-1", "camera", "wired"), lambda: None),
            reader=self.reader,
            judge=judge,
            vision=None,
            seeing=threading.Event(),
            records=RecordRoom(
                self.store,
                lambda _: [kit.sealer],
                {SINK: "custody"},
                dict,
                lambda: None,
                keep_master=False,
            ),
            documents=(load_document("cn_exit_entry"),),
            rules=None,
            fingers=Fingers(lift_s=0, presses_max=PRESSES_MAX),
            finger_profiles={name: load_finger_profile(name) for name in finger_profile_names()},
            limits=SittingLimits(),
            language="en",
        )
        self.figures = Figures()

    def plugged(self) -> QueuedReader:
        if self.unplugged:
            raise DeviceAbsent("pulled")
        return self.module

    def loop(self) -> tuple[SittingLoop, Screen]:
        """A loop as a start of the service makes it."""
        screen = Screen(Snapshot(language="en"))
        return SittingLoop(self.room, self.figures, screen), screen


TOUCHES = (Event.FINGER_SKIPPED, Event.HAND_SKIPPED, Event.FINGERS_REFUSED)
RETRIES = (Retry.LIFTED_EARLY, Retry.OFF_CENTRE, Retry.SMEARED, Retry.OLD_PRINT)
OVER = frozenset({State.WELCOME, State.RESULT})


class FingersOfOnePerson(RuleBasedStateMachine):
    """Whatever happens at the fingers, in any order."""

    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.loop, self.screen = self.bench.loop()
        self.cuts: Counter[str] = Counter()
        self.losses = self.shots = 0

    @initialize()
    def begin(self) -> None:
        """Somebody agreed and gave no photo."""
        record = self.bench.room.records.begin("en")
        record.keep_consent("en")
        record.miss(Missing("portrait", "not_possible"))
        self.loop._guarded(self.loop._ways_in.resume)
        assert self.shown.state is State.FINGER
        self.settle()

    # What happens

    @rule(score=st.integers(0, 100), alike=st.booleans())
    def a_finger_is_pressed(self, score, alike):
        image = images("plain")[self.shots % 8]
        self.shots += 1
        self.bench.scores[image.pixels] = score
        self.bench.alike = 100 if alike else 5
        self.comes(image)

    @rule()
    def a_finger_is_too_dry(self):
        self.shots += 1
        self.comes(images("dry")[self.shots % 8])

    @rule(retry=st.sampled_from(RETRIES))
    def the_module_refuses_a_press(self, retry):
        self.comes(retry)

    @rule()
    def nobody_presses(self):
        self.comes(Retry.NO_FINGER)

    @precondition(lambda self: self.losses == 0)
    @rule()
    def the_reader_goes_away(self):
        self.losses += 1
        self.comes(DeviceTimeout("silent"))

    @rule(touch=st.sampled_from(TOUCHES))
    def somebody_touches(self, touch):
        self.ask(touch)

    @rule(wanted=st.booleans())
    def somebody_calls_for_help(self, wanted):
        if self.shown.state not in OVER:
            self.loop.call_help(wanted)
            self.settle()

    @rule(
        position=st.sampled_from(FINGER_POSITIONS),
        reason=st.sampled_from(ExceptionReason),
        permanence=st.sampled_from(Permanence),
    )
    def an_attendant_signs(self, position, reason, permanence):
        before = self.shown
        signed = SignedReason("wu-7", reason, permanence)
        open_ones = {e.position for e in before.finger_exceptions if e.reason or not e.confirmed}
        asked = {before.finger.position} if before.finger else set()
        try:
            self.loop.sign_exception(before.token, position, signed)
        except IllegalMove:
            assert position not in open_ones | asked or before.state in OVER
            return
        assert position in open_ones | asked
        row = next(e for e in self.shown.finger_exceptions if e.position == position)
        assert (row.reason, row.permanence, row.confirmed) == (
            reason.value, permanence.value, True,
        )  # fmt: skip
        assert f"finger:{position}" not in [one.what for one in self.shown.missing]
        self.settle()

    @precondition(lambda self: self.shown.state in {State.FINGER, State.REVIEW})
    @rule()
    def the_power_is_cut(self):
        before = self.shown
        if before.finger is not None:
            self.cuts[before.finger.position] += 1
        self.loop._moves.visit.close()
        self.loop, self.screen = self.bench.loop()
        self.loop._guarded(self.loop._ways_in.resume)
        after = self.shown
        assert after.sitting_id == before.sitting_id
        for kept in ("fingers_in", "finger_exceptions", "missing"):
            assert getattr(after, kept) == getattr(before, kept), kept
        self.settle()
        assert self.shown.state is before.state
        if before.finger is not None:
            assert self.shown.finger.position == before.finger.position

    @precondition(lambda self: self.shown.state is State.REVIEW)
    @rule()
    def somebody_leaves(self):
        self.ask(Event.LEAVE)

    # What holds, whatever happened

    @invariant()
    def what_is_settled_is_never_asked_for_again(self):
        shown = self.shown
        settled = {*shown.fingers_in, *(e.position for e in shown.finger_exceptions)}
        assert shown.finger is None or shown.finger.position not in settled

    @invariant()
    def a_finger_is_given_or_excepted_once(self):
        positions = [*self.shown.fingers_in, *(e.position for e in self.shown.finger_exceptions)]
        assert len(positions) == len(set(positions))
        assert len(self.shown.fingers_in) <= 2

    @invariant()
    def no_finger_is_pressed_more_often_than_allowed(self):
        for position, rows in self.sitting.get("presentations", {}).items():
            # After a power cut the images are gone, and the finger has its presses anew.
            assert len(rows) <= PRESSES_MAX * (1 + self.cuts[position]), position
            assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))

    @invariant()
    def what_is_missing_is_what_nothing_stands_in_for_and_nobody_signed(self):
        if self.shown.state in OVER:
            return
        kept, given = self.sitting["exceptions"], self.sitting["given"]
        # What a finger stands in for is what the person was told when it was asked for.
        filled = {row["fallback_of"] or position for position, row in given.items()}
        lacking = {"right_thumb", "left_thumb"} - filled
        unsigned = [row for row in kept if row["confirmed_by"] is None]
        wanted = [r["position"] for r in unsigned if r["position"] in lacking]
        assert {e.position for e in self.shown.finger_exceptions if e.wanted} == lacking & {
            row["position"] for row in kept
        }
        assert [one.what for one in self.shown.missing] == [
            "portrait", *(f"finger:{position}" for position in wanted)
        ]  # fmt: skip
        assert not any(r["reason"] for r in kept if r["why"] == "refused")

    @invariant()
    def no_print_stays_in_memory_once_no_finger_is_asked_for(self):
        visit = self.loop._moves.visit
        if visit is not None and self.shown.state is not State.FINGER:
            held = (visit.fingers._given, visit.fingers._prints, visit.fingers._capture)
            assert not any(held), self.shown.state

    @invariant()
    def the_attendant_comes_after_ten_presses(self):
        if self.shown.state is State.FINGER and self.shown.overlay is None:
            made = sum(len(rows) for rows in self.sitting["presentations"].values())
            assert self.shown.attendant_called == (made >= 10)

    def teardown(self) -> None:
        """From wherever it stands, a person whom no reader can read comes to the end."""
        if self.screen.snapshot.overlay in {Overlay.HELP, Overlay.REST}:
            self.loop.call_help(False)
        presses = 0
        self.settle()
        while self.shown.state is State.FINGER:
            self.comes(Retry.SMEARED)
            presses += 1
            assert presses <= len(FINGER_POSITIONS) * PRESSES_MAX
        if self.shown.state is State.REVIEW:
            missing = bool(self.shown.missing)
            self.ask(Event.HAND_IN)
            assert self.shown.state is State.RESULT
            assert self.shown.result is (
                Result.ACCEPTED_WITH_MISSING if missing else Result.ACCEPTED
            )
            self.ask(Event.FINISH)
        assert self.shown.state is State.WELCOME
        assert self.bench.store.counts()["open"] == 0

    # The hands that do it

    @property
    def shown(self) -> Snapshot:
        return self.screen.snapshot

    @property
    def sitting(self) -> dict:
        found = [
            p for p in self.bench.store.open_packages() if p.sitting_id == self.shown.sitting_id
        ]
        return dict(found[0].sitting) if found else {}

    def ask(self, event: Event) -> None:
        """A touch; one that the table does not name changes nothing."""
        before = self.shown
        try:
            self.loop.from_person(event, before.token, None)
        except IllegalMove:
            assert self.shown.state is before.state
        self.settle()

    def comes(self, outcome: object) -> None:
        """The module says this to the press that is asked for, if one is."""
        if self.waits_for_a_press():
            self.bench.module.outcomes.put(outcome)
            self.until(self.bench.module.outcomes.empty)
            self.settle()

    def waits_for_a_press(self) -> bool:
        visit = self.loop._moves.visit
        capture = None if visit is None else visit.fingers._capture
        return (
            capture is not None
            and capture._judged is None
            and capture._press is not None
            and not capture._press.done()
            and self.bench.module.waiting.is_set()
        )

    def settle(self) -> None:
        """Let the loop turn until it waits for somebody."""

        def waits() -> bool:
            covered = self.shown.overlay in {Overlay.HELP, Overlay.REST}
            return covered or self.shown.state is not State.FINGER or self.waits_for_a_press()

        self.until(waits)

    def until(self, holds: Callable[[], bool]) -> None:
        until_s = time.monotonic() + LONG_S
        while not holds():
            assert time.monotonic() < until_s, f"it never came about: {self.shown}"
            self.loop._guarded(self.loop._round)
            time.sleep(0.001)


def test_the_fingers_of_a_sitting_always_come_to_an_end(tmp_path):
    """Any press, touch, word of staff, loss of the reader and power cut, in any order."""
    with ExitStack() as stack:
        FingersOfOnePerson.bench = Bench(tmp_path, stack)
        run_state_machine_as_test(
            FingersOfOnePerson,
            settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None),
        )


def test_the_drawn_presses_of_this_test_pass_the_gates():
    """Else the examiner's scores would never be asked for, and nothing above be tested."""
    for image in images("plain"):
        seen = print_of(image)
        assert refusal(gate_readings(seen, ()), seen) is None


def begun(bench: Bench) -> FingersOfOnePerson:
    """Somebody who stands at the first finger, for a test that needs no machine."""
    FingersOfOnePerson.bench = bench
    person = FingersOfOnePerson()
    record = bench.room.records.begin("en")
    record.keep_consent("en")
    record.miss(Missing("portrait", "not_possible"))
    person.loop._guarded(person.loop._ways_in.resume)
    return person


def test_a_reader_that_may_not_enrol_takes_no_finger_where_that_is_demanded(tmp_path):
    """The fingers are missing by the station's doing; the person goes on to the end."""
    with ExitStack() as stack:
        bench = Bench(tmp_path, stack, enrolment_grade=False)
        until(lambda: bench.reader.enrolment_grade is not None)
        person = begun(bench)
        person.until(lambda: person.shown.state is State.REVIEW)
        shown = person.shown
        person.teardown()

    reasons = {row.what: row.reason for row in shown.missing}
    assert reasons["finger:right_thumb"] == "reader_not_for_enrolment"
    assert reasons["finger:left_thumb"] == "reader_not_for_enrolment"
    # There is nothing of the person's to be signed.
    assert all(one.confirmed for one in shown.finger_exceptions)
    assert shown.finger is None


def test_whoever_goes_on_without_the_reader_is_not_led_through_ten_fingers(tmp_path, monkeypatch):
    """One touch on the calm screen, and the rest is missing as the station's fault."""
    monkeypatch.setattr("edge.covers.CALM_AFTER_S", 0.0)
    monkeypatch.setattr("edge.covers.CALM_LONG_AFTER_S", 0.0)
    with ExitStack() as stack:
        bench = Bench(tmp_path, stack)
        person = begun(bench)
        person.settle()
        bench.unplugged = True
        bench.module.outcomes.put(DeviceAbsent("pulled"))
        person.until(lambda: person.shown.calm_long)
        person.ask(Event.FINGER_SKIPPED)
        person.until(lambda: person.shown.state is State.REVIEW)
        shown = person.shown
        person.teardown()

    assert [(row.what, row.reason) for row in shown.missing][1:] == [
        ("finger:right_thumb", "device_out"), ("finger:left_thumb", "device_out"),
    ]  # fmt: skip


def test_a_finger_that_is_skipped_while_the_reader_blinks_is_skipped_alone(tmp_path):
    """A second without the reader makes no station's fault of a hand that is not there."""
    with ExitStack() as stack:
        bench = Bench(tmp_path, stack)
        person = begun(bench)
        person.settle()
        bench.unplugged = True
        bench.module.outcomes.put(DeviceAbsent("pulled"))
        person.until(lambda: not bench.reader.status.working)
        person.loop.from_person(Event.FINGER_SKIPPED, person.shown.token, None)
        shown = person.shown
        bench.unplugged = False
        person.teardown()

    assert [(one.position, one.result) for one in shown.finger_exceptions] == [
        ("right_thumb", "03")
    ]


def test_after_a_refusal_no_power_cut_asks_for_a_finger_again(tmp_path):
    """Somebody said no: a restart is no reason to ask once more, not even for a stand-in."""
    with ExitStack() as stack:
        person = begun(Bench(tmp_path, stack))
        person.settle()
        person.ask(Event.FINGER_SKIPPED)
        person.ask(Event.FINGERS_REFUSED)
        before = person.shown
        person.the_power_is_cut()
        after = person.shown
        person.teardown()

    assert before.state is after.state is State.REVIEW
    assert after.finger is None
    assert [(e.position, e.result) for e in after.finger_exceptions] == [
        ("right_thumb", "03"), ("right_index", "03"), ("left_thumb", "03"),
    ]  # fmt: skip


def test_presses_go_on_counting_after_a_power_cut(tmp_path):
    """Two rows of one finger never have one number: the record tells them apart."""
    with ExitStack() as stack:
        person = begun(Bench(tmp_path, stack))
        person.settle()
        person.comes(Retry.SMEARED)
        person.the_power_is_cut()
        person.comes(Retry.OFF_CENTRE)
        rows = person.sitting["presentations"]["right_thumb"]
        person.teardown()

    assert [(row["number"], row["cause"]) for row in rows] == [
        (1, "finger.moved"), (2, "finger.partial"),
    ]  # fmt: skip

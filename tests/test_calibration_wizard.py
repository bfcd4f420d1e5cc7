"""The wizard: what begins, what is kept, what a cut leaves, what an undoing takes back."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from drivers.peers.zfm import ZfmPeer
from edge.calibration.book import CalibrationBook
from edge.calibration.kept_session import Kept, KeptSession
from edge.calibration.limits import Limit
from edge.calibration.parameters import zero_in_force, zero_of
from edge.calibration.procedure import Figure, Measured, held_against, overall, unmeasured
from edge.calibration.record import Evidence, Overall, Verdict
from edge.calibration.session import Session, StepState, StepView
from edge.calibration.steps import CAMERA_STEPS, STEPS
from edge.calibration.wizard import WizardRefused
from edge.preset import PortraitRules
from edge.settings import load_preset
from edge.store import Store
from edge.trust import audit
from edge.trust.keys import StationKey
from proofs.powercut.forked import Verdict as Found
from proofs.powercut.forked import acknowledged, start
from proofs.powercut.sweep import sweep
from quality.measure import Native
from quality.pitch_zero import PITCH, YAW
from tests import calibration_kit as made
from tests.delivery_kit import until
from tests.lens_kit import CAMERA, KNOWN, READER, TECHNICIAN, bench

BY_NAME = {step.name: step for step in STEPS}
SHORT = tuple(BY_NAME[name] for name in ("identity", "exposure", "uniformity"))
LIMIT = Limit(min=0.0, max=10.0, unit="u", source="house", standing="house")


def refusal(do, *given, **more):
    """The code with which the wizard refuses."""
    with pytest.raises(WizardRefused) as refused:
        do(*given, **more)
    return refused.value.code


# The rule from a figure to a verdict


@pytest.mark.parametrize(
    ("value", "uncertainty", "verdict"),
    [
        (5.0, 0.1, Verdict.PASS),
        (10.0, 0.0, Verdict.PASS),
        (10.01, 0.0, Verdict.FAIL),
        (9.81, 0.1, Verdict.REMARK),
        (9.79, 0.1, Verdict.PASS),
        (0.19, 0.1, Verdict.REMARK),
        (-0.01, 5.0, Verdict.FAIL),
        (5.0, 2.6, Verdict.REMARK),
        (5.0, None, Verdict.PASS),
    ],
)
def test_a_value_nearer_to_its_limit_than_its_uncertainty_is_a_remark(value, uncertainty, verdict):
    """Twice the standard uncertainty; outside is outside, however unsure."""
    assert held_against("focus", "drift", LIMIT, Figure(value, uncertainty)).verdict is verdict


def test_what_is_no_number_is_not_assessed():
    for value in (float("nan"), float("inf")):
        result = held_against("focus", "drift", LIMIT, Figure(value))
        assert (result.verdict, result.reason) == (Verdict.NOT_ASSESSED, "not_finite")


def test_a_check_with_a_hole_in_it_is_no_check():
    """What was wanted and not measured leaves it all not assessed; what a station is not meant to
    have hinders nothing; what it cannot do is a remark; a failure beats all.
    """
    good = held_against("focus", "drift", LIMIT, Figure(5.0))
    bad = held_against("focus", "drift", LIMIT, Figure(11.0))

    def missing(reason):
        return unmeasured("focus", "drift", LIMIT, reason)

    assert overall([good]) is Overall.PASS
    assert overall([good, missing("no_film")]) is Overall.PASS
    assert overall([good, missing("no_matcher")]) is Overall.PASS_WITH_REMARKS
    assert overall([good, missing("no_time")]) is Overall.NOT_ASSESSED
    assert overall([bad, missing("no_time")]) is Overall.FAIL
    assert overall([missing("no_film")]) is Overall.NOT_ASSESSED
    assert overall([]) is Overall.NOT_ASSESSED


# Beginning and ending


def test_nothing_begins_while_somebody_is_served_and_the_station_stays_open(tmp_path):
    with bench(tmp_path, SHORT) as station:
        station.served.append("somebody")

        assert refusal(station.begin, CAMERA) == "somebody_served"
        assert station.maintenance.active is None
        station.served.clear()
        station.begin(CAMERA)
        assert station.maintenance.active.reason == "calibration"
        assert refusal(station.begin, CAMERA) == "running"
        station.wizard.abandon()
        assert station.maintenance.active is None
        assert refusal(station.begin, "cam-2") == "no_device"
        assert refusal(station.wizard.measure) == "no_session"
        assert refusal(station.wizard.undo, CAMERA, TECHNICIAN) == "nothing_before"


def test_nobody_is_measured_who_came_after_maintenance_was_ended_by_hand(tmp_path):
    """The step waits till the screen is free, and then takes the station out of service again."""
    with bench(tmp_path, SHORT) as station:
        station.begin(CAMERA)
        station.maintenance.end("t-1")
        station.served.append("somebody")

        assert refusal(station.wizard.measure) == "somebody_served"
        assert not station.wizard.session().measuring
        assert station.maintenance.active is None
        station.served.clear()
        station.wizard.measure()
        assert station.maintenance.active.reason == "calibration"
        station.wizard.abandon()
        assert station.maintenance.active is None


def test_what_is_measured_again_after_a_failed_finish_ends_anew(tmp_path):
    """The record's end and fields are those of its figures, not of the finish that failed."""
    with bench(tmp_path, SHORT) as station:
        station.begin(CAMERA)
        for view in station.wizard.session().steps:
            station.wizard.skip(view.step, "no_time")
        in_the_way = tmp_path / "calibration"
        in_the_way.write_text("")
        with pytest.raises(FileExistsError):
            station.wizard.finish()
        in_the_way.unlink()
        station.wizard.identify({"site": "Hall 77"})
        station.wizard.skip(station.wizard.session().steps[0].step, "no_time")
        found = station.book.read(station.wizard.finish()[CAMERA])

        assert found.calibration.identity["site"] == "Hall 77"


def test_who_finishes_vouches_and_who_ends_is_told(tmp_path):
    """One technician may begin and another go on: the record and the audit name who ended it."""
    with bench(tmp_path, SHORT) as station:
        station.begin(CAMERA)
        for view in station.wizard.session().steps:
            station.wizard.skip(view.step, "no_time")
        found = station.book.read(station.wizard.finish("t-2")[CAMERA])
        station.begin(CAMERA)
        station.wizard.abandon("t-3")
        rows = [json.loads(row.entry) for row in station.store.audit_rows(limit=1000)]
        ends = [row["actor"]["id"] for row in rows if row["act"] == "maintenance.end"]

        assert found.calibration.technician == "t-2"
        assert ends == ["t-2", "t-3"]


def test_nobody_s_press_is_cut_short_where_no_calibration_runs(tmp_path):
    """To abandon what is not there touches no device."""
    with ZfmPeer(plan=()) as nobody, bench(tmp_path, SHORT, peer=nobody) as station:
        until(lambda: station.reader.status.working)
        pressed = station.reader.capture(60.0, lambda received, expected: None)
        station.wizard.abandon("t-1")

        with pytest.raises(TimeoutError):
            pressed.result(1.0)
        station.reader.cancel()
        pressed.result(60)


def test_a_technician_s_own_maintenance_is_not_ended(tmp_path):
    with bench(tmp_path, SHORT) as station:
        station.maintenance.begin("t-1", "devices")
        station.begin(CAMERA)
        station.wizard.abandon()

        assert station.maintenance.active.staff_id == "t-1"


def calibrated(station, lamp_left=0.02):
    """Go through the short procedure and record it."""
    station.begin(CAMERA)
    station.measured()
    station.hold_up("grey_card")
    station.measured()
    station.hold_up("grey_sheet", lamp_left=lamp_left)
    station.measured()
    return station.wizard.finish()[CAMERA]


def test_a_session_is_measured_recorded_and_undone(tmp_path):
    """Two calibrations, the second taken back: the first one's parameters hold again."""
    with bench(tmp_path, SHORT) as station:
        first = calibrated(station)
        second = calibrated(station, lamp_left=0.03)
        kept = station.book.read(second).calibration

        assert station.wizard.session() is None
        assert station.maintenance.active is None
        assert kept.overall is Overall.PASS
        assert (kept.technician, kept.witness) == (TECHNICIAN, "t-9")
        assert kept.identity["lens"] == KNOWN["lens"]
        assert kept.profile == "camera@1"
        assert {"exposure.jpg", "uniformity.jpg"} <= set(kept.evidence)
        assert all(len(one) == 64 for one in kept.step("lightness").frames_sha256)
        assert station.book.in_force(CAMERA).id == second
        undone = station.wizard.undo(CAMERA, TECHNICIAN)
        assert undone.calibration.restores == first
        assert station.book.in_force(CAMERA).id == first
        audit.verify(station.store.audit_rows(limit=1 << 20))


def test_steps_are_left_out_with_a_reason_and_gone_back_to(tmp_path):
    """A step that was left out is not assessed; measured again, its figures take its place."""
    with bench(tmp_path, SHORT) as station:
        station.begin(CAMERA)
        wizard = station.wizard

        assert refusal(wizard.skip, "identity", "because") == "no_reason"
        assert refusal(wizard.skip, "focus", "no_time") == "no_step"
        for name in ("identity", "exposure", "uniformity"):
            session = wizard.skip(name, "no_time")
        assert session.present is None
        assert {one.verdict for one in session.steps} == {Verdict.NOT_ASSESSED}
        station.hold_up("grey_card")
        view = station.measured("exposure")
        assert (view.verdict, view.skipped, view.tries) == (Verdict.PASS, "", 1)
        assert wizard.session().present is None
        done = station.book.read(wizard.finish()[CAMERA]).calibration
        assert done.overall is Overall.NOT_ASSESSED
        assert done.valid_until is None


def test_a_camera_that_is_unplugged_leaves_the_step_as_it_was(tmp_path):
    """No verdict comes of a cable; plugged in again, the same step is measured."""
    plug = tmp_path / "plug"
    plug.touch()
    with bench(tmp_path, SHORT, plugged=plug) as station:
        station.begin(CAMERA)
        station.measured()
        station.hold_up("grey_card")
        plug.unlink()
        until(lambda: not station.camera.status.working)
        station.wizard.measure()
        session = station.wizard.wait(60.0)

        assert session.failure == "device_out"
        assert session.step("exposure").state is StepState.AIMING
        assert station.wizard.aid().turn.value == "wait_for_device"
        plug.touch()
        until(lambda: station.camera.status.working)
        assert station.measured().verdict is Verdict.PASS


def test_a_step_sets_the_camera_by_test_and_revert_and_puts_it_back(tmp_path):
    """Autofocus is off while the focus is measured, and on again afterwards."""
    steps = (BY_NAME["focus"],)
    with bench(tmp_path, steps) as station:
        station.hold_up("slanted_edge")
        assert station.camera.change({"focus_auto": 1}, 0.1).kept
        station.begin(CAMERA)
        held = []
        measure = steps[0].measure

        def watched(scene):
            held.append({one.name: one.value for one in station.camera.controls()}["focus_auto"])
            return measure(scene)

        station.wizard._parts = replace(
            station.wizard._parts, steps=(replace(steps[0], measure=watched),)
        )
        station.measured()

        assert set(held) == {0}
        now = {one.name: one.value for one in station.camera.controls()}
        assert now["focus_auto"] == 1


def test_the_quick_check_has_its_three_steps_and_gives_no_validity(tmp_path):
    with bench(tmp_path) as station:
        session = station.begin(kind="quick")

        assert [one.step for one in session.steps] == ["exposure", "blank", "live"]
        station.hold_up("grey_card")
        station.measured()
        for name in ("blank", "live"):
            station.wizard.skip(name, "no_hands")
        ids = station.wizard.finish()
        assert set(ids) == {CAMERA, READER}
        assert station.book.read(ids[CAMERA]).calibration.overall is Overall.PASS
        assert station.book.read(ids[CAMERA]).calibration.valid_until is None
        assert station.book.state(CAMERA).state == "none"


def test_an_optical_module_without_a_film_is_decided_by_the_rest(tmp_path):
    """F2 to F4 are not assessed and say why; they hinder nothing."""
    with bench(tmp_path) as station:
        station.begin(READER)
        for name in ("geometry", "contrast", "grey"):
            view = station.measured(name)
            assert {(one.verdict, one.reason) for one in view.results} == {
                (Verdict.NOT_ASSESSED, "no_film")
            }
            assert overall(view.results) is Overall.NOT_ASSESSED


def test_a_step_s_own_mistake_ends_in_a_sentence_and_not_the_wizard(tmp_path):
    def broken(scene):
        raise ZeroDivisionError

    with bench(tmp_path, (replace(SHORT[0], measure=broken),)) as station:
        station.begin(CAMERA)
        station.wizard.measure()

        assert station.wizard.wait(60.0).failure == "internal"


# What a cut leaves


def test_a_killed_station_goes_on_where_it_was(tmp_path):
    """Killed in the middle of a measurement: what was done is there, the rest is not, nobody is let
    in, and the next start goes on; what is recorded is what both runs measured.
    """

    def serve(folder, tell):
        with bench(folder, SHORT) as station:
            station.begin(CAMERA)
            station.measured()
            tell("identity")
            station.hold_up("grey_card")
            station.measured()
            tell("exposure")
            station.hold_up("none")
            while True:
                station.wizard.again("uniformity")
                station.wizard.measure()
                station.wizard.wait(10.0)

    process = start(serve, tmp_path, tmp_path / "acks", tmp_path / "said")
    try:
        until(lambda: "exposure" in acknowledged(tmp_path / "acks"), 60.0)
        time.sleep(0.05)
    finally:
        process.kill()
    with bench(tmp_path, SHORT) as station:
        session = station.wizard.session()

        assert session.resumed
        assert session.present == "uniformity"
        assert [one.verdict for one in session.steps][:2] == [Verdict.PASS, Verdict.PASS]
        assert station.maintenance.active is not None
        assert refusal(station.begin, CAMERA) == "running"
        station.hold_up("grey_sheet")
        station.measured()
        kept = station.book.read(station.wizard.finish()[CAMERA])
        assert kept.calibration.overall is Overall.PASS
        assert station.maintenance.active is None
    with bench(tmp_path, SHORT) as station:
        assert station.wizard.session() is None


def session_of_three():
    """A session as the wizard keeps it, with a step's results."""
    views = tuple(StepView(name, "camera", CAMERA, "x") for name in ("focus", "colour", "noise"))
    session = Session("s", "full", TECHNICIAN, "", 1, views, "focus", {"site": "x" * 200})
    result = held_against("focus", "drift", LIMIT, Figure(5.0, 0.1, details={"zones": [1.0] * 99}))
    jpeg = b"\xff\xd8\xff" + bytes(3000)
    return session, Measured((result,), Evidence({"focus": jpeg}, {"mtf.centre": ((0.0, 1.0),)}))


def keep_three(folder, tell):
    """Keep a session step by step; a word once it is durable."""
    session, measured = session_of_three()
    with Store.open(folder / "store.db", folder / "key", floor_bytes=1, reserve_bytes=1) as store:
        kept = Kept(session, {}, True)
        KeptSession(store).begin(kept)
        tell(json.dumps([]))
        for view in session.steps:
            kept = replace(kept, measured={**kept.measured, view.step: measured})
            KeptSession(store).keep(kept, view.step)
            tell(json.dumps(list(kept.measured)))


def check_three(folder, acked):
    """Whatever was told is there, and readable."""
    with Store.open(folder / "store.db", folder / "key", floor_bytes=1, reserve_bytes=1) as store:
        kept = KeptSession(store).read()
    wanted = json.loads(acked[-1]) if acked else []
    if kept is None:
        return Found(lost=len(acked))
    _, measured = session_of_three()
    lost = sum(kept.measured.get(step) != measured for step in wanted)
    return Found(present=len(kept.measured), lost=lost)


def test_no_step_that_was_told_as_done_is_lost_by_a_power_cut():
    """Cut at chosen operations of the journal, with none, half or a torn half of what was not
    synced; and a disk that syncs nothing is found out.
    """
    cuts = sweep(keep_three, check_three, 8, 7)
    lying = sweep(keep_three, check_three, 8, 7, lies=True)

    assert cuts.failing == 0, cuts.note
    assert lying.failing > 0, lying.note


# What the station goes by


def test_a_board_s_zero_is_taken_off_and_makes_nothing_strict_a_head_s_does():
    """The settings overrule the pitch; without a calibration nothing is taken off."""
    board = {"pitch_zero_deg": 1.2, "yaw_zero_deg": -0.4, "zero_of_a_head": 0.0}

    assert zero_of({}, None).deg is None
    assert (zero_of(board, None).deg, zero_of(board, None).of_a_head) == (1.2, False)
    assert zero_of({**board, "zero_of_a_head": 1.0}, None).of_a_head
    assert (zero_of(board, 5.3).deg, zero_of(board, 5.3).of_a_head) == (5.3, True)
    assert zero_of(board, 5.3).yaw_deg == -0.4


def test_an_undoing_takes_the_zero_back_from_the_next_search_on(tmp_path):
    """Each search asks the book as it begins: the newest that passed, or the one before it."""
    with Store.open(tmp_path / "store.db", tmp_path / "key") as store:
        key = StationKey.open_or_make(tmp_path / "station-key.pem")
        book = CalibrationBook(tmp_path / "calibration", store, key, "st-000001")
        zero = zero_in_force(book.parameters, made.CAMERA, None)
        rules = PortraitRules(load_preset("seated"))
        raw = {PITCH: Native(3.0), YAW: Native(-1.0)}
        seen = []
        for day, pitch in enumerate((1.2, 2.0)):
            told = {"pitch_zero_deg": pitch, "yaw_zero_deg": -0.5}
            book.record(made.calibration(ended_at_ms=made.NOW_MS + day, parameters=told))
            seen.append(replace(rules, pitch_zero=zero()).pitch_zero.natives(raw))
        book.undo(made.CAMERA, TECHNICIAN)
        seen.append(zero().natives(raw))

        assert [one[PITCH].value for one in seen] == [1.8, 1.0, 1.8]
        assert {one[YAW].value for one in seen} == {-0.5}


def test_the_camera_s_procedure_has_every_step_of_the_page():
    assert [step.name for step in CAMERA_STEPS] == [
        "identity", "distortion", "framing", "focus", "depth", "exposure", "colour",
        "uniformity", "noise", "latency", "portrait",
    ]  # fmt: skip

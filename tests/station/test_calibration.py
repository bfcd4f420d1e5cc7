"""A whole station is calibrated: its own camera, its own pipeline, its own sittings kept out."""

from __future__ import annotations

from edge.calibration.record import Verdict
from edge.sitting import Event, State
from tests.station.bed import LONG_S, station_bed

KNOWN = {
    "site": "Hall 2", "camera_firmware": "1", "lens": "35 mm", "lamp_hours": "1",
    "screen_ppi": "92", "camera_height_mm": "1450",
}  # fmt: skip


def test_a_reference_portrait_goes_the_whole_way_and_nobody_is_let_in_meanwhile(tmp_path, scenes):
    """A head that looks straight ahead gives every document, and its pose would be the station's
    zero; no picture of it is kept, and afterwards people are served again.
    """
    with station_bed(tmp_path, scenes, centre=False) as bed:
        station, wizard = bed.station, bed.station.wizard
        bed.until(lambda shown: not shown.out_of_service and shown.revision > 0, "service")
        camera = station.settings.camera.id
        wizard.begin("full", [camera], "t-7", reference="head", identity=KNOWN)
        assert "maintenance" in station.reasons()
        bed.until(lambda shown: bool(shown.out_of_service), "out of service")
        for step in wizard.session().steps:
            if step.step not in ("identity", "portrait"):
                wizard.skip(step.step, "no_time")
        wizard.again("identity")
        wizard.measure()
        assert wizard.wait(LONG_S).step("identity").verdict is Verdict.PASS
        wizard.again("portrait")
        assert wizard.aid().measure == "head_pitch"
        wizard.measure()
        found = {one.measure: one for one in wizard.wait(LONG_S).step("portrait").results}

        assert wizard.session().failure == ""
        assert (found["documents"].value, found["documents"].verdict) == (0.0, Verdict.PASS)
        assert found["documents"].details["documents"] == ["cn_exit_entry", "cn_resident_id"]
        parameters = wizard._now.measured["portrait"].parameters
        assert parameters["zero_of_a_head"] == 1.0
        assert abs(parameters["pitch_zero_deg"] - found["head_pitch"].value) < 0.006
        kept = station.calibrations.read(wizard.finish()[camera])
        # Steps were left out: nothing of it is in force.
        assert kept.calibration.overall.value == "not_assessed"
        assert station.calibrations.in_force(camera) is None
        assert not kept.calibration.evidence or "portrait.jpg" not in kept.calibration.evidence
        bed.until(lambda shown: not shown.out_of_service, "service")
        bed.ask(Event.START)
        bed.until_state(State.CONSENT)

"""A calibration done by hand at the console: aimed, measured, gone on with, signed, taken back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.kiosk.catalogue import MASTER, SECOND
from api.technician.lines import load_lines
from edge.calibration.aid import Turn
from edge.calibration.certificate_words import words_of
from edge.calibration.steps import STEPS
from edge.calibration.steps_fingers import TEN
from edge.calibration.validity import State
from edge.calibration.wizard import SKIP_REASONS
from tests.booth_kit import Booth
from tests.booth_kit import booth as booth_of
from tests.calibration_kit import NOW_MS, calibration
from tests.lens_kit import CAMERA, GENEROUS_S
from tests.technician_kit import AUDITOR, PIN, TECHNICIAN


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booth]:
    """One station for the file."""
    with booth_of(tmp_path_factory.mktemp("booth")) as found:
        yield found


@pytest.fixture
def booth(opened: Booth) -> Iterator[Booth]:
    """The station, with no calibration under way before or after."""
    yield opened
    opened.bench.wizard.abandon()
    opened.bench.served.clear()


@pytest.mark.parametrize("language", [MASTER, SECOND])
def test_every_step_turn_and_code_has_a_line(language):
    """Nobody kneels before a page that shows a code."""
    lines = load_lines().lines[language]
    wanted = {f"instruct.{step.name}" for step in STEPS}
    wanted |= {f"turn.{turn.value}" for turn in Turn}
    wanted |= {f"wanted.press_{finger}" for finger in TEN} | {"wanted.lift_finger"}
    wanted |= {f"calibration.state.{state}" for state in State.__args__}

    assert wanted - set(lines) == set()
    assert SKIP_REASONS


def test_every_step_has_a_drawing():
    """What is held up or laid down is seen before it is read."""
    folder = Path(__file__).resolve().parent.parent / "api/technician/static/calibration"

    for step in STEPS:
        assert (folder / f"{step.target or 'identity'}.svg").is_file(), step.name


def test_maintenance_does_not_end_under_a_calibration(booth: Booth):
    """Else somebody would be let in and stand where the sheets are measured."""
    booth.begins()
    booth.technician.sees("/maintenance")
    booth.technician.does("/maintenance/end")

    assert "请先完成或放弃校准" in booth.technician.sees("/maintenance")
    assert booth.bench.maintenance.active is not None
    booth.runs()
    booth.does("abandon", sure="yes")
    assert booth.bench.maintenance.active is None


def test_a_camera_is_calibrated_from_the_first_field_to_the_signed_certificate(booth: Booth):
    """Fields, grey card, board, signature: and the station is out of service only meanwhile."""
    booth.begins()
    assert booth.bench.maintenance.active is not None
    page = booth.runs()
    assert 'data-step="identity"' in page
    assert 'name="camera_firmware"' in page
    # A browser that runs no script redraws the page; every act here is a plain form.
    assert '<noscript><meta http-equiv="refresh"' in page
    booth.does("identify", site="Hall 2", camera_firmware="1.2")
    booth.bench.wizard.wait(GENEROUS_S)
    booth.bench.hold_up("grey_card")
    assert 'data-step="exposure"' in booth.runs()
    page = booth.measures()
    assert 'data-step="framing"' in page
    assert re.search(r"±", page)
    booth.bench.hold_up("charuco", distance_m=1.5)
    page = booth.measures()
    assert 'data-step="finish"' in page
    assert booth.does("finish").headers["Location"] == "/calibration"
    assert booth.bench.maintenance.active is None

    row = booth.bench.book.page(limit=1000)[-1]
    assert (row.technician, row.kind) == (TECHNICIAN, "full")
    page = booth.technician.sees(f"/calibration/record/{row.id}")
    assert row.id in page
    assert "house" in page
    for language in ("zh-CN", "en"):
        answer = booth.technician.ask("GET", f"/calibration/record/{row.id}/{language}.pdf")
        assert answer.body.startswith(b"%PDF-")
        assert row.id[:8] in answer.headers["Content-Disposition"]
    json = booth.technician.ask("GET", f"/calibration/record/{row.id}/record.json")
    assert json.body == booth.bench.book.certificate_json(row.id)


def test_the_live_aid_says_in_large_figures_which_way_to_turn(booth: Booth):
    """The figure, its limits on a bar, and one line; measured by nobody but the wizard."""
    booth.begins()
    booth.runs()
    booth.does("again", step="framing")
    booth.bench.hold_up("charuco", distance_m=1.5, pitch_deg=6.0)
    part = re.search(r'hx-get="([^"]+)"', booth.runs())
    assert part
    aid, figure, until_s = "", None, time.monotonic() + GENEROUS_S
    while figure is None:
        assert time.monotonic() < until_s, aid
        aid = booth.technician.ask("GET", part[1].replace("&amp;", "&")).text
        figure = re.search(r'class="figure"[^>]*>([−\d.]+)<small> (?:deg|°|度)', aid)

    assert abs(float(figure[1].replace("−", "-"))) == pytest.approx(6.0, abs=0.5)
    assert "−1.5 … 1.5" in aid
    up_or_down = {load_lines().line(MASTER, f"turn.tilt_camera_{way}") for way in ("up", "down")}
    assert any(words in aid for words in up_or_down)
    assert "<html" not in aid


def test_a_part_that_was_drawn_for_another_moment_asks_for_the_whole_page(booth: Booth):
    """The page never shows one step's aid beside another's instruction."""
    booth.begins()
    answer = booth.technician.ask("GET", "/calibration/aid?mark=old")

    assert answer.headers["HX-Refresh"] == "true"
    assert answer.body == b""


def test_without_a_target_the_aid_says_what_is_missing_and_measuring_is_not_assessed(booth: Booth):
    """No figure is made up: why it was not assessed stands in the record."""
    booth.begins()
    booth.runs()
    booth.does("again", step="framing")
    booth.bench.hold_up("none")
    until_s = time.monotonic() + GENEROUS_S
    while "把靶标举到画面里" not in booth.runs():
        assert time.monotonic() < until_s, booth.technician.page
    page = booth.measures()

    assert "未评定" in page
    assert words_of(MASTER).named("reason", "no_chart") in page


def test_a_step_is_left_out_only_for_a_reason_and_can_be_done_after_all(booth: Booth):
    """Why stands beside it; going back to it is one touch."""
    booth.begins()
    booth.runs()
    answer = booth.does("skip", step="framing", reason="")
    assert "请选跳过的原因" in booth.technician.sees(answer.headers["Location"])
    booth.does("skip", step="framing", reason="no_target")
    session = booth.bench.wizard.session()
    assert session is not None
    assert session.step("framing").skipped == "no_target"
    booth.runs()
    booth.does("again", step="framing")
    assert 'data-step="framing"' in booth.runs()


def test_a_witness_signs_with_a_pin_of_his_own(booth: Booth):
    """A number alone is nobody's word; and nobody witnesses himself."""
    for number, pin in ((AUDITOR, "111222"), (TECHNICIAN, PIN), ("9999", PIN)):
        booth.technician.sees("/calibration")
        answer = booth.does("begin", kind="full", witness=number, witness_pin=pin)
        page = booth.technician.sees(answer.headers["Location"])
        assert "见证人的工号和密码对不上" in page
        assert booth.bench.wizard.session() is None


def test_nobody_who_is_served_is_cut_off(booth: Booth):
    """It begins when they have finished."""
    booth.bench.served.append("somebody")
    booth.technician.sees("/calibration")
    answer = booth.does("begin", kind="quick")

    assert "屏幕前有人" in booth.technician.sees(answer.headers["Location"])
    assert booth.bench.maintenance.active is None


def test_giving_up_wants_a_tick_and_records_nothing(booth: Booth):
    """One touch too many loses no measurement."""
    before = len(booth.bench.book.page(limit=1000))
    booth.begins()
    booth.runs()
    assert booth.does("abandon").status == 422
    assert booth.bench.wizard.session() is not None
    booth.does("abandon", sure="yes")

    assert booth.bench.wizard.session() is None
    assert len(booth.bench.book.page(limit=1000)) == before


def test_a_calibration_is_taken_back_and_that_is_a_record_too(booth: Booth):
    """The one before is in force again, and the history shows all three."""
    first, second = booth.kept(NOW_MS), booth.kept(NOW_MS + 1000)
    state = booth.bench.book.in_force(CAMERA)
    assert state is not None
    assert state.id == second
    booth.technician.sees("/calibration")
    assert booth.does("undo", device=CAMERA).status == 422
    booth.does("undo", device=CAMERA, sure="yes")

    state = booth.bench.book.in_force(CAMERA)
    assert state is not None
    assert state.id == first
    history = booth.technician.sees(f"/calibration/history/{CAMERA}")
    assert all(one[:8] in history for one in (first, second))
    assert "退回" in history


def test_what_drifts_is_told_with_its_plot_and_its_figures(booth: Booth):
    """Each measure over time with its limits; and the points for whoever doubts the drawing."""
    booth.kept(NOW_MS + 86_400_000)
    fallen = calibration(ended_at_ms=NOW_MS + 2 * 86_400_000, values={"focus.mtf50_centre": 0.21})
    booth.bench.book.record(replace(fallen, device_id=CAMERA))
    page = booth.technician.sees(f"/calibration/history/{CAMERA}")
    assert words_of(MASTER).line("trend.drift_mtf50", change="").split()[0][:4] in page
    plot = booth.technician.ask("GET", f"/calibration/trend/{CAMERA}/focus.mtf50_centre.svg")
    assert plot.headers["Content-Type"].startswith("image/svg+xml")
    assert f"/calibration/trend/{CAMERA}/focus.mtf50_centre.svg" in page
    rows = booth.technician.ask("GET", f"/calibration/trend/{CAMERA}.csv").text.splitlines()
    assert rows[0].startswith("measure,unit,at,value")
    assert any(row.startswith("focus.mtf50_centre,") for row in rows)


def test_targets_are_printed_from_here(booth: Booth):
    """One by one, all at once, and the holder for the chart that was bought."""
    page = booth.technician.sees("/calibration/targets")
    assert "/calibration/targets/charuco.pdf" in page
    answer = booth.technician.ask("GET", "/calibration/targets/colour_holder.pdf?cell=14.5")
    assert answer.body.startswith(b"%PDF-")
    for path, status in (("nothing.pdf", 404), ("colour_holder.pdf?cell=400", 422)):
        assert booth.technician.ask("GET", f"/calibration/targets/{path}").status == status


def test_an_auditor_reads_records_and_begins_nothing(booth: Booth):
    """What an audit needs, and no form."""
    auditor = booth.shop.notebook(AUDITOR)
    page = auditor.sees("/calibration")
    assert "/calibration/begin" not in page
    assert auditor.does("/calibration/begin", kind="quick").status == 403
    assert auditor.ask("GET", "/calibration/run").status == 403
    assert booth.bench.wizard.session() is None
    for row in booth.bench.book.page(limit=1):
        auditor.sees(f"/calibration/record/{row.id}")


def test_what_was_never_recorded_is_not_found(booth: Booth):
    """No id, no device, no language, no picture that is not there."""
    for path in (
        "/calibration/record/ffff", "/calibration/history/nobody",
        "/calibration/record/ffff/en.pdf", "/calibration/record/ffff/record.json",
    ):  # fmt: skip
        assert booth.technician.ask("GET", path).status == 404

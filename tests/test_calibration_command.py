"""`run_edge.py calibrate`: a technician at a terminal, at a station that does not run."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import cv2
import pytest
from click.testing import CliRunner

from drivers.peers.lens_bench import Truth, render
from edge.calibration.aid import BY_REASON, Aid, Turn
from edge.calibration.limits import load_limits
from edge.calibration.procedure import EXEMPT, LENIENT
from edge.calibration.record import Overall, Verdict
from edge.calibration.steps import STEPS
from edge.calibration.steps_fingers import FINGERS, LIFT, TEN
from edge.calibration.steps_glass import BARS, REFLECTANCES
from edge.calibration.steps_identity import CAMERA_FIELDS, READER_FIELDS
from edge.calibration.wizard import SKIP_REASONS
from edge.commands.calibrate_talk import LANGUAGES, Lines
from edge.store import Store
from edge.trust.keys import StationKey
from quality.optics.refusal import Refusal
from run_edge import cli
from tests.test_settings import DEMO

BASE = ["--technician", "t-7", "--yes"]


@pytest.fixture
def station(tmp_path):
    """A station's file whose camera looks at a grey card, with a reader on a real line."""
    camera = tmp_path / "camera"
    camera.mkdir()
    picture = render("grey_card", Truth(noise_sigma=0.0), (640, 360))
    cv2.imwrite(str(camera / "card.png"), picture)
    demo = DEMO.read_text(encoding="utf-8")
    options = (
        f'\n[camera.options]\nfolder = "{camera}"\nplay = "card"\nwidth_px = 640\nheight_px = 360\n'
        'sway_px = 0.0\n[camera.options.scripts.card]\nviews = [{ picture = "card.png" }]\n'
        "still_width_px = 640\nstill_height_px = 360\n\n[reader]"
    )
    demo = demo.replace("\n[reader]", options, 1)
    demo = demo.replace('folder = "var/demo/store"', f'folder = "{tmp_path}/store"')
    demo = demo.replace('port = "auto"', f'port = "{tmp_path}/zfm"')
    path = tmp_path / "station.toml"
    path.write_text(demo, encoding="utf-8")
    StationKey.open_or_make(tmp_path / "store" / "station-key.pem")
    return path


def calibrate(station, command, *more, typed=""):
    """Run one command, in English."""
    given = ["calibrate", command, "--settings", str(station), "--language", "en", *more]
    return CliRunner().invoke(cli, given, typed)


def test_a_quick_check_of_the_camera_is_measured_told_and_recorded(station):
    """Figure, unit, uncertainty, limit, verdict and source in a line; the exit code says how it
    ended; nothing is called a certificate's worth.
    """
    ended = calibrate(station, "quick", "--device", "camera", *BASE)

    assert ended.exit_code == 0, ended.output
    assert re.search(
        r"lightness +49\.\d+ ± [\d.e-]+ L\*  46 \.\. 54  pass  \(n = 3; house", ended.output
    )
    assert "This is a field check, not a certification." in ended.output
    shown = calibrate(station, "show")
    assert "camera-1: not calibrated" in shown.output


def test_a_stop_is_resumed_and_an_end_is_recorded_nowhere(station):
    """q keeps the session; while it waits nothing else begins; resume goes on; abandon ends it."""
    begin = ["--device", "camera", "--technician", "t-7"]
    stopped = calibrate(station, "quick", *begin, typed="q\n")
    again = calibrate(station, "quick", *begin, typed="q\n")
    shown = calibrate(station, "show")
    resumed = calibrate(station, "resume", typed="\n\n")
    none = calibrate(station, "resume")

    assert stopped.exit_code == 3, stopped.output
    assert "calibrate resume" in stopped.output
    assert (again.exit_code, "under way" in again.output) == (2, True)
    assert "at step Exposure and white balance" in shown.output
    assert resumed.exit_code == 0, resumed.output
    assert (none.exit_code, "No calibration is under way" in none.output) == (2, True)
    calibrate(station, "quick", *begin, typed="q\n")
    assert "nothing was recorded" in calibrate(station, "abandon").output
    assert calibrate(station, "undo", "--device", "camera", "--technician", "t-7").exit_code == 2


def test_a_station_that_runs_is_left_alone_and_says_where_its_pages_are(station, tmp_path):
    """One process owns the devices: the sentence says what to do, with the address."""
    text = station.read_text(encoding="utf-8")
    with Store.open(tmp_path / "store" / "store.db", tmp_path / "store" / "store.key"):
        closed = calibrate(station, "quick", *BASE)
        station.write_text(
            f'{text}\n[technician]\nenabled = true\nport = 18082\n[reuse]\n'
            f'staff_file = "{tmp_path}/staff.toml"\n',
            encoding="utf-8",
        )  # fmt: skip
        opened = calibrate(station, "show")

    assert closed.exit_code == 2
    assert "technician.enabled" in closed.output
    assert opened.exit_code == 2
    assert "http://127.0.0.1:18082/" in opened.output


def test_nobody_without_a_number_calibrates(station):
    """A number that is none is refused before any device is opened."""
    ended = calibrate(station, "quick", "--technician", "Li Hua", "--yes")

    assert (ended.exit_code, "staff id" in ended.output) == (2, True)


# The lines


def codes():
    """Every code that the command may show, by section."""
    limits = [load_limits(kind) for kind in ("camera", "reader")]
    steps = [step.name for step in STEPS]
    assert set(steps) == {name for one in limits for name in one.steps}
    presses = [f"press_{finger}" for finger in {*TEN, *FINGERS}]
    films = [f"lay_bars_{n}" for n in BARS]
    greys = [f"lay_grey_{n + 1}" for n in range(len(REFLECTANCES))]
    reasons = {one.value for one in Refusal} | EXEMPT | LENIENT | set(SKIP_REASONS)
    return {
        "steps": steps,
        "instruct": steps,
        "turns": [one.value for one in Turn],
        "wanted": [LIFT, "keep_glass_clear", "keep_film_still", *presses, *films, *greys],
        "verdicts": [one.value for one in Verdict],
        "overall": [one.value for one in Overall],
        "reasons": sorted(reasons),
        "fields": sorted({*CAMERA_FIELDS, *READER_FIELDS}),
    }


def test_every_code_has_a_line_in_both_languages():
    """What a step may say is said in both; nothing is left to a code on a screen."""
    for language in LANGUAGES:
        say = Lines(language)
        for section, wanted in codes().items():
            for code in wanted:
                assert say._said[section].get(code), f"{language}: {section}.{code}"


def test_both_languages_have_the_same_lines():
    said = [
        tomllib.loads(
            files("edge.commands").joinpath("calibrate_words", f"{one}.toml").read_text("utf-8")
        )
        for one in LANGUAGES
    ]

    assert {k: sorted(v) for k, v in said[0].items()} == {k: sorted(v) for k, v in said[1].items()}


def test_a_live_line_has_figure_limit_best_and_what_to_turn():
    aid = Aid("focus", "mtf50_centre", 0.1234, "cy/px", 0.2, None, 0.2, Turn.FOCUS_BACK)

    assert Lines("en").aid(aid) == (
        "  now 0.123 cy/px, wanted >= 0.2  best 0.2 cy/px  Turn the focus ring back."
    )
    assert set(BY_REASON.values()) <= set(Turn)

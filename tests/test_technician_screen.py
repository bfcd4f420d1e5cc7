"""The screen's size and the camera's controls: set at the console, tried where they can break."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from api.technician.screen import ppi_of_card, ppi_of_tape
from drivers.peers.lens_bench import Config, LensBench, Target, write_hand
from edge.camera_owner import CameraOwner
from edge.settings import CONFIGS
from edge.station_file.text import written
from edge.supervisor import Upkeep
from tests.technician_kit import PATIENCE_S, Notebook, Workshop, workshop

KIOSK = CONFIGS / "stations" / "kiosk.toml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("screen")


@pytest.fixture(scope="module")
def opened(folder: Path) -> Iterator[Workshop]:
    """A station whose camera can be turned, and whose file can be written."""
    path = folder / "station.toml"
    table = tomllib.loads(KIOSK.read_text(encoding="utf-8"))
    place = "/dev/v4l/by-id/usb-test-video-index0"
    table["camera"] = {"id": "camera-1", "driver": "v4l2", "options": {"device": place}}
    path.write_text(written(table), encoding="utf-8")
    write_hand(folder, Target.GREY_CARD)
    config = Config(folder=folder, rate_hz=20.0, width_px=320, height_px=180)
    with ExitStack() as stack:
        owner = CameraOwner(Upkeep("camera-1", "camera", "lens_bench"), lambda: LensBench(config))
        owner.start()
        stack.callback(owner.close)
        shop = stack.enter_context(workshop(folder / "shop", settings_file=path, camera=owner))
        assert owner.wait_frame(-1, PATIENCE_S) is not None
        yield shop


@pytest.fixture(scope="module")
def technician(opened: Workshop) -> Notebook:
    return opened.notebook()


def ppi(folder: Path) -> float:
    return tomllib.loads((folder / "station.toml").read_text())["kiosk"]["screen_ppi"]


def test_a_card_and_a_tape_give_the_same_screen():
    """A screen of 21.5 inch and 1920 px, either way; the card is 85.60 mm (ISO/IEC 7810)."""
    width_mm = 476.06

    assert ppi_of_tape(1920, width_mm) == pytest.approx(102.44, abs=0.01)
    assert ppi_of_card(85.60 / width_mm * 1920) == pytest.approx(102.44, abs=0.01)


def test_the_drawn_card_is_made_to_fit_and_sets_the_screen(technician, folder):
    """Buttons alone; the drawing has the proportions of a card."""
    page = technician.sees("/screen?px=475")
    size = re.search(r'<svg class="card" width="(\d+)" height="(\d+)"', page)
    assert size
    assert int(size[1]) / int(size[2]) == pytest.approx(85.60 / 53.98, rel=0.005)
    assert "/screen?px=476#card" in page
    technician.does("/screen/card", px="475")

    assert ppi(folder) == pytest.approx(140.94, abs=0.01)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"width_px": "1920", "width_mm": ""}, "请填数字"),
        ({"width_px": "many", "width_mm": "400"}, "请填数字"),
        ({"width_px": "1920", "width_mm": "47.6"}, "不像一块屏幕"),
        ({"width_px": "1920", "width_mm": "4760"}, "不像一块屏幕"),
    ],
)
def test_what_is_no_screen_is_refused(technician, folder, form, words):
    """Centimetres for millimetres, or nothing at all."""
    before = ppi(folder)
    technician.sees("/screen")
    answer = technician.does("/screen/tape", **form)

    assert words in technician.sees(answer.headers["Location"])
    assert ppi(folder) == before


def exposure(opened: Workshop) -> int:
    """How the camera's exposure stands."""
    controls = opened.behind.camera.controls()
    return next(one.value for one in controls if one.name == "exposure_auto")


def tries(technician: Notebook, value: int) -> None:
    """Try a control until the machine is quick enough to show that it works."""
    page, until_s = "", time.monotonic() + PATIENCE_S
    # A busy machine makes frames late, and then a change counts as one that slows them.
    while "画面正常" not in page and "没有变化" not in page:
        assert time.monotonic() < until_s, page
        technician.sees("/settings/controls")
        answer = technician.does("/settings/controls/try", exposure_auto=str(value))
        page = technician.sees(answer.headers["Location"])


def test_a_control_is_tried_on_the_running_camera_put_back_and_kept_for_good(
    opened: Workshop, technician: Notebook, folder: Path
):
    """In force while whole frames go on; one touch and it is as before, another and it stays."""
    before, until_s = exposure(opened), time.monotonic() + PATIENCE_S
    tries(technician, 1 - before)
    assert exposure(opened) == 1 - before
    answer = technician.does("/settings/controls/keep")
    assert "已写进设置" in technician.sees(answer.headers["Location"])
    while exposure(opened) != before:
        assert time.monotonic() < until_s
        technician.does("/settings/controls/undo")

    answer = technician.does("/settings/controls/keep")
    assert "没有变化" in technician.sees(answer.headers["Location"])
    options = tomllib.loads((folder / "station.toml").read_text())["camera"]["options"]
    assert options["controls"] == {"exposure_auto": 1 - before}


def test_a_control_that_is_no_number_or_out_of_range_changes_nothing(opened, technician):
    """What the camera refuses stands as it stood, and its own sentence is shown."""
    before = {one.name: one.value for one in opened.behind.camera.controls()}
    technician.sees("/settings/controls")
    answer = technician.does("/settings/controls/try", exposure_auto="much")
    assert "不是数字" in technician.sees(answer.headers["Location"])
    answer = technician.does("/settings/controls/try", exposure_auto="7")
    assert "不接受" in technician.sees(answer.headers["Location"])

    assert {one.name: one.value for one in opened.behind.camera.controls()} == before

"""A start that does not end well ends in a running station that says exactly what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge import VERSION
from edge.store import Store
from edge.upkeep.known_good import KnownGood
from edge.upkeep.starts import TRIES, Level
from edge.upkeep.ways import Ways
from tests.delivery_kit import make_kit
from tests.station.bed import keys_of_a_centre
from tests.upkeep_kit import CHECKOUT, LONG_S, new_home, service, until

DEADLY = """
'A camera whose option ends the process, as a native library may.'
import os
from pydantic import BaseModel

class Config(BaseModel):
    deadly: bool

def open_camera(config):
    os.kill(os.getpid(), 9)
"""
BESIDE = """
import sys
sys.path.append({checkout!r})
import drivers.cameras
drivers.cameras.__path__.append({folder!r})
"""


@pytest.fixture
def home(tmp_path: Path):
    return new_home(tmp_path / "home")


def test_a_refused_settings_file_ends_in_a_calm_page_and_the_exact_fault(home):
    """Nothing was ever good here: the pages alone come, name file, line and remedy in both
    languages, and the service begins anew as soon as the file is mended.
    """
    line = home.settings().splitlines().index('language = "en"') + 1
    home.file.write_text(home.settings().replace('language = "en"', 'language = "klingon"'))
    with service(home) as process:
        until(lambda: home.page(home.kiosk)[0] == 200, "the calm page")
        until(lambda: home.page(home.technician)[0] == 200, "the technician's page")
        _, page = home.page(home.kiosk)
        _, told = home.page(home.technician, "/?language=en")
        ready, why = home.page(home.v1, "/v1/health/ready")

        assert 'data-screen="out-of-service"' in page
        assert "这台机器休息中" in page
        assert "This machine is resting" in page
        assert f"{home.file}, line {line}: station.language is" in told
        assert "Mend the line above and save" in told
        assert "改好上面这一行" in home.page(home.technician, "/?language=zh-CN")[1]
        assert (ready, json.loads(why)["reasons"]) == (503, ["safe_mode"])
        home.file.write_text(home.settings())
        assert process.wait(timeout=LONG_S) == 75
    assert home.starts()[-1]["end"] == "settings_changed"


def test_with_settings_that_were_good_a_corrupt_file_costs_nobody_the_station(home, scenes):
    """The whole station runs on the last good settings, says so in its health and keeps the fault
    for the command line; the mended file is taken up at once.
    """
    home.provision(keys_of_a_centre(scenes))
    KnownGood(home.state).keep(home.settings().encode(), "0.1.0")
    home.file.write_bytes(b"\x00\xff" * 200)
    with service(home) as process:
        until(lambda: home.page(home.v1, "/v1/health/live")[0] == 200, "the whole station")
        health, (_, page) = home.health(), home.page(home.kiosk)

        assert health["notices"] == ["settings_known_good"]
        assert 'data-screen="welcome"' in page
        fault = json.loads((home.state / "fault.json").read_bytes())
        assert fault["code"] == "settings_refused"
        assert fault["file"] == str(home.file)
        assert [row["level"] for row in home.starts()] == [0, 1]
        home.file.write_text(home.settings())
        assert process.wait(timeout=LONG_S) == 75


@pytest.fixture
def deadly_driver(tmp_path):
    """A folder for PYTHONPATH that puts one more camera driver beside ours."""
    folder = tmp_path / "beside"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        BESIDE.format(folder=str(folder), checkout=str(CHECKOUT))
    )
    (folder / "deadly.py").write_text(DEADLY)
    return folder


def test_an_option_that_kills_each_start_ends_in_safe_mode_and_what_lies_here_is_delivered(
    home, scenes, tmp_path, deadly_driver
):
    """Three starts die without a word; the fourth opens no device, hands in the package that waits,
    keeps it until there is a receipt, and says which settings to look at.
    """
    home.provision(keys_of_a_centre(scenes))
    kit, delivered = make_kit(tmp_path / "kit"), home.folder / "delivered"
    delivered.mkdir()
    with Store.open(
        home.folder / "store" / "store.db", home.folder / "store" / "store.key"
    ) as kept:
        row = kit.hand_in(kept, sinks={"copies": "custody"})
    home.file.write_text(home.settings("deadly", "deadly = true"))
    for _ in range(TRIES - 1):
        # What such a start leaves in the book; the last one is a real one.
        Ways(home.file, home.state, VERSION).begin(Level.WHOLE, None)
    with service(home, python_path=deadly_driver) as process:
        assert process.wait(timeout=LONG_S) == -9
    with service(home, python_path=deadly_driver):
        until(lambda: home.page(home.kiosk)[0] == 200, "the calm page")
        until(lambda: home.page(home.technician)[0] == 200, "the technician's page")
        _, told = home.page(home.technician, "/?language=en")

        assert f"The last {TRIES} starts with {home.file} ended without a word" in told
        assert "Sealed packages go on to the centre as always." in told
        until(lambda: any(row.package_id in one.name for one in delivered.rglob("*")), "the copy")
    assert [(one["level"], one["stage"]) for one in home.starts()] == [
        *[(0, "begun")] * TRIES, (2, "serving"),
    ]  # fmt: skip
    with Store.open(
        home.folder / "store" / "store.db", home.folder / "store" / "store.key"
    ) as kept:
        assert kept.sealed(row.package_id)
        acts = [json.loads(one.entry) for one in kept.audit_rows()]
        assert [one["about"] for one in acts if one["act"] == "station.safe_mode"] == [
            {"code": "start_died"}
        ]

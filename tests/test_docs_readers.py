"""docs/readers.md: its commands say what it shows, its tables are those of the code."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import run_edge
from drivers.load import reader_config, reader_names
from drivers.peers.zfm import ZfmPeer
from edge.frames.judge import Fault
from edge.settings import Settings, load_settings
from edge.supervisor import REASONS, DeviceWarning
from tests.serial_server import SerialServer

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = (CHECKOUT / "docs" / "readers.md").read_text(encoding="utf-8")
LOCAL = "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0"
REMOTE = "rfc2217://192.0.2.7:2217"


def shown() -> list[tuple[str, str]]:
    """Return every command of the page, and what the page says that it prints."""
    blocks = re.findall(r"```console\n(.*?)```", PAGE, flags=re.DOTALL)
    return [
        (command, said)
        for block in blocks
        for command, said in re.findall(r"(?m)^\$ (.+)\n((?:(?!\$ ).*\n)*)", block)
    ]


def rows(head: str) -> dict[str, list[str]]:
    """Return the rows of the table that begins so, by their first cell."""
    table = PAGE.partition(head)[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    return {row[0]: row[1:] for row in cells}


@pytest.fixture
def station_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let `station.toml` be the example station with the reader at an address."""

    def at(port: str) -> None:
        kiosk = load_settings(
            CHECKOUT / "firmware_configs" / "stations" / "kiosk.toml", check_camera=False
        )
        reader = kiosk.reader.model_copy(update={"options": {"port": port}})
        store = kiosk.store.model_copy(update={"folder": tmp_path})
        settings: Settings = kiosk.model_copy(update={"reader": reader, "store": store})
        monkeypatch.setattr("edge.settings.load_settings", lambda *_, **__: settings)

    return at


def test_every_command_prints_what_the_page_shows(tmp_path, monkeypatch, station_file):
    """Run as it stands, on real bytes; only the addresses are this machine's."""
    monkeypatch.chdir(tmp_path)
    with ZfmPeer() as peer, ZfmPeer() as far, SerialServer(far.port, rfc2217=True) as server:
        local = str(peer.port)
        station_file(local)
        monkeypatch.setattr("drivers.find_reader.candidate_ports", lambda: [local])
        for command, said in shown():
            words = shlex.split(command.replace(LOCAL, local).replace(REMOTE, server.address))
            assert words[:2] == [".venv/bin/python", "run_edge.py"]
            done = CliRunner().invoke(run_edge.cli, words[2:])
            printed = done.stdout.replace(local, LOCAL).replace(server.address, REMOTE)

            assert (command, done.exit_code, printed) == (command, 0, said)

    assert len(shown()) == 4


def test_every_model_stands_in_the_table_with_its_numbers():
    """A technician buys by this table."""
    files = (CHECKOUT / "firmware_configs" / "readers").glob("*.toml")
    models = {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in files}
    del models["demo_zfm"]

    assert rows("| model | reader | image |") == {
        f"`{name}`": [
            model["model"],
            f"{_size(model)}, {model['resolution_ppi']} ppi",
            "yes" if model["enrolment_grade"] else "no",
        ]
        for name, model in models.items()
    }


def _size(model: dict[str, object]) -> str:
    if "width_px" not in model:
        return "told by the module"
    return f"{model['width_px']} x {model['height_px']} px"


def test_every_reason_and_warning_is_explained():
    """Who meets a code finds what to do about it, and the page names no other."""
    names = {name for cell in rows("| reason |") for name in re.findall(r"`([a-z_]+)`", cell)}
    warnings = {cell.strip("`") for cell in rows("| warning |")}

    both = (CHECKOUT / "docs" / "supervision.md").read_text(encoding="utf-8")
    every = {*REASONS.values(), "driver_fault", "not_opened", "opening"}
    faults = {fault.value for fault in Fault}

    assert names <= every
    assert {code for code in every | faults if f"`{code}`" in both} >= (every - names) | faults
    assert warnings == {one.value for one in DeviceWarning} - {DeviceWarning.DARK_ROOM.value}
    assert f"`{DeviceWarning.DARK_ROOM.value}`" in both


@pytest.mark.parametrize("name", reader_names())
def test_every_option_of_a_reader_is_explained(name):
    """Who commissions a module finds each key of its file on one of the pages."""
    pages = (page.read_text(encoding="utf-8") for page in (CHECKOUT / "docs").glob("*.md"))
    cut = [page.partition(f"## What `{name}` can be told")[2] for page in pages]
    told = "".join(rest.partition("\n##")[0] for rest in cut)

    assert [key for key in reader_config(name).model_fields if f"`{key}`" not in told] == []

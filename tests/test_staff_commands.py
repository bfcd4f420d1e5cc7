"""`run_edge.py staff`: who may sign, from the technician's command line."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.staff import Staff
from edge.store import Store
from run_edge import cli

CHECKOUT = Path(__file__).resolve().parent.parent
PIN = "271828"


@pytest.fixture
def station(tmp_path: Path) -> Path:
    """A station's file that names a staff file in a folder that is not there yet."""
    demo = (CHECKOUT / "firmware_configs" / "stations" / "demo.toml").read_text(encoding="utf-8")
    path = tmp_path / "station.toml"
    path.write_text(f'{demo}\n[reuse]\nstaff_file = "{tmp_path}/keys/staff.toml"\n')
    return path


def staff(station: Path, *arguments: str, typed: str = "") -> Result:
    """Run one command, with what a technician types."""
    command, *rest = arguments
    return CliRunner().invoke(cli, ["staff", command, "--settings", str(station), *rest], typed)


def test_an_attendant_is_added_listed_and_struck_off(station: Path):
    """From nothing; the file is its owner's alone."""
    assert staff(station, "list").output == ""
    added = staff(station, "add", "1024", typed=f"{PIN}\n{PIN}\n")
    file = station.parent / "keys" / "staff.toml"
    with Store.open(station.parent / "store.db", station.parent / "store.key") as store:
        people = Staff(file, store)

        assert added.exit_code == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert people.check("1024", PIN)
        assert staff(station, "list").output == "1024\n"
        assert staff(station, "remove", "1024").exit_code == 0
        assert staff(station, "list").output == ""
        assert not people.check("1024", PIN)


def test_a_pin_is_neither_shown_nor_written(station: Path):
    """Not on the terminal, not in the file."""
    added = staff(station, "add", "1024", typed=f"{PIN}\n{PIN}\n")

    assert PIN not in added.output
    assert PIN not in (station.parent / "keys" / "staff.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (("add", "anna"), "", "digits only"),
        (("add", "１２"), "", "digits only"),
        (("add", "1024"), "12345\n12345\n", "6 to 12 digits"),
        (("add", "1024"), "geheim1\ngeheim1\n", "6 to 12 digits"),
        (("remove", "1024"), "", "staff file cannot be read"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(
    station: Path, arguments: tuple[str, ...], typed: str, sentence: str
):
    """Exit status 2, and no file."""
    refused = staff(station, *arguments, typed=typed)

    assert refused.exit_code == 2
    assert sentence in refused.output
    assert not (station.parent / "keys").exists() or not list((station.parent / "keys").iterdir())


def test_a_number_that_nobody_has_cannot_be_struck_off(station: Path):
    """The others stay."""
    staff(station, "add", "1024", typed=f"{PIN}\n{PIN}\n")
    refused = staff(station, "remove", "2048")

    assert refused.exit_code == 2
    assert "Nobody has this number" in refused.output
    assert staff(station, "list").output == "1024\n"


def test_a_station_without_a_staff_file_says_which_setting_is_missing():
    """The sentence names the setting."""
    refused = staff(CHECKOUT / "firmware_configs" / "stations" / "demo.toml", "list")

    assert refused.exit_code == 2
    assert "reuse.staff_file" in refused.output

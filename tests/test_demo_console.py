"""The demo's page in the technician's console: every knob does what a hand could do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.technician.lines import FOLDER, load_lines
from demo.badge import open_or_make_badge, open_or_make_technician, staff_file
from demo.console import KNOB_WORDS, Knobs, knob_pages
from demo.console.knobs import KNOBS
from drivers.cameras.folder.script import Hand
from drivers.peers.reader_control import CONTROL_NAME, read_controls
from edge.sitting import Overlay, State
from edge.staff import members
from edge.supervisor import DeviceState
from tests.browser.desk import SCENES, TOKEN
from tests.technician_kit import AUDITOR, Notebook, Workshop, workshop

TURNS = [(knob, to) for knob, positions in KNOBS.items() for to in positions]
SHOWN = SCENES["finger-place"]


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo's folder."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def shop(beside: Path) -> Iterator[Workshop]:
    """The console with the page over those knobs, beside a station that asks for a finger."""
    annex = knob_pages(Knobs(beside, "straightens"), lambda: SHOWN)
    with workshop(beside / "shop", (annex,), (KNOB_WORDS,)) as found:
        yield found


@pytest.fixture
def folder(beside: Path) -> Path:
    """The demo's folder with its camera plugged in, as nobody has touched it."""
    (beside / "camera").mkdir(exist_ok=True)
    Knobs(beside, "straightens").reset()
    return beside


@pytest.fixture
def console(shop: Workshop, folder: Path) -> Notebook:
    """A technician who has the page before her."""
    notebook = shop.again()
    notebook.sees("/knobs")
    return notebook


def turn(console: Notebook, words: str) -> int:
    """Press a button, as the page does."""
    status: int = console.does("/knobs", turn=words).status
    return status


def pressed(page: str) -> set[str]:
    """Return which buttons the page shows as pressed."""
    return set(re.findall(r'value="([^"]+)" aria-pressed="true"', page))


@pytest.mark.parametrize(("knob", "to"), TURNS, ids=[f"{knob}={to}" for knob, to in TURNS])
def test_every_position_of_every_knob_is_understood_by_its_device(
    console: Notebook, folder: Path, knob: str, to: str
):
    """The device's own reading of the file finds nothing to complain of; the page shows it."""
    assert turn(console, f"{knob}={to}") == 303
    reader, camera = folder / "reader" / CONTROL_NAME, folder / "camera" / "camera.control"
    complaints = read_controls(reader.read_text())[1] if reader.exists() else []
    said = tomllib.loads(camera.read_text()) if camera.exists() else {}

    assert complaints == []
    assert Hand.model_validate(said)
    assert f"{knob}={to}" in pressed(console.sees("/knobs"))


def test_the_knobs_of_the_reader_are_turned_one_by_one(console: Notebook, folder: Path):
    """Each keeps its place while another is turned; the start is one button away."""
    for words in ("reader.plug=out", "reader.press=dry", "reader.noise=much", "camera.plug=out",
                  "reader.glass=latent", "reader.line=silent", "camera.play=two"):  # fmt: skip
        turn(console, words)
    said = read_controls((folder / "reader" / CONTROL_NAME).read_text())[0]
    assert (said.unplugged, said.press, said.latent, said.silent) == (True, "dry", True, True)
    assert said.noise_per_megabyte > 0
    assert not (folder / "camera" / "camera.plugged").exists()
    turn(console, "reader.glass=always")
    said = read_controls((folder / "reader" / CONTROL_NAME).read_text())[0]
    assert (said.latent, said.finger_always) == (False, True)
    assert turn(console, "everything=reset") == 303

    stands = pressed(console.sees("/knobs"))
    assert stands >= {
        "reader.plug=in", "reader.press=plan", "reader.line=talks", "reader.noise=none",
        "reader.glass=clear", "camera.plug=in", "camera.lens=clear", "camera.play=straightens",
    }  # fmt: skip
    assert len(stands) == len(KNOBS)
    assert (folder / "camera" / "camera.plugged").exists()


def test_what_somebody_wrote_by_hand_is_shown_and_kept(console: Notebook, folder: Path):
    """The files are the only memory; a rate of one's own is no button's."""
    control = folder / "reader" / CONTROL_NAME
    control.parent.mkdir(exist_ok=True)
    control.write_text('noise_per_megabyte = 77\npress = "wet"\n')
    seen = pressed(console.sees("/knobs"))
    turn(console, "reader.line=silent")

    assert "reader.press=wet" in seen
    assert not [one for one in seen if one.startswith("reader.noise")]
    assert read_controls(control.read_text())[0].noise_per_megabyte == 77


@pytest.mark.parametrize(
    "words", ["", "reader.press", "reader.press=", "reader.press=fire", "reader=x", "../x=y", "="]
)
def test_what_the_page_does_not_post_is_refused(console: Notebook, folder: Path, words: str):
    """422, and no file is written."""
    assert turn(console, words) == 422
    assert not (folder / "reader" / CONTROL_NAME).exists()
    assert not (folder / "camera" / "camera.control").exists()


def test_nobody_but_a_technician_turns_a_knob_and_a_get_turns_none(
    shop: Workshop, console: Notebook, folder: Path
):
    """Without a session, as an auditor, without the form's own word: refused."""
    for path in ("/knobs", "/knobs?turn=reader.plug%3Dout"):
        console.ask("GET", path)
    auditor = shop.notebook(AUDITOR)
    auditor.sees("/")
    answers = [
        shop.notebook(None).post("/knobs", {"Accept": "*/*"}, turn="reader.plug=out").status,
        auditor.does("/knobs", turn="reader.plug=out").status,
        auditor.ask("GET", "/knobs").status,
        console.post("/knobs", csrf="", turn="reader.plug=out").status,
    ]

    assert answers == [401, 403, 403, 403]
    assert not (folder / "reader" / CONTROL_NAME).exists()


def test_the_page_says_what_the_station_says_and_nothing_of_a_person(console: Notebook):
    """Devices and screen in words; no token, no sitting, no finger."""
    console.does("/language", language="en", back="knobs.page")
    page = console.sees("/knobs")

    assert 'data-seen="screen">fingers<' in page
    assert 'data-seen="reader">ready<' in page
    for secret in (TOKEN, str(SHOWN.sitting_id), "right_thumb"):
        assert secret not in page


def test_every_word_of_the_page_is_there_in_both_languages():
    """Each knob, each of its positions, each state of a device and each screen."""
    catalogue = load_lines((FOLDER, KNOB_WORDS))
    wanted = {f"knob.{knob}.{to}" for knob, to in TURNS} | {f"knob.{knob}.name" for knob in KNOBS}
    wanted |= {f"state.{state.value}" for state in DeviceState}
    wanted |= {f"knobs.screen.{one.value}" for kind in (State, Overlay) for one in kind}

    assert not [line_id for line_id in wanted if not catalogue.has(line_id)]
    assert set(catalogue.lines["zh-CN"]) == set(catalogue.lines["en"])


def test_the_demos_technician_is_made_once_beside_its_attendant(tmp_path: Path):
    """Two badges in one staff file; the next start has the same, also where the file was new."""
    attendant, technician = open_or_make_badge(tmp_path), open_or_make_technician(tmp_path)
    again = open_or_make_technician(tmp_path)
    staff_file(tmp_path).unlink()
    open_or_make_badge(tmp_path)
    open_or_make_technician(tmp_path)

    assert (again.number, again.pin) == (technician.number, technician.pin)
    roles = {member.staff_id: member.role for member in members(staff_file(tmp_path))}
    assert roles == {attendant.number: "guide", technician.number: "technician"}

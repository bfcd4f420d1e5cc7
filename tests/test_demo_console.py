"""The demo's console: every knob does what a hand could do, and nobody else's page can turn one."""

from __future__ import annotations

import re
import socket
import tomllib
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from flask.testing import FlaskClient

from api.kiosk.catalogue import load_catalogue
from api.ports import PortTaken
from demo.console import Knobs, create_console_app, open_console
from demo.console.knobs import KNOBS
from demo.console.pages import WORDS
from drivers.cameras.folder.script import Control
from drivers.peers.reader_control import CONTROL_NAME, read_controls
from edge.sitting import Overlay, Snapshot, State
from edge.supervisor import DeviceState
from tests.browser.desk import SCENES, TOKEN

ORIGIN = "http://127.0.0.1:8082"
OURS = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
TURNS = [(knob, to) for knob, positions in KNOBS.items() for to in positions]
SHOWN = SCENES["finger-place"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A demo's folder with its camera plugged in."""
    (tmp_path / "camera").mkdir()
    (tmp_path / "camera" / "camera.plugged").touch()
    return tmp_path


@pytest.fixture
def knobs(folder: Path) -> Knobs:
    """The knobs of that folder."""
    return Knobs(folder, "straightens")


@pytest.fixture
def console(knobs: Knobs) -> FlaskClient:
    """The page over those knobs, beside a station that asks for a finger."""
    return create_console_app(knobs, lambda: SHOWN).test_client()


def turn(console: FlaskClient, words: str, **headers: str) -> int:
    """Press a button, as the page does or with other headers."""
    answer = console.post(
        "/turn", data={"turn": words, "lang": "en"}, base_url=ORIGIN, headers=headers or OURS
    )
    return answer.status_code


def pressed(page: str) -> set[str]:
    """Return which buttons the page shows as pressed."""
    return set(re.findall(r'value="([^"]+)" aria-pressed="true"', page))


@pytest.mark.parametrize(("knob", "to"), TURNS, ids=[f"{knob}={to}" for knob, to in TURNS])
def test_every_position_of_every_knob_is_understood_by_its_device(
    console: FlaskClient, folder: Path, knob: str, to: str
):
    """The device's own reading of the file finds nothing to complain of; the page shows it."""
    assert turn(console, f"{knob}={to}") == 303
    reader, camera = folder / "reader" / CONTROL_NAME, folder / "camera" / "camera.control"
    complaints = read_controls(reader.read_text())[1] if reader.exists() else []
    said = tomllib.loads(camera.read_text()) if camera.exists() else {}

    assert complaints == []
    assert Control.model_validate(said)
    assert f"{knob}={to}" in pressed(console.get("/", base_url=ORIGIN).text)


def test_the_knobs_of_the_reader_are_turned_one_by_one(console: FlaskClient, folder: Path):
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

    assert pressed(console.get("/", base_url=ORIGIN).text) == {
        "reader.plug=in", "reader.press=plan", "reader.line=talks", "reader.noise=none",
        "reader.glass=clear", "camera.plug=in", "camera.lens=clear", "camera.play=straightens",
    }  # fmt: skip
    assert (folder / "camera" / "camera.plugged").exists()


def test_what_somebody_wrote_by_hand_is_shown_and_kept(console: FlaskClient, folder: Path):
    """The files are the only memory; a rate of one's own is no button's."""
    control = folder / "reader" / CONTROL_NAME
    control.parent.mkdir()
    control.write_text('noise_per_megabyte = 77\npress = "wet"\n')
    seen = pressed(console.get("/", base_url=ORIGIN).text)
    turn(console, "reader.line=silent")

    assert "reader.press=wet" in seen
    assert not [one for one in seen if one.startswith("reader.noise")]
    assert read_controls(control.read_text())[0].noise_per_megabyte == 77


@pytest.mark.parametrize(
    "words", ["", "reader.press", "reader.press=", "reader.press=fire", "reader=x", "../x=y", "="]
)
def test_what_the_page_does_not_post_is_refused(console: FlaskClient, folder: Path, words: str):
    """422, and no file is written."""
    assert turn(console, words) == 422
    assert not (folder / "reader").exists()
    assert not (folder / "camera" / "camera.control").exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:8080"},
        {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
        {"X-No": "origin"},
    ],
    ids=["foreign", "the-kiosk", "cross-site", "none"],
)
def test_no_other_page_may_turn_a_knob(console: FlaskClient, folder: Path, headers):
    """The same checks as the kiosk's: also its own pages are strangers here."""
    assert turn(console, "reader.plug=out", **headers) == 403
    assert not (folder / "reader").exists()


def test_only_loopback_names_are_answered(console: FlaskClient):
    """A name that somebody else points here gets nothing."""
    for path in ("/", "/seen"):
        assert console.get(path, base_url="http://evil.example:8082").status_code == 400
    assert "script-src 'self'" in console.get("/", base_url=ORIGIN).headers[
        "Content-Security-Policy"
    ]  # fmt: skip


def test_a_get_turns_nothing(console: FlaskClient, folder: Path):
    """Whoever only looks changes no file."""
    for path in ("/", "/seen", "/?turn=reader.plug%3Dout", "/turn?turn=reader.plug%3Dout"):
        console.get(path, base_url=ORIGIN)

    assert not (folder / "reader").exists()


def test_the_page_says_what_the_station_says_and_nothing_of_a_person(console: FlaskClient):
    """Devices and screen in words; no token, no sitting, no finger."""
    page = console.get("/?lang=en", base_url=ORIGIN).text
    seen = console.get("/seen?lang=en", base_url=ORIGIN)

    told = {"reader": "ready", "camera": "ready", "screen": "fingers"}
    assert seen.get_json()["seen"] == told
    assert 'data-seen="screen">fingers<' in page
    for secret in (TOKEN, str(SHOWN.sitting_id), "right_thumb"):
        assert secret not in page + seen.text


def test_every_word_of_the_console_is_there_in_both_languages():
    """Each knob, each of its positions, each state of a device and each screen."""
    catalogue = load_catalogue(WORDS)
    wanted = {f"{knob}.{to}" for knob, to in TURNS} | {f"{knob}.name" for knob in KNOBS}
    wanted |= {f"state.{state.value}" for state in DeviceState}
    wanted |= {f"screen.{one.value}" for kind in (State, Overlay) for one in kind}

    assert not [line_id for line_id in wanted if not catalogue.has(line_id)]
    assert set(catalogue.lines["zh-CN"]) == set(catalogue.lines["en"])


def test_an_unknown_language_is_the_master_s(console: FlaskClient):
    """Whatever the address says, words are shown."""
    assert "演示台" in console.get("/?lang=xx", base_url=ORIGIN).text


def test_the_console_takes_another_port_while_the_usual_one_is_taken(knobs, monkeypatch):
    """Two demos side by side; a port that was asked for is not exchanged in silence."""
    with ExitStack() as stack:
        taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = taken.getsockname()[1]
        monkeypatch.setattr("demo.console.pages.USUAL_PORT", port)
        console = open_console(None, knobs, Snapshot, stack)
        page = httpx.get(console.url, trust_env=False)
        with pytest.raises(PortTaken, match="console-port"):
            open_console(port, knobs, Snapshot, stack)

        assert console.port != port
        assert page.status_code == 200

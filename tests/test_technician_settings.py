"""Settings at the technician's console: shown with bounds, refused with words, written whole."""

from __future__ import annotations

import os
import re
import signal
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.kiosk.catalogue import MASTER, SECOND
from api.technician.lines import load_lines
from edge.settings import CONFIGS
from edge.sitting import Snapshot, State
from edge.station_file.draft import FORM_CODES
from edge.station_file.questions import section_names, section_questions
from edge.station_file.restart import restart_by_keeper
from tests.technician_kit import AUDITOR, Notebook, Workshop, workshop

KIOSK = CONFIGS / "stations" / "kiosk.toml"
SECRET = "hunter2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the station's file lies."""
    return tmp_path_factory.mktemp("station")


@pytest.fixture(scope="module")
def opened(folder: Path) -> Iterator[Workshop]:
    """One console for the file's tests."""
    path = folder / "station.toml"
    path.write_text(KIOSK.read_text(encoding="utf-8"), encoding="utf-8")
    with workshop(folder / "workshop", settings_file=path) as found:
        yield found


@pytest.fixture(scope="module")
def at_door(opened: Workshop) -> Notebook:
    """Somebody who may change settings, signed in once."""
    return opened.notebook()


@pytest.fixture
def file(opened: Workshop, folder: Path) -> Path:
    """The station's file, as it was when the station started."""
    path = folder / "station.toml"
    path.write_text(KIOSK.read_text(encoding="utf-8"), encoding="utf-8")
    return path


@pytest.fixture
def technician(at_door: Notebook, file: Path) -> Notebook:
    """Somebody who may change settings, and a file that nobody has changed."""
    return at_door


def settings(file: Path):
    return tomllib.loads(file.read_text(encoding="utf-8"))


def saves(notebook: Notebook, section: str, **form: str):
    """Open a section and save it with these answers; keys with two underscores for a dot."""
    notebook.sees(f"/settings/section/{section}")
    answers = {key.replace("__", "."): value for key, value in form.items()}
    return notebook.does(f"/settings/section/{section}", seen=notebook.held("seen"), **answers)


def test_every_section_is_a_page_with_each_setting_its_bounds_and_its_default(technician):
    """What may stand there is seen before somebody is refused."""
    for name in section_names():
        assert f"/settings/section/{name}" in technician.sees("/settings")
        technician.sees(f"/settings/section/{name}")
    page = technician.sees("/settings/section/fingers")
    asked = re.search(r'name="fingers.presses_max" value="[^"]*" placeholder="5"', page)
    assert asked
    assert "3 … 9" in page


@pytest.mark.parametrize("language", [MASTER, SECOND])
def test_every_setting_and_every_refusal_has_a_line_of_its_own(language):
    """Nobody has to guess what a key means, in either language."""
    lines = load_lines().lines[language]
    asked = []
    for path in (CONFIGS / "stations").glob("*.toml"):
        table = settings(path)
        table.setdefault("portable", {})
        table["v1"]["network"] = {}
        table["v1"]["clients"] = [{}]
        table["reuse"] = {"lookup": {}, "comparer": {}}
        table["vision"]["attack_nets"] = [{}]
        for name in section_names():
            assert f"settings.section.{name}" in lines
            asked += section_questions(name, table)
    named = {one.line for one in asked if "options" not in one.keys}
    assert {key for key in named if f"setting.{key}" not in lines} == set()
    assert {one.unit for one in asked if one.unit and f"unit.{one.unit}" not in lines} == set()
    codes = set(FORM_CODES.values()) - {"refused"}
    assert {code for code in codes if f"settings.fault.{code}" not in lines} == set()


def test_a_saved_setting_stands_in_the_file_is_noted_and_waits_for_the_next_start(
    opened, technician, file
):
    """Written whole, told what it needs, and put into the audit chain by its key alone."""
    answer = saves(technician, "voice", voice__volume="35")
    assert answer.status == 303
    page = technician.sees(answer.headers["Location"])
    assert "已保存" in page
    assert settings(file)["voice"]["volume"] == 35
    assert "<code>voice.volume</code>" in technician.sees("/settings")
    assert opened.acts()[-1][2:] == ("technician.settings", "ok")
    row = opened.store.audit_rows(limit=10_000)[-1].entry
    assert b"voice.volume" in row
    assert b"35" not in row.split(b'"about"')[1].split(b"}")[0]


def test_a_refused_answer_says_where_and_why_keeps_what_was_typed_and_writes_nothing(
    technician, file
):
    """The technician mends one field and sends the form again."""
    before = file.read_bytes()
    answer = saves(technician, "fingers", fingers__presses_max="12", fingers__lift_s="0.5")

    assert answer.status == 422
    assert 'href="#q-fingers-presses_max"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'name="fingers.presses_max" value="12"' in answer.text
    assert 'name="fingers.lift_s" value="0.5"' in answer.text
    assert "太大了" in answer.text
    assert file.read_bytes() == before


def test_what_only_the_whole_file_shows_is_refused_at_its_key(technician):
    """Two settings that do not go together: the line says which, in words of both languages."""
    answer = saves(technician, "guide", guide__enabled="true")

    assert answer.status == 422
    assert "否则没人能登录" in answer.text
    assert "only with reuse.staff_file" in answer.text
    assert str(Path("/tmp")) not in answer.text.split("only with")[0][-200:]


def test_who_saves_over_somebody_else_is_told_and_nothing_is_lost(technician, opened, file):
    """The second form was drawn from a file that is not there any more."""
    technician.sees("/settings/section/voice")
    seen, csrf = technician.held("seen"), technician.held("csrf")
    saves(technician, "voice", voice__volume="35")
    answer = technician.post(
        "/settings/section/voice", seen=seen, csrf=csrf, **{"voice.volume": "90"}
    )
    page = technician.sees(answer.headers["Location"])

    assert "被别人改过" in page
    assert settings(file)["voice"]["volume"] == 35


def test_the_file_before_comes_back_by_one_touch(technician, file):
    """And goes again by another."""
    before = file.read_bytes()
    saves(technician, "voice", voice__volume="35")
    technician.sees("/settings")
    technician.does("/settings/back", seen=technician.held("seen"))
    assert file.read_bytes() == before
    technician.sees("/settings")
    technician.does("/settings/back", seen=technician.held("seen"))
    assert settings(file)["voice"]["volume"] == 35


def test_no_secret_is_in_any_page_nor_in_what_is_exported(technician, file):
    """Neither a password nor an address that holds one."""
    text = file.read_text(encoding="utf-8").replace(
        "[sinks.options]\n",
        f'[sinks.options]\npassword = "{SECRET}"\n# token = "{SECRET}"\n',
    )
    text = text.replace("https://centre", f"https://admin:{SECRET}@centre")
    file.write_text(text, encoding="utf-8")
    for name in section_names():
        assert SECRET not in technician.sees(f"/settings/section/{name}")
    assert SECRET not in technician.sees("/settings")
    answer = technician.ask("GET", "/settings/export")

    assert answer.headers["Content-Disposition"].startswith('attachment; filename="demo-01-')
    assert SECRET not in answer.text
    assert "https://centre.example" in answer.text


def bring(notebook: Notebook, text: str):
    """Upload a file as a browser does."""
    notebook.sees("/settings")
    parts = [
        f'Content-Disposition: form-data; name="csrf"\r\n\r\n{notebook.held("csrf")}',
        'Content-Disposition: form-data; name="file"; filename="s.toml"\r\n'
        f"Content-Type: application/toml\r\n\r\n{text}",
    ]
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    answer = notebook.ask(
        "POST", "/settings/import", body, **{"Content-Type": "multipart/form-data; boundary=b"}
    )
    notebook.page = answer.text
    return answer


def test_an_exported_file_is_checked_shown_and_taken_over(technician, file):
    """Differences first, then one touch; a file that was edited wants a tick as well."""
    saves(technician, "voice", voice__volume="35")
    out = technician.ask("GET", "/settings/export").text
    saves(technician, "voice", voice__volume="60")
    assert "和导出时一样" in bring(technician, out).text
    assert "<code>voice.volume</code>" in technician.page
    held = {name: technician.held(name) for name in ("seen", "brought")}
    technician.does("/settings/import/take", **held)
    assert settings(file)["voice"]["volume"] == 35

    assert "被改过，或者坏了" in bring(technician, out.replace("volume = 35", "volume = 70")).text
    held = {name: technician.held(name) for name in ("seen", "brought")}
    assert technician.does("/settings/import/take", **held).status == 422
    assert settings(file)["voice"]["volume"] == 35
    technician.does("/settings/import/take", sure="yes", **held)
    assert settings(file)["voice"]["volume"] == 70


@pytest.mark.parametrize("text", ["[station", "\x00\x01", "a = 1\n"])
def test_what_is_no_settings_file_of_ours_is_not_taken_over(technician, file, text):
    """Told, and the file is as it was."""
    before = file.read_bytes()
    answer = bring(technician, text)
    technician.does("/settings/import/take", seen="", brought="", sure="yes")

    assert answer.status in {200, 303}
    assert "settings/import/take" not in answer.text
    assert file.read_bytes() == before


def test_a_damaged_file_is_told_and_the_console_goes_on(technician, file):
    """What to do about it is the machine's; nothing is written over it from here."""
    file.write_text("[station", encoding="utf-8")

    assert "读不出来" in technician.sees("/settings")
    assert technician.ask("GET", "/settings/section/voice").status == 404
    assert file.read_text(encoding="utf-8") == "[station"


def test_a_restart_is_offered_only_where_somebody_keeps_the_service(technician):
    """Here nobody does: what would be the end is neither shown nor done."""
    saves(technician, "voice", voice__volume="35")

    assert "/settings/restart" not in technician.sees("/settings")
    assert technician.does("/settings/restart").status == 303


def test_a_kept_service_is_restarted_by_one_touch_and_never_while_somebody_is_served(tmp_path):
    """The page that says so arrives first."""
    ends = threading.Event()
    path = tmp_path / "station.toml"
    path.write_text(KIOSK.read_text(encoding="utf-8"), encoding="utf-8")
    with workshop(tmp_path / "workshop", settings_file=path, restart=ends.set) as opened:
        technician = opened.notebook()
        saves(technician, "voice", voice__volume="35")
        opened.shown[0] = Snapshot(state=State.CONSENT, sitting_id="0" * 32)
        assert technician.does("/settings/restart").status == 303
        assert not ends.is_set()
        opened.shown[0] = Snapshot()
        assert "/settings/restart" in technician.sees("/settings")
        answer = technician.does("/settings/restart")
        assert ends.wait(30)

    assert answer.status == 200
    assert "正在重启" in answer.text


def test_a_restart_is_a_clean_end_where_a_keeper_listens(tmp_path, monkeypatch):
    """A signal to this very process; without a keeper's socket there is nothing to offer."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    restart = restart_by_keeper({"NOTIFY_SOCKET": str(tmp_path / "n")})

    assert restart is not None
    assert restart_by_keeper({}) is None
    restart()
    assert sent == [(os.getpid(), signal.SIGTERM)]


def test_an_auditor_does_not_see_the_settings(opened):
    """They say where the centre is and who may come in: not part of an audit."""
    auditor = opened.notebook(AUDITOR)

    assert auditor.ask("GET", "/settings").status == 403
    assert auditor.ask("GET", "/settings/export").status == 403

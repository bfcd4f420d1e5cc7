"""A station's settings as questions, answers and a safe write: what is wrong is said where."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from edge.settings import CONFIGS, load_settings
from edge.station_file.draft import FORM_CODES
from edge.station_file.exchange import brought, exported
from edge.station_file.file import (
    BYTES_MAX,
    FileChanged,
    FileUnreadable,
    FileUnwritable,
    Standing,
    StationFile,
)
from edge.station_file.questions import (
    hidden,
    is_secret,
    section_names,
    section_questions,
    without_passwords,
)
from edge.station_file.text import value_at

KIOSK = CONFIGS / "stations" / "kiosk.toml"
AT = "2026-11-22T19:00:00Z"


@pytest.fixture
def file(tmp_path: Path) -> StationFile:
    """A copy of the example for the field, as it lies at a station."""
    path = tmp_path / "station.toml"
    path.write_text(KIOSK.read_text(encoding="utf-8"), encoding="utf-8")
    path.chmod(0o640)
    return StationFile(path)


def question(key, table=None):
    """One question by its key."""
    table = table or tomllib.loads(KIOSK.read_text(encoding="utf-8"))
    return next(one for one in section_questions(key.split(".")[0], table) if one.key == key)


def change(file: StationFile, section: str, **form: str):
    """Propose, with keys written with two underscores for each dot."""
    return file.propose(section, {key.replace("__", "."): [text] for key, text in form.items()})


@pytest.mark.parametrize(
    "path", sorted((CONFIGS / "stations").glob("*.toml")), ids=lambda p: p.stem
)
def test_every_value_of_a_station_file_is_asked_for(path):
    """A setting that no form shows could only be changed by hand."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    asked = {one.keys for name in section_names() for one in section_questions(name, table)}

    def unasked(value, way):
        if way in asked:
            return []
        rows = value.items() if isinstance(value, dict) else enumerate(value)
        nested = isinstance(value, dict | list)
        return [k for key, one in rows for k in unasked(one, (*way, key))] if nested else [way]

    assert unasked(table, ()) == []


def test_a_question_has_the_bounds_the_choices_and_the_unit_of_its_schema():
    """The form says what may stand there before somebody is refused."""
    presses = question("fingers.presses_max")
    assert (presses.kind, presses.default, presses.least, presses.most) == ("whole", 5, 3, 9)
    timeout = question("fingers.press_timeout_s")
    assert (timeout.kind, timeout.unit) == ("number", "s")
    waits = question("reuse.photo_timeout_s")
    assert (waits.least, waits.open_least) == (0, True)
    assert question("station.language").choices == ("zh-CN", "en")
    assert "cn_exit_entry" in question("portrait.documents").choices
    assert question("fingers.positions").kind == "lines"
    assert question("kiosk.screen_ppi").unit == "ppi"
    assert question("store.unsent_days_max").unit == "days"


def test_the_options_of_a_device_are_those_of_its_driver_and_hold_what_its_model_says():
    """What the model's file says need not be filled in, and is shown as what holds."""
    baud = question("reader.options.baud")
    assert (baud.required, baud.default, baud.numbers) == (False, 115200, True)
    assert question("reader.options.port").required


def test_a_change_is_written_whole_with_the_comments_the_mode_and_the_file_before(file):
    """One value, one line; the file before lies beside it."""
    before = file.read()
    now, made = change(file, "fingers", fingers__presses_max="7")
    assert made.faults == ()
    after = file.write(made.edited.text, now.sha256)

    assert after.table["fingers"]["presses_max"] == 7
    assert load_settings(file.path).fingers.presses_max == 7
    lines = before.text.splitlines()
    assert [line for line in after.text.splitlines() if line in lines] == lines
    assert file.previous().text == before.text
    assert os.stat(file.path).st_mode & 0o777 == 0o640
    assert sorted(p.name for p in file.path.parent.iterdir()) == [
        "station.toml", "station.toml.previous",
    ]  # fmt: skip
    assert file.waiting() == (("fingers", "presses_max"),)


def test_putting_back_swaps_both_and_twice_changes_nothing(file):
    """Whoever put the wrong one back puts it back again."""
    before = file.read()
    now, made = change(file, "voice", voice__volume="30")
    changed = file.write(made.edited.text, now.sha256)
    back = file.put_back(changed.sha256)
    assert back.text == before.text
    assert file.waiting() == ()
    assert file.put_back(back.sha256).text == changed.text


def test_an_empty_answer_takes_the_key_out_so_that_what_is_delivered_holds(file):
    """As delivered is not a copy of today's default."""
    _, made = change(file, "station", station__hotline="")

    assert made.faults == ()
    assert "hotline" not in tomllib.loads(made.edited.text)["station"]


@pytest.mark.parametrize(
    ("section", "key", "given", "code"),
    [
        ("fingers", "fingers.presses_max", "10", "too_large"),
        ("fingers", "fingers.presses_max", "2", "too_small"),
        ("fingers", "fingers.presses_max", "3.5", "not_whole"),
        ("fingers", "fingers.lift_s", "bald", "not_number"),
        ("fingers", "fingers.lift_s", "nan", "too_small"),
        ("fingers", "fingers.lift_s", "1e999", "too_large"),
        ("fingers", "fingers.positions", "right_thumb\nright_toe", "not_one_of"),
        ("fingers", "fingers.minimum", "3", "fingers_minimum"),
        ("fingers", "fingers.stop_loss_score", "46", "not_together"),
        ("station", "station.id", "Two Words", "form"),
        ("station", "station.id", "", "missing"),
        ("station", "station.hotline", "1" * 25, "too_long"),
        ("station", "station.language", "fr", "not_one_of"),
        ("voice", "voice.volume", "-1", "too_small"),
        ("kiosk", "kiosk.printer", "maybe", "not_one_of"),
        ("guide", "guide.enabled", "true", "console_for_nobody"),
        ("guide", "guide.host", "everywhere", "not_address"),
        ("sinks", "sinks.0.role", "copy", "custody_missing"),
        ("sinks", "sinks.0.options.url", "ftp://x", "form"),
        ("portrait", "portrait.documents", "cn_passport", "not_one_of"),
    ],
)
def test_a_wrong_answer_is_a_fault_at_its_key_and_nothing_is_written(
    file, section, key, given, code
):
    """Where, and what is wrong with it, as a code that a page has words for."""
    _, made = file.propose(section, {key: [given]})

    assert [fault.code for fault in made.faults] == [code]
    assert made.faults[0].key.startswith(key)


def test_digits_of_a_chinese_keyboard_are_digits(file):
    """Full width is how they come."""
    _, made = change(file, "voice", voice__volume="６５")

    assert made.changes == {("voice", "volume"): 65}
    assert made.faults == ()


def test_a_form_that_was_answered_as_it_stood_changes_nothing(file):
    """Whoever looks and saves has not touched the file."""
    table = file.read().table
    for name in section_names():
        form = {}
        for one in section_questions(name, table):
            held = value_at(table, one.keys)
            if one.kind == "choices":
                form[one.key] = ["", *map(str, held or ())]
            elif one.kind == "lines":
                form[one.key] = ["\r\n".join(held or ())]
            elif one.kind == "truth":
                form[one.key] = ["" if held is None else str(held).lower()]
            elif one.kind == "part":
                form[one.key] = ["" if held is None else "true"]
            elif one.kind != "fixed":
                form[one.key] = ["" if held is None else str(held)]
        _, made = file.propose(name, form)
        assert (made.changes, made.faults) == ({}, ()), name
        assert made.edited.text == file.read().text


def test_choices_keep_the_order_in_which_the_file_has_them(file):
    """A page lists them by name; what was first at this station stays first."""
    text = file.read().text
    file.path.write_text(
        text.replace('["cn_exit_entry", "cn_resident_id"]', '["cn_resident_id", "cn_exit_entry"]'),
        encoding="utf-8",
    )
    listed = ["", "cn_exit_entry", "cn_resident_id"]
    _, made = file.propose("portrait", {"portrait.documents": listed})
    assert made.changes == {}
    _, made = file.propose("portrait", {"portrait.documents": [*listed, "de_passport"]})
    wanted = ["cn_resident_id", "cn_exit_entry", "de_passport"]

    assert made.changes == {("portrait", "documents"): wanted}


def test_a_part_that_is_turned_on_asks_for_what_it_needs(file):
    """An optional table with questions of its own: they follow, with what is missing."""
    _, made = change(file, "v1", v1__network="true")
    table = tomllib.loads(made.edited.text)
    asked = {one.key for one in section_questions("v1", table)}

    assert {"v1.network.host", "v1.network.certificate"} <= asked
    assert {fault.key for fault in made.faults} >= {"v1.network.host", "v1.network.certificate"}


def test_another_driver_takes_its_own_options_and_leaves_those_of_the_old(file):
    """Options of two drivers in one table would be refused."""
    now, made = change(file, "sinks", sinks__0__driver="folder")

    assert {fault.key for fault in made.faults} == {"sinks.0.options.folder"}
    after = tomllib.loads(made.edited.text)
    asked = {one.key for one in section_questions("sinks", after)}
    assert {"sinks.0.options.folder", "sinks.0.options.station_id"} <= asked
    assert "sinks.0.options.url" not in asked
    assert now.table["sinks"][0]["options"]["url"].startswith("https:")


def test_two_technicians_at_once_do_not_write_over_each_other(file):
    """Who comes second is told, and looks again."""
    now, first = change(file, "voice", voice__volume="30")
    _, second = change(file, "voice", voice__volume="90")
    file.write(first.edited.text, now.sha256)

    with pytest.raises(FileChanged):
        file.write(second.edited.text, now.sha256)
    assert file.read().table["voice"]["volume"] == 30


def test_a_file_that_cannot_be_read_is_said_and_left_alone(file):
    """A damaged file is not written over from here, and no form is made of it."""
    sha256 = file.read().sha256
    file.path.write_text("[station", encoding="utf-8")
    for act in (file.read, file.waiting, lambda: file.write("", sha256)):
        with pytest.raises(FileUnreadable):
            act()
    file.path.write_bytes(b"a" * (BYTES_MAX + 1))
    with pytest.raises(FileUnreadable):
        file.read()


def test_a_folder_that_refuses_leaves_the_file_as_it_was(file, monkeypatch):
    """A full or read-only disk is told, and nothing is half written."""
    now, made = change(file, "voice", voice__volume="30")

    def refuses(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuses)
    with pytest.raises(FileUnwritable):
        file.write(made.edited.text, now.sha256)
    monkeypatch.undo()

    assert file.read().text == now.text


def test_a_link_stays_a_link_and_what_it_leads_to_is_changed(file, tmp_path):
    """Where a release's folder links to the station's own file."""
    link = tmp_path / "current.toml"
    link.symlink_to(file.path)
    linked = StationFile(link)
    now, made = change(linked, "voice", voice__volume="30")
    linked.write(made.edited.text, now.sha256)

    assert link.is_symlink()
    assert file.read().table["voice"]["volume"] == 30


def test_an_exported_file_comes_back_as_it_went_and_says_if_it_was_changed(file):
    """Its own first lines tell a whole file from a damaged one."""
    now = file.read()
    out = exported(now, "kiosk-000001", AT)
    back = brought(file, now, out)
    assert (back.whole, back.differing, back.faults) == (True, (), ())
    assert back.text == now.text
    edited_by_hand = brought(file, now, out.replace("102.46", "141.2"))
    assert (edited_by_hand.whole, edited_by_hand.differing) == (False, (("kiosk", "screen_ppi"),))
    torn = brought(file, now, out[: out.index("[[sinks]]")])
    assert torn.whole is False
    assert [fault.code for fault in torn.faults] == ["missing"]
    assert brought(file, now, now.text).whole is None


def test_nothing_secret_is_shown_or_leaves_and_what_comes_back_without_it_keeps_it(file):
    """A camera's password is neither in a form nor in a file that somebody carries away."""
    text = file.read().text.replace(
        "[camera.options]",
        '[camera.options]\n# password = "old-word"\npassword = "hunter2"\n'
        'url = "rtsp://admin:hunter2@192.0.2.7/stream"',
    )
    table = tomllib.loads(text)
    now = Standing(text, table, "0" * 64)
    out = exported(now, "kiosk-000001", AT)

    assert "hunter2" not in out
    assert "old-word" not in out
    assert "rtsp://192.0.2.7/stream" in out
    back = brought(file, now, out)
    held = tomllib.loads(back.text)["camera"]["options"]
    assert held["password"] == "hunter2"
    assert held["url"] == "rtsp://admin:hunter2@192.0.2.7/stream"
    assert back.differing == ()
    assert "hunter2" not in str(without_passwords(table))
    secret = question("camera.options.device")
    assert hidden(secret, "rtsp://a:b@c/") == "rtsp://c/"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True), ("rtsp_password", True), ("token", True), ("pin", True),
        ("client_secret", True), ("private_key", False), ("key_file", False), ("staff_file", False),
        ("pins", False), ("spin", False),
    ],
)  # fmt: skip
def test_a_secret_is_known_by_its_name_and_the_path_of_a_key_is_none(name, secret):
    """Paths may be seen: what they lead to is not read."""
    assert is_secret(name) is secret


def test_every_code_of_a_refusal_is_one_of_a_few():
    """Pages have a line for each."""
    assert len(set(FORM_CODES.values())) <= 14

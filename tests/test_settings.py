"""Settings: every shipped file loads, and a broken one says where, what and what instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from edge.settings import (
    CONFIGS,
    Settings,
    SettingsError,
    device_options,
    document_names,
    load_document,
    load_settings,
)

DEMO = CONFIGS / "stations" / "demo.toml"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"


def edited(tmp_path: Path, before: str, after: str) -> Path:
    """Return a copy of the demo's file with one edit."""
    text = DEMO.read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "station.toml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return path


def line_of(path: Path, text: str) -> int:
    """Number of the first line that holds this text."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


@pytest.mark.parametrize(
    "path", sorted((CONFIGS / "stations").glob("*.toml")), ids=lambda p: p.stem
)
def test_every_station_file_loads_with_its_devices_and_documents(path):
    """What we ship can be used as it is."""
    settings = load_settings(path, check_camera=path != DEMO)

    assert device_options(settings.camera, "cameras")["model"]
    assert device_options(settings.reader, "readers")["model"]
    for name in settings.portrait.documents:
        assert load_document(name).id == name


@pytest.mark.parametrize(
    ("before", "after", "key", "says"),
    [
        ('id = "demo-000001"', 'id = "Demo 1"', "station.id", "match"),
        ('language = "zh-CN"', 'language = "fr"', "station.language", "'zh-CN' or 'en'"),
        ("port = 8080", "port = 80800", "kiosk.port", "65535"),
        ("port = 8081", 'port = "many"', "v1.port", "integer"),
        ('driver = "folder"', 'driver = "webcam"', "camera.driver", "folder"),
        ('driver = "https"', 'driver = "HTTPS"', "sinks.0.driver", "match"),
        ('"cn_exit_entry", ', '"cn_passport", ', "portrait.documents", "cn_exit_entry"),
        ('driver = "https"', 'driver = "ftp"', "sinks.0.driver", "folder, https"),
        ('url = "https:', 'url = "http:', "sinks.0.options.url", "match"),
        ('port = "auto"', "port = 7", "reader.options.port", "string"),
        ("first_wait_max_s = 0", "first_wait_max_s = -1", "sinks.0.first_wait_max_s", "0"),
        ("first_wait_max_s = 0", 'role = "copy"', "sinks.0.role", "at least must be 'custody'"),
        ('["right_thumb", "left_thumb"]', "[]", "fingers.positions", "at least 1"),
        (
            '"left_thumb"]',
            '"right_thumb"]',
            "fingers.positions",
            "'right_thumb' stands there again",
        ),
        ('"cn_resident_id"]', '"cn_exit_entry"]', "portrait.documents", "stands there again"),
        ("[fingers]", "[fingers]\nstop_loss_score = 46", "fingers.stop_loss_score", "which is 45"),
        ("[fingers]", "[fingers]\naccept_score = 24", "fingers.stop_loss_score", "which is 24"),
        ("[fingers]", '[fingers]\nprofile = "thumbs"', "fingers.profile", "cn_two_fingers"),
        ("[fingers]", "[fingers]\nminimum = 3", "fingers.minimum", "at most 2"),
        ("[fingers]", '[fingers]\nrecords = ["wsq", "wsq"]', "fingers.records", "there again"),
        ("[fingers]", "[fingers]\npresses_max = 2", "fingers.presses_max", "3"),
    ],
)
def test_a_wrong_value_is_refused_with_file_line_key_and_allowed_values(
    tmp_path, before, after, key, says
):
    """A technician reads one sentence and knows which line to mend and how."""
    path = edited(tmp_path, before, after)

    with pytest.raises(SettingsError) as refused:
        load_settings(path)

    words = str(refused.value)
    # The line of the key; of its table, where the refused value is the default.
    last = after.strip(" ,").splitlines()[-1] if key.rpartition(".")[2] in after else after
    line = line_of(path, last.strip(" ,").splitlines()[0])
    assert f"{path}, line {line}: {key} " in words
    assert says in words
    assert "\n" not in words


@pytest.mark.parametrize(
    ("before", "after", "key", "near"),
    [
        ("hotline =", "hot_line =", "station.hot_line", "hotline"),
        ("[portrait]", "[portrait]\ngood_frame = 9", "portrait.good_frame", "good_frames"),
        ("[fingers]", "[finger]", "finger", "fingers"),
        ("[v1]", "[v1]\ncors = true", "v1.cors", "host, network, port"),
        ("[sinks.options]", "[sinks.options]\nca = 1", "sinks.0.options.ca", "ca_file"),
        ("[reader.options]", "[reader.options]\nbauds = 9600", "reader.options.bauds", "baud"),
        ('name = "centre"', 'nick = "centre"', "sinks.0.nick", "name"),
    ],
)
def test_an_unknown_key_is_refused_and_the_known_ones_are_named(tmp_path, before, after, key, near):
    """A typo is never silently ignored."""
    path = edited(tmp_path, before, after)

    with pytest.raises(SettingsError) as refused:
        load_settings(path)

    assert f"{key} is not known" in str(refused.value) or "is missing" in str(refused.value)
    assert near in str(refused.value)
    assert ", line " in str(refused.value)


def test_two_sinks_of_one_name_are_refused_at_the_second(tmp_path):
    """Their deliveries would be one: a copy on a stick would count as the centre's receipt."""
    stick = '[[sinks]]\nname = "centre" # stick\ndriver = "folder"\nrole = "copy"\n'
    options = '[sinks.options]\nfolder = "/media/stick"\nstation_id = "st-1"\n'
    path = edited(tmp_path, "[v1]", "[v1]")
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{stick}{options}", encoding="utf-8")

    with pytest.raises(SettingsError) as refused:
        load_settings(path)

    line = line_of(path, "# stick")
    assert f"{path}, line {line}: sinks.1.name is 'centre'; " in str(refused.value)


def test_a_missing_section_is_named(tmp_path):
    """What must be there and is not is said by its name."""
    path = edited(tmp_path, '[vision]\nface_landmarker = "', '[vision]\nface_landmarker_ = "')

    with pytest.raises(SettingsError, match=r"vision\.face_landmarker"):
        load_settings(path)


@pytest.mark.parametrize("text", ["[station", "\x00", "a = 1\na = 2", '[station]\nid = "ab'])
def test_what_is_not_toml_is_refused_with_its_place(tmp_path, text):
    """Broken syntax names the file and the place."""
    path = tmp_path / "broken.toml"
    path.write_text(text)

    with pytest.raises(SettingsError, match=r"broken\.toml: not valid TOML: .*line \d|end of doc"):
        load_settings(path)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path):
    """No traceback for a wrong path or a wrong file."""
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load_settings(tmp_path / "nowhere.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load_settings(binary)
    with pytest.raises(SettingsError):
        load_settings(tmp_path)


def fields(model: type[BaseModel], prefix: str = "") -> set[str]:
    """All keys of a settings file, dotted."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        inner = [field.annotation, *getattr(field.annotation, "__args__", ())]
        section = next((t for t in inner if isinstance(t, type) and issubclass(t, BaseModel)), None)
        found |= fields(section, f"{prefix}{name}.") if section else {prefix + name}
    return found


def test_every_setting_stands_in_the_docs():
    """No setting without a sentence about it."""
    page = PAGE.read_text(encoding="utf-8")

    missing = sorted(key for key in fields(Settings) if f"`{key}`" not in page)
    assert not missing


def test_there_are_documents():
    """A listing that finds nothing would pass every test above."""
    assert set(document_names()) >= {"cn_exit_entry", "cn_resident_id"}

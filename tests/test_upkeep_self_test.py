"""The tests of itself find what is wrong, by a figure, and say what to do in both languages."""

from __future__ import annotations

import json
import shutil
import socket
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from drivers.peers.zfm import ZfmPeer
from edge.commands.portable import check as check_command
from edge.settings import load_settings
from edge.store import Store
from edge.upkeep.fault import CODES, Fault, keep_fault
from edge.upkeep.self_test import STEPS, Verdict, packs, self_test
from edge.upkeep.self_test.custody import (
    check_disk,
    check_keys,
    check_permissions,
    check_store,
)
from edge.upkeep.self_test.devices import check_calibrations, check_devices
from edge.upkeep.self_test.doors import check_line, check_ports
from edge.upkeep.self_test.run import check_start
from edge.upkeep.self_test.scene import Scene
from edge.upkeep.starts import Level
from edge.upkeep.words import LANGUAGES, line
from tests.delivery_kit import make_kit, new_id
from tests.upkeep_kit import new_home

WORDS = Path(__file__).resolve().parent.parent / "edge" / "upkeep" / "words"


@pytest.fixture
def home(tmp_path):
    home = new_home(tmp_path / "home")
    home.file.write_text(home.settings())
    return home


@pytest.fixture
def scene(home):
    return Scene(load_settings(home.file), home.state)


@pytest.fixture
def kept(home, tmp_path):
    """A store with one package, closed."""
    store = home.folder / "store"
    kit = make_kit(tmp_path / "kit")
    with Store.open(store / "store.db", store / "store.key") as opened:
        kit.hand_in(opened, new_id())
    return store


def verdicts(rows):
    return {row.step: row.verdict.value for row in rows}


def only(rows):
    (row,) = rows
    return row


def test_every_step_and_every_fault_has_its_words_in_both_languages():
    """Whole lines, no language with less than the other, and a remedy for whatever can fail."""
    tables = [tomllib.loads((WORDS / f"{tongue}.toml").read_text("utf-8")) for tongue in LANGUAGES]
    assert {group: set(lines) for group, lines in tables[0].items()} == {
        group: set(lines) for group, lines in tables[1].items()
    }
    for language in LANGUAGES:
        for step in STEPS:
            assert line(language, f"check.{step}")
            assert line(language, f"check_do.{step}")
        for code in CODES:
            assert line(language, f"fault.{code}")
        for level in Level:
            assert line(language, f"level.{level.name.lower()}")


def test_a_file_that_is_refused_is_the_one_thing_that_is_said(home):
    """Without settings nobody knows where anything lies; the sentence has file and line."""
    home.file.write_text(home.settings().replace('language = "en"', 'language = "klingon"'))
    row = only(self_test(home.file, home.state))

    assert (row.step, row.verdict, row.value) == ("settings", Verdict.FAILED, 1.0)
    assert f"{home.file}, line" in row.said


def test_the_command_ends_with_1_and_says_figure_limit_and_remedy(home):
    """In the language that was asked for, or as JSON with every field."""
    home.file.write_text("[station\n")
    words = ["--settings", str(home.file), "--state", str(home.state)]
    told = CliRunner().invoke(check_command, [*words, "--language", "zh-CN"])
    assert told.exit_code == 1
    assert "FAIL  设置文件  1 faults  [<= 0]" in told.output
    assert line("zh-CN", "check_do.settings") in told.output
    asked = CliRunner().invoke(check_command, [*words, "--json"])
    told = json.loads(asked.output)
    assert (asked.exit_code, told["passed"]) == (1, False)
    assert {"step", "value", "unit", "least", "most", "verdict", "source", "reason"} <= (
        told["rows"][0].keys()
    )


def test_a_whole_store_passes_and_a_damaged_one_does_not(scene, kept):
    """By SQLite's own check of every page, and the chain of the audit rows."""
    assert verdicts(check_store(scene)) == dict.fromkeys(("store", "packages", "audit"), "passed")
    file = kept / "store.db"
    # The log still holds these pages whole; in time they are in the database alone.
    (kept / "store.db-wal").write_bytes(b"")
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = bytes(4096)
    file.write_bytes(content)

    assert "failed" in verdicts(check_store(scene)).values()


def test_an_audit_row_that_was_changed_fails(scene, kept):
    """Whoever edits the journal by its own means is seen."""
    with Store.open(kept / "store.db", kept / "store.key") as store:
        store.write(lambda db: db.execute("update audit set entry = cast('{}' as blob)"
                                          " where n = 2").get)  # fmt: skip
    assert verdicts(check_store(scene))["audit"] == "failed"


def test_a_private_file_that_others_may_read_fails_by_its_name(scene, kept):
    """The figure is how many, the subject which."""
    assert only(check_permissions(scene)).value == 0
    (kept / "store.key").chmod(0o644)
    row = only(check_permissions(scene))

    assert (row.value, row.subject, row.verdict) == (1, "store.key", Verdict.FAILED)


def test_room_is_measured_against_the_floor_of_the_settings(scene, kept):
    """In MiB; a floor above what the disk has fails."""
    assert only(check_disk(scene)).verdict is Verdict.PASSED
    store = scene.settings.store.model_copy(update={"floor_mib": 1 << 40})
    high = replace(scene, settings=scene.settings.model_copy(update={"store": store}))
    assert only(check_disk(high)).verdict is Verdict.FAILED


def certificate(path, days):
    """Write a certificate that holds for so many days."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "st-upkeep")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days)).sign(key, hashes.SHA256())
    )  # fmt: skip
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))


@pytest.mark.parametrize(("days", "verdict"), [(40, "passed"), (10, "failed")])
def test_the_days_of_keys_and_certificates_are_counted(scene, tmp_path, days, verdict):
    """The station's key signs; the centre's last for 30 days, a certificate for 14."""
    kit = make_kit(tmp_path / "kit")
    store = scene.settings.store
    shutil.copytree(kit.folder / "centre", store.centre_keys)
    store.folder.mkdir()
    shutil.copy(kit.folder / "keys" / "station.pem", store.folder / "station-key.pem")
    certificate(tmp_path / "tls.pem", days)
    guide = scene.settings.guide.model_copy(update={"certificate": tmp_path / "tls.pem"})
    found = replace(scene, settings=scene.settings.model_copy(update={"guide": guide}))
    rows = list(check_keys(found))

    assert verdicts(rows) == {
        "station_key": "passed", "centre_keys": "passed", "certificate": verdict,
    }  # fmt: skip
    assert [round(row.value) for row in rows if row.step == "certificate"] == [days]
    (store.folder / "station-key.pem").write_text("no key")
    assert verdicts(check_keys(scene))["station_key"] == "failed"


def test_a_port_that_somebody_has_fails_and_so_does_one_that_is_silent(scene, home):
    """Taken while no station runs; silent while one does."""
    assert only(check_ports(scene)).value == 0
    with socket.create_server(("127.0.0.1", home.kiosk)):
        row = only(check_ports(scene))
        assert (row.verdict, row.subject, row.reason) == (Verdict.FAILED, "kiosk.port", "taken")
        running = replace(scene, health={"devices": {}})
        assert only(check_ports(running)).subject == "v1.port"


def test_a_reader_that_answers_passes_with_its_seconds_and_an_absent_camera_fails(scene, tmp_path):
    """Both are opened with the very options of the settings; the reader's bytes are real ones."""
    with ZfmPeer(folder=tmp_path) as peer:
        options = {"port": str(peer.port)}
        reader = scene.settings.reader.model_copy(update={"options": options})
        found = replace(scene, settings=scene.settings.model_copy(update={"reader": reader}))
        camera, answered = check_devices(found)
    assert (camera.verdict, camera.reason) == (Verdict.FAILED, "DeviceAbsent")
    assert (answered.verdict, answered.unit) == (Verdict.PASSED, "s")


def test_a_running_station_is_asked_for_what_only_it_can_know(scene):
    """Its devices are its own: nothing is opened beside it."""
    devices = [
        {"device_id": "camera-1", "state": "busy", "reason": ""},
        {"device_id": "reader-1", "state": "absent", "reason": "not_connected"},
    ]
    holds = {"camera-1": {"state": "due", "days_left": 3.0}, "reader-1": {"state": "none"}}
    running = replace(scene, health={"calibrations": holds}, devices={"devices": devices})

    assert [(row.step, row.verdict.value, row.reason) for row in check_devices(running)] == [
        ("camera", "passed", ""), ("reader", "failed", "not_connected"),
    ]  # fmt: skip
    assert [(row.verdict.value, row.value) for row in check_calibrations(running)] == [
        ("passed", 3.0), ("not_assessed", None),
    ]  # fmt: skip
    assert only(check_calibrations(scene)).reason == "station_stopped"


def test_a_medium_that_is_not_there_is_no_line(scene):
    """The folder of a stick, mounted or not."""
    assert only(check_line(scene)).verdict is Verdict.FAILED
    Path(scene.settings.sinks[0].options["folder"]).mkdir()
    assert only(check_line(scene)).verdict is Verdict.PASSED


def test_a_spoken_line_that_was_changed_is_counted(scene, tmp_path, monkeypatch):
    """Held against the manifest, file by file; a manifest that cannot be read fails, too."""
    shutil.copytree(packs.RELEASE / "voice" / "en", tmp_path / "voice" / "en")
    monkeypatch.setattr(packs, "RELEASE", tmp_path)
    assert only(packs.check_voice(scene)).value == 0
    spoken = sorted((tmp_path / "voice" / "en").glob("*.opus"))
    spoken[0].write_bytes(b"another word")
    spoken[1].unlink()
    assert only(packs.check_voice(scene)).value == 2
    (tmp_path / "voice" / "en" / "manifest.json").write_text("{")
    assert only(packs.check_voice(scene)).verdict is Verdict.FAILED


def test_a_start_that_failed_is_said_again(scene):
    """With the sentence that safe mode shows."""
    assert only(check_start(scene)).verdict is Verdict.NOT_ASSESSED
    keep_fault(
        scene.state, Fault("settings_refused", "station.toml, line 3: no", "station.toml", 3)
    )
    row = only(check_start(scene))
    assert (row.verdict, row.reason, row.said) == (
        Verdict.FAILED, "settings_refused", "station.toml, line 3: no",
    )  # fmt: skip
    keep_fault(scene.state, None)
    assert only(check_start(scene)).verdict is Verdict.PASSED

"""`run_edge.py readers` and `support` as a technician runs them, on real bytes."""

from __future__ import annotations

import json
import os
import pty
import stat
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import drivers.find_reader
import run_edge
from drivers.peers.gt521 import Gt521Peer
from drivers.peers.zfm import ZfmPeer
from drivers.zfm_packets import Opcode
from edge.reader_survey import look_at, probes
from edge.settings import Settings, load_settings
from edge.support import (
    TRACE_LINE,
    shown_settings,
    station_members,
    told_by_station,
    write_bundle,
)
from tests.serial_server import SerialServer
from tests.wire.test_finding_readers import other_program

CHECKOUT = Path(__file__).resolve().parent.parent
KIOSK = CHECKOUT / "firmware_configs" / "stations" / "kiosk.toml"
ANSWERED, NONE, REFUSED = 0, 1, 2


def run(*words: object) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(run_edge.cli, [str(word) for word in words])


def rows(*words: object) -> list[dict[str, object]]:
    """Return what `readers --json` lists."""
    done = run("readers", "--json", *words)
    assert done.exit_code in {ANSWERED, NONE}, done.output
    listed: list[dict[str, object]] = json.loads(done.stdout)
    return listed


def test_a_reader_is_listed_with_its_model_speed_size_and_warning():
    """Numbers with their units, for who stands before it."""
    with ZfmPeer(width_px=192, height_px=192) as peer:
        done = run("readers", peer.port, "--model", "r503")

    assert done.exit_code == ANSWERED
    assert done.stdout.splitlines() == [
        str(peer.port),
        "  answers: zfm, Grow R503",
        "  line: 57600 baud, packets of 128 bytes",
        "  image: 192 x 192 px at 508 ppi",
        "  warning: Not for enrolment: its window is too small (192 x 192 px)."
        " Of genuine pairs, seven in ten were missed.",
    ]


def test_nothing_is_changed_on_a_reader_that_is_listed():
    """The model's file wants 115200 baud and packets of 256; a look is no order."""
    with ZfmPeer() as peer:
        rows(peer.port, "--model", "r307")
        rows(peer.port)

        assert Opcode.SET_SYS_PARA not in peer.heard_opcodes()
        assert peer.baud == 57600


def test_who_answers_is_named_without_naming_a_model():
    """What its size is, only the module or its file can say."""
    with ZfmPeer() as zfm, Gt521Peer() as gt521:
        (first,) = rows(zfm.port)
        second = look_at(str(gt521.port), [way for way in probes() if way.driver == "gt521"])

    assert (first["driver"], first["baud"], first["width_px"]) == ("zfm", 57600, 0)
    assert (first["resolution_ppi"], first["warning"]) == (None, "")
    assert (second.driver, second.baud, second.resolution_ppi) == ("gt521", 9600, None)
    assert (second.width_px, second.height_px) == (202, 258)


def test_a_reader_behind_a_serial_server_is_listed():
    """By the address that the settings would have."""
    with ZfmPeer() as peer, SerialServer(peer.port, rfc2217=True) as server:
        (row,) = rows(server.address, "--model", "r307")

    assert (row["port"], row["driver"], row["model"]) == (server.address, "zfm", "Grow R307")


def test_a_port_without_a_reader_says_why_and_ends_with_1(tmp_path):
    """A script can tell; a technician reads the reason."""
    done = run("readers", tmp_path / "ttyUSB9")
    (gone,) = rows(tmp_path / "ttyUSB9")

    assert done.exit_code == NONE
    assert "no reader: " in done.stdout
    assert (gone["driver"], gone["held"]) == ("", False)
    assert gone["trouble"] == "there is no such port; is it plugged in?"


def test_a_port_that_somebody_has_is_named_and_not_asked():
    """Two programs on one line harm each other."""
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    os.close(slave)
    with other_program(path):
        done = run("readers", path)
    os.close(master)

    assert done.exit_code == NONE
    assert "in use: python" in done.stdout


def test_without_a_port_the_machines_ports_are_asked(monkeypatch, tmp_path):
    """Those that a reader may be on, by their lasting names."""
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    find = drivers.find_reader.candidate_ports
    monkeypatch.setattr(drivers.find_reader, "candidate_ports", lambda: find(by_id, tmp_path))
    assert rows() == []
    assert "Is its cable in?" in run("readers").stdout
    with ZfmPeer() as peer:
        (by_id / "usb-reader").symlink_to(os.path.realpath(peer.port))
        (row,) = rows()

    assert row["port"] == str(by_id / "usb-reader")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("readers", "ttyUSB0"), "is none of: auto, a path"),
        (("readers", "--model", "none"), "cannot be read"),
        (("readers", "--settings", "none.toml"), "cannot be read"),
        (("support", "--settings", str(KIOSK), "/no/such/folder/x.zip"), "No such file"),
        (("support", "--settings", str(KIOSK), "/"), "(/): this is a folder; name the file"),
    ],
    ids=["address", "model", "settings", "folder", "no file"],
)
def test_what_cannot_begin_is_one_sentence_and_ends_with_2(words, sentence, tmp_path):
    """As every other refusal of the command line."""
    done = run(*words)

    assert done.exit_code == REFUSED
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def kiosk_settings(folder: Path, port: str) -> Settings:
    """The example station, moved to a folder and a reader of this test."""
    settings = load_settings(KIOSK, check_camera=False)
    store = settings.store.model_copy(update={"folder": folder})
    reader = settings.reader.model_copy(
        update={"options": {"port": port, "scan_baud": [57600], "handshake_s": 0.1}}
    )
    return settings.model_copy(update={"store": store, "reader": reader})


def test_without_a_running_station_the_reader_is_asked_and_that_is_said(tmp_path):
    """The bundle of a station that does not start is the one that is wanted most."""
    with ZfmPeer(baud=115200) as peer:
        told = told_by_station(kiosk_settings(tmp_path, str(peer.port)))
    (device,) = told["devices"]

    assert told["running"] is False
    assert told["why"] == "the station was not reached: No such file or directory"
    assert device["line"]["baud"] == 115200
    assert device["trace"]
    assert all(TRACE_LINE.match(line) for line in device["trace"])


def test_a_reader_that_does_not_answer_leaves_its_sentence_and_what_was_said(tmp_path):
    """What was sent into the silence is in the bundle too."""
    with ZfmPeer() as peer:
        peer.deaf = True
        told = told_by_station(kiosk_settings(tmp_path, str(peer.port)))
    (device,) = told["devices"]

    assert device["detail"] == f"{peer.port}: nothing answers"
    assert device["trace"]


def test_the_bundle_is_its_owners_and_never_overwrites(tmp_path):
    """Nobody loses yesterday's bundle, and no other user of the machine reads it."""
    file = tmp_path / "support.zip"
    write_bundle(None, "no settings", file)
    with pytest.raises(FileExistsError):
        write_bundle(None, "no settings", file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with zipfile.ZipFile(file) as bundle:
        assert json.loads(bundle.read("settings.json")) == {"unreadable": "no settings"}
        assert "anxin" in bundle.read("README.txt").decode().lower()
        assert json.loads(bundle.read("about.json"))["packages"]["pyserial"]


def test_settings_that_cannot_be_read_still_make_a_bundle(tmp_path):
    """The sentence that refused them is in it."""
    broken = tmp_path / "station.toml"
    broken.write_text("[station\n")
    done = run("support", tmp_path / "x.zip", "--settings", broken)

    assert done.exit_code == 0
    with zipfile.ZipFile(tmp_path / "x.zip") as bundle:
        assert "not valid TOML" in json.loads(bundle.read("settings.json"))["unreadable"]


def test_words_of_options_that_might_be_secret_are_not_shown():
    """What nobody allowed is left out, wherever it stands; numbers and known words stay."""
    settings = load_settings(KIOSK, check_camera=False)
    sink = settings.sinks[0].model_copy(
        update={
            "options": {
                "url": "https://clerk:hunter2@centre.example:8443/in?token=hunter2#hunter2",
                "bearer": "hunter2",
                "headers": {"X-Key": "hunter2", "url": "https://x:hunter2@y/"},
                "pins": ["hunter2"],
                "retries": 3,
            }
        }
    )
    station = settings.station.model_copy(update={"hotline": "13800000000"})
    shown = shown_settings(settings.model_copy(update={"sinks": (sink,), "station": station}))
    text = json.dumps(shown)

    assert "hunter2" not in text
    assert "13800000000" not in text
    assert shown["sinks"][0]["options"]["url"] == "https://centre.example:8443/in"
    assert shown["sinks"][0]["options"]["retries"] == 3
    assert shown["reader"]["options"]["port"].startswith("/dev/serial/")


def test_only_what_has_the_shape_of_a_trace_and_of_a_log_line_passes():
    """Whatever a device or a library managed to say, words of people do not leave by it."""
    told = {
        "running": True,
        "devices": [
            {
                "device_id": "reader-1",
                "trace": [
                    "-12 ms > ef 01  GetImage",
                    "0 ms < 07 00 03  acknowledge (4 times)",
                    "陈诗涵",
                    "0 ms < " + "ab " * 300,
                    "0 ms < 07 陈",
                ],
            }
        ],
        "log": [
            '{"event": "opened", "name": "Chen Shihan", "port": "/dev/x y"}',
            "Chen Shihan",
            '["Chen Shihan"]',
        ],
    }
    members = station_members(told)

    assert members["trace-reader-1.txt"].splitlines() == [
        "-12 ms > ef 01  GetImage",
        "0 ms < 07 00 03  acknowledge (4 times)",
    ]
    assert [json.loads(line) for line in members["log.jsonl"].splitlines()] == [
        {"event": "opened", "port": "…"}
    ]
    assert not any("Shihan" in text or "陈" in text for text in members.values())

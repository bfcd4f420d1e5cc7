"""The demo as its user starts it: a process, its signals, its exit codes, its one sentence."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import run_edge
from demo.console.knobs import Knobs
from demo.pictures import MOVING, SUBJECTS
from edge.settings import Store
from edge.store.disk_floor import LAST_SHARE
from edge.store.errors import StoreFull

CHECKOUT = Path(__file__).resolve().parent.parent.parent
LONG_S = 90.0


def command(folder: Path, *arguments: str) -> list[str]:
    """The demo on free ports, with its state in `folder`; its person presses without delay."""
    ports = ("--kiosk-port", "0", "--v1-port", "0", "--centre-port", "0", "--quick-reader")
    return [sys.executable, "run_edge.py", "demo", "--folder", str(folder), *ports, *arguments]


def run_once(folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Walk one person through; return exit code, report and what was said on standard error."""
    done = subprocess.run(
        command(folder, "--once", "--json", "--subject", "suit", *arguments),
        cwd=CHECKOUT, capture_output=True, text=True, timeout=LONG_S * 2, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


@contextmanager
def running(
    folder: Path, subject: str = "suit", **environment: str
) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """A demo that serves; killed at the end if the test did not end it."""
    process = subprocess.Popen(
        command(folder, "--json", "--subject", subject),
        cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, env=os.environ | environment,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        yield process, json.loads(line)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True)
class Page:
    """What the kiosk's page shows now, read from the page itself."""

    screen: str
    overlay: str
    token: str
    mark: str


def page_of(where: dict[str, Any]) -> Page:
    """Fetch the page as a browser does."""
    html = urllib.request.urlopen(where["kiosk"], timeout=10).read().decode()
    found = [
        re.search(pattern, html)
        for pattern in (
            r'data-screen="([^"]*)"',
            r'data-overlay="([^"]*)"',
            r'name="token" value="([^"]*)"',
            r'name="mark" value="([^"]*)"',
        )
    ]
    return Page(*(match[1] if match else "" for match in found))


def until(where: dict[str, Any], *screens: str) -> Page:
    """Wait until one of these screens is shown, without anything over it."""
    until_s = time.monotonic() + LONG_S
    while time.monotonic() < until_s:
        page = page_of(where)
        if page.screen in screens and not page.overlay:
            return page
        time.sleep(0.1)
    raise AssertionError(f"waited in vain for {screens}: {page}")


def act(where: dict[str, Any], action: str, page: Page) -> None:
    """Touch a button, as the page's own form does."""
    fields = {"action": action, "token": page.token, "mark": page.mark}
    request = urllib.request.Request(
        where["kiosk"] + "act",
        urllib.parse.urlencode(fields).encode(),
        {"Origin": where["kiosk"].rstrip("/")},
    )
    urllib.request.urlopen(request, timeout=15).read()


def to_the_portrait(where: dict[str, Any], folder: Path) -> Page:
    """From the welcome page to the portrait that is to be reviewed; no finger will be given."""
    Knobs(folder, "suit").turn("reader.press", "none")
    act(where, "start", until(where, "welcome"))
    act(where, "agree", until(where, "consent"))
    return until(where, "portrait-ok")


@pytest.fixture
def folder(tmp_path: Path, scenes: Path) -> Path:
    """A demo folder whose scenes are composed already."""
    shutil.copytree(scenes, tmp_path / "demo" / "camera")
    return tmp_path / "demo"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system far below the demo's floor."""
    disk = tmp_path / "small"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here, so no disk can be small")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_once_exits_0_only_after_the_centre_opened_the_package(folder):
    """The report for machines names every reading, score, size and time; the centre has it."""
    code, told, said = run_once(folder)

    assert (code, told["problem"], said) == (0, "", "")
    assert told["receipt"]["outcome"] == "stored"
    assert (folder / "centre" / "packages" / told["package_id"]).is_dir()
    measures = {row["measure"] for row in told["readings"]}
    assert {"HeadPoseYaw", "EyesOpen", "MouthClosed", "InterEyeDistance", "HeadSize"} <= measures
    for row in told["readings"]:
        assert {"measure", "native", "unit", "min", "max", "verdict"} <= row.keys()
    assert {row["position"] for row in told["fingers"]} == {"right_thumb", "left_thumb"}
    assert told["package_bytes"] > sum(part["bytes"] for part in told["parts"])
    assert {"portrait", "finger", "delivery"} <= told["steps_s"].keys()


def test_once_exits_1_when_no_receipt_can_come(folder):
    """Without a person in view there is no package, and the exit code says so."""
    code, told, _ = run_once(folder, "--subject", "nobody", "--limit-s", "8")

    assert code == 1
    assert "portrait" in told["problem"]
    assert told["receipt"] == {}


def test_a_second_service_on_the_same_store_is_refused_in_one_sentence(folder):
    """The first one goes on undisturbed."""
    with running(folder) as (process, where):
        code, _, said = run_once(folder)

        assert code == 2
        assert said.count("\n") == 1
        assert "Another station service" in said
        assert process.poll() is None
        assert page_of(where).screen == "welcome"


def test_what_cannot_begin_ends_in_one_sentence(folder):
    """No traceback for a wrong subject or for a port that somebody else has; nothing was begun."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        cases = {
            ("--subject", "dragon"): "No subject 'dragon'",
            **{
                (option, port): f"Port {port} is in use: stop what uses it, or give another with "
                f"{option} (0: any free one)."
                for option in ("--kiosk-port", "--v1-port", "--centre-port")
            },
        }
        for arguments, says in cases.items():
            done = subprocess.run(
                command(folder, *arguments), cwd=CHECKOUT, capture_output=True, text=True,
                timeout=LONG_S, check=False,
            )  # fmt: skip

            assert done.returncode == 2, done
            assert says in done.stderr
            assert done.stderr.count("\n") == 1
            assert not (folder / "store").exists()


def test_a_token_file_that_protects_nothing_ends_in_one_sentence(folder):
    """It says which file to remove."""
    token = folder / "store" / "v1.token"
    token.parent.mkdir(parents=True)
    token.write_text("short")
    token.chmod(0o600)
    done = subprocess.run(
        command(folder), cwd=CHECKOUT, capture_output=True, text=True, timeout=LONG_S, check=False
    )

    assert done.returncode == 2
    assert f"{token} holds no token" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left"), StoreFull("no room")])
def test_a_full_disk_at_the_start_says_how_much_to_free(fault, capsys):
    """Not only that it is full: an action and an amount."""
    with pytest.raises(SystemExit) as ended, run_edge.one_sentence():
        raise fault

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "disk is full" in said
    assert "free at least 300 MiB" in said
    store = Store.model_fields
    floor, reserve = (store[name].default for name in ("floor_mib", "reserve_mib"))
    assert floor + reserve * (1 + LAST_SHARE) <= run_edge.ROOM_MIB


def test_once_names_what_keeps_the_station_out_of_service(folder, small_disk):
    """A store below its floor does not mend itself: the walk ends long before its limit."""
    small = small_disk / "demo"
    small.mkdir()
    (small / "camera").symlink_to(folder / "camera")
    code, told, said = run_once(small, "--limit-s", "1000")

    assert (code, said) == (1, "")
    assert told["problem"] == "the station is out of service: store_full"


def test_help_lists_the_subjects():
    """Who wants to see another person finds the names where the option is."""
    done = subprocess.run(
        [sys.executable, "run_edge.py", "demo", "--help"], cwd=CHECKOUT, capture_output=True,
        text=True, timeout=LONG_S, check=True,
    )  # fmt: skip

    missing = [name for name in (*SUBJECTS, MOVING) if f"\n  {name} " not in done.stdout]
    assert missing == []


def test_a_broken_settings_file_ends_run_with_one_sentence(tmp_path):
    """`run --settings` names the file, the line and the key."""
    path = tmp_path / "broken.toml"
    path.write_text('[station]\nid = "st-1"\nlanguage = "klingon"\n')
    done = subprocess.run(
        [sys.executable, "run_edge.py", "run", "--settings", str(path)],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=LONG_S, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert f"{path}, line 3: station.language is 'klingon'" in done.stderr
    assert done.stderr.count("\n") == 1


@contextmanager
def keeper(path: Path) -> Iterator[Callable[[], list[str]]]:
    """The socket of whoever keeps the service; yields what returns all that it has been told."""
    heard: list[str] = []

    def told() -> list[str]:
        while select.select([line], [], [], 0)[0]:
            heard.append(line.recv(64).decode())
        return heard

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(path))
        yield told


def test_sigterm_in_a_sitting_ends_cleanly_and_the_sitting_goes_on_after_the_restart(folder):
    """The portrait is in; the next start asks for the fingers and the package arrives. Who keeps
    the service heard that it was ready, that it lived, and at last that it was ending.
    """
    watched = {"NOTIFY_SOCKET": str(folder.parent / "notify"), "WATCHDOG_USEC": "2000000"}
    with (
        keeper(folder.parent / "notify") as told_of_life,
        running(folder, **watched) as (process, where),
    ):
        act(where, "portrait-kept", to_the_portrait(where, folder))
        until(where, "finger")
        assert {"READY=1", "WATCHDOG=1"} == set(told_of_life())
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=LONG_S) == 0
        assert told_of_life()[-1] == "STOPPING=1"
    code, told, _ = run_once(folder)

    assert (code, told["problem"]) == (0, "")
    assert {"consent", "portrait"}.isdisjoint(told["steps_s"])
    assert "portrait/master.jpg" in {part["name"] for part in told["parts"]}


def test_sigkill_right_after_done_loses_nothing_and_doubles_nothing(folder):
    """What the screen called done is delivered by the next start, exactly once."""
    with running(folder) as (process, where):
        act(where, "portrait-kept", to_the_portrait(where, folder))
        page = until(where, "finger", "review")
        while page.screen == "finger":
            act(where, "finger-skipped", page)
            page = until(where, "finger", "review")
        act(where, "hand-in", page)
        until(where, "result")
        process.kill()
        process.wait()
    code, told, _ = run_once(folder)

    arrived = {path.name for path in (folder / "centre" / "packages").iterdir()}
    assert code == 0
    assert told["package_id"] in arrived
    assert len(arrived) == 2


def test_sigkill_at_a_random_moment_is_followed_by_a_start_that_serves(folder):
    """Whatever the moment, the next start comes up, and its sitting is delivered."""
    moment = random.Random(os.urandom(8))
    for _ in range(3):
        process = subprocess.Popen(
            command(folder, "--once", "--json", "--subject", "suit"),
            cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(moment.uniform(0.5, 8.0))
        process.kill()
        process.wait()
    code, told, said = run_once(folder)

    assert (code, told.get("problem"), said) == (0, "", "")

"""`port = "auto"`: found wherever it is, and never a port that somebody else has."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

import drivers.load
from drivers.errors import (
    DeviceAbsent,
    DeviceError,
    DeviceTimeout,
    PortHeld,
    ProtocolViolation,
)
from drivers.find_reader import REST_S, ReaderFinder, candidate_ports
from drivers.fingerprint import FingerImage
from drivers.load import reader_opener
from drivers.peers.zfm import ZfmPeer
from drivers.port_claims import Machine, claim_on, demand_free
from drivers.serial_port import open_port
from tests.wire.glass import HEIGHT_PX, WIDTH_PX

CONFIGS = Path(__file__).parents[2] / "firmware_configs" / "readers"
MODEL_OF = {"zfm": "r307.toml", "gt521": "gt521f32.toml"}

HOLDER = """
import os, sys
os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
print("open", flush=True)
sys.stdin.read()
"""


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


@pytest.fixture
def by_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of lasting names, and the only place that is looked at."""
    folder = tmp_path / "by-id"
    folder.mkdir()
    monkeypatch.setattr(drivers.load, "candidate_ports", lambda: candidate_ports(folder, tmp_path))
    return folder


@pytest.fixture
def opener() -> Callable[[], object]:
    """Opens a small simulated reader wherever it is."""
    return reader_opener(
        "zfm",
        {
            "port": "auto", "model": "test", "width_px": WIDTH_PX, "height_px": HEIGHT_PX,
            "resolution_ppi": 500, "scan_baud": (57600,), "handshake_s": 0.5, "poll_s": 0.01,
        },
    )  # fmt: skip


def plug(folder: Path, name: str, peer: ZfmPeer) -> Path:
    """Let udev give the peer's line a lasting name."""
    link = folder / name
    link.symlink_to(os.path.realpath(peer.port))
    return link


@contextmanager
def other_program(path: str) -> Iterator[int]:
    """Another process with the port open."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield process.pid
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def line() -> Iterator[str]:
    """A serial line that nobody has, its other end held by another program as a modem's is."""
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    os.close(slave)
    yield path
    os.close(master)


def test_a_reader_is_found_among_lines_on_which_nothing_answers(peer, by_id, opener, pixels):
    """By its handshake, not by its name."""
    with ZfmPeer() as silent:
        silent.deaf = True
        plug(by_id, "usb-a_silent-if00", silent)
        link = plug(by_id, "usb-b_reader-if00", peer)
        reader = opener()
        try:
            assert reader.facts.port == str(link)
            image = reader.capture(2.0, nobody)
        finally:
            reader.close()

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


def test_a_reader_that_moves_to_another_port_is_found_again(peer, by_id, opener):
    """Unplugged here, plugged in there, under another name: nobody sets anything."""
    link = plug(by_id, "usb-left", peer)
    opener().close()
    link.unlink()
    with pytest.raises(DeviceAbsent, match="no serial port"):
        opener()
    moved = plug(by_id, "usb-right", peer)
    reader = opener()
    reader.close()

    assert reader.facts.port == str(moved)


def test_no_port_anywhere_is_absent(by_id, opener):
    """Nothing to look at is not a fault of a reader."""
    with pytest.raises(DeviceAbsent, match="no serial port to look at"):
        opener()


def test_each_device_is_a_candidate_once_by_its_lasting_name(tmp_path):
    """A link and its device are one port; what is neither adapter nor pins is none."""
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    for name in ("ttyUSB0", "ttyUSB1", "ttyACM0", "ttyS0", "tty1", "ttyAMA0"):
        (tmp_path / name).touch()
    (by_id / "usb-reader").symlink_to(tmp_path / "ttyUSB1")
    (by_id / "usb-gone").symlink_to(tmp_path / "ttyUSB7")

    assert [Path(port).name for port in candidate_ports(by_id, tmp_path)] == [
        "usb-reader", "ttyUSB0", "ttyACM0", "ttyAMA0",
    ]  # fmt: skip


def test_without_udevs_folder_the_devices_themselves_are_candidates(tmp_path):
    """A small system without udev has no by-id."""
    (tmp_path / "ttyUSB0").touch()

    assert candidate_ports(tmp_path / "none", tmp_path) == [str(tmp_path / "ttyUSB0")]


class Trial:
    """What the finder opened, in order; a port that is not in `answers` is silent."""

    def __init__(self, answers: dict[str, object]) -> None:
        self.answers = answers
        self.tried: list[str] = []

    def open_on(self, port: str) -> object:
        self.tried.append(port)
        answer = self.answers.get(port, DeviceAbsent(f"{port}: nothing answers"))
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_the_last_that_worked_is_tried_first_and_a_newcomer_before_it():
    """A reader that comes back is open at once; one that moved does not wait for its old port."""
    ports = ["a", "b", "c"]
    trial = Trial({"c": "reader"})
    finder = ReaderFinder(trial.open_on, lambda: tuple(ports))
    assert finder.open() == "reader"
    assert trial.tried == ["a", "b", "c"]
    trial.tried.clear()
    assert finder.open() == "reader"
    assert trial.tried == ["c"]
    trial.tried.clear()
    ports.append("d")
    trial.answers = {"d": "reader"}
    assert finder.open() == "reader"

    assert trial.tried == ["d"]


def test_silent_ports_rest_while_another_can_be_tried(monkeypatch):
    """Somebody's printer is not asked every two seconds whether it is a fingerprint reader."""
    now_s = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    trial = Trial({"c": "reader"})
    finder = ReaderFinder(trial.open_on, lambda: ("a", "b", "c"))
    finder.open()
    trial.answers.clear()
    trial.tried.clear()
    for _ in range(3):
        now_s[0] += 2
        with pytest.raises(DeviceAbsent):
            finder.open()
    assert trial.tried == ["c", "c", "c"]
    now_s[0] += REST_S
    with pytest.raises(DeviceAbsent):
        finder.open()

    assert trial.tried[3:] == ["c", "a", "b"]


def test_where_every_port_rests_the_longest_rested_is_tried_all_the_same():
    """A module whose power comes after the station's is found."""
    trial = Trial({})
    finder = ReaderFinder(trial.open_on, lambda: ("a", "b"))
    for _ in range(3):
        with pytest.raises(DeviceAbsent):
            finder.open()

    assert trial.tried == ["a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("met", "told"),
    [
        ([DeviceAbsent("x"), PortHeld("held")], "held"),
        ([PortHeld("held"), ProtocolViolation("noise")], "noise"),
        ([DeviceTimeout("late"), DeviceAbsent("x")], "late"),
        ([DeviceError("password"), ProtocolViolation("noise")], "password"),
    ],
    ids=["held", "noise", "late", "password"],
)
def test_the_most_telling_failure_is_told(met, told):
    """A reader with a password is no missing reader, wherever in the list it stands."""
    answers = {str(n): failure for n, failure in enumerate(met)}
    finder = ReaderFinder(Trial(answers).open_on, lambda: tuple(answers))

    with pytest.raises(DeviceError, match=told):
        finder.open()


def test_a_port_that_another_program_has_is_refused_and_named(line):
    """Two programs on one line would each get half the bytes; the sentence says whom to end."""
    with (
        other_program(line) as number,
        pytest.raises(PortHeld, match=rf"python\S* has it open \(process {number}\)"),
    ):
        open_port(line, 57600)

    open_port(line, 57600).close()


def test_a_port_that_is_only_locked_is_refused(peer):
    """A program that runs as somebody else cannot be seen; its lock can."""
    first = open_port(str(peer.port), 57600)
    try:
        with pytest.raises(PortHeld, match="locked"):
            open_port(str(peer.port), 57600)
    finally:
        first.close()


def test_the_finder_passes_a_port_that_another_program_has(peer, by_id, opener, line):
    """It is not even opened; the reader behind it in the list is."""
    (by_id / "usb-a").symlink_to(line)
    link = plug(by_id, "usb-b", peer)
    with other_program(line):
        reader = opener()
        reader.close()

    assert reader.facts.port == str(link)


def test_the_other_end_of_a_pseudo_terminal_is_no_rival(peer):
    """The demo's reader runs in a process of its own and holds both ends of its line."""
    source = (
        "import os,pty,sys; m,s=pty.openpty(); print(os.ttyname(s),flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdin
        demand_free(process.stdout.readline().strip())
        process.stdin.close()


@pytest.mark.skipif(not shutil.which("agetty"), reason="no agetty on this machine")
def test_a_login_console_is_refused_with_the_unit_to_disable(line):
    """A real getty on the line: it would answer the reader's bytes with "login:"."""
    name = line.removeprefix("/dev/")
    with subprocess.Popen(
        [str(shutil.which("agetty")), "--noclear", "-L", name, "9600"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            unit = rf"serial-getty@{name.replace('/', '-')}\.service"
            until_s = time.monotonic() + 60
            while not claim_on(Path(line)):
                if process.poll() is not None:
                    pytest.skip("agetty does not run here")
                assert time.monotonic() < until_s
                time.sleep(0.01)
            with pytest.raises(PortHeld, match=rf"systemctl disable --now {unit}"):
                open_port(line, 57600)
        finally:
            process.kill()


def machine_at(folder: Path) -> Machine:
    """A machine with one line and nobody on it, written down in a folder."""
    for name in ("proc", "dev", "lock", "units/getty.target.wants", "generated"):
        (folder / name).mkdir(parents=True)
    (folder / "dev" / "ttyS0").touch()
    return Machine(
        proc=folder / "proc",
        dev=folder / "dev",
        consoles=folder / "consoles",
        locks=(folder / "lock",),
        units=(folder / "units", folder / "generated"),
    )


def run_on(machine: Machine, number: int, *words: str) -> Path:
    """Let a process run there."""
    process = machine.proc / str(number)
    (process / "fd").mkdir(parents=True)
    (process / "cmdline").write_bytes(b"\0".join(word.encode() for word in words) + b"\0")
    return process


def test_a_free_line_has_no_claim(tmp_path):
    """Neither the machine's other processes nor their other files count."""
    machine = machine_at(tmp_path)
    (run_on(machine, 7, "/usr/bin/cat", "ttyS0") / "fd" / "3").symlink_to("/dev/null")
    run_on(machine, 8, "/sbin/agetty", "ttyS1")

    assert claim_on(machine.dev / "ttyS0", machine) == ""


def test_a_getty_that_the_machine_starts_is_a_claim_before_it_runs(tmp_path):
    """It would take the line at the next start; a masked unit does not."""
    machine = machine_at(tmp_path)
    wants = tmp_path / "units" / "getty.target.wants" / "serial-getty@ttyS0.service"
    wants.symlink_to("/usr/lib/systemd/system/serial-getty@.service")
    assert "systemctl disable --now serial-getty@ttyS0.service" in claim_on(
        machine.dev / "ttyS0", machine
    )
    (tmp_path / "units" / "serial-getty@ttyS0.service").symlink_to("/dev/null")

    assert claim_on(machine.dev / "ttyS0", machine) == ""


def test_a_getty_that_took_noise_for_a_name_is_a_login_console_still(tmp_path):
    """It is called login then, and the unit to disable is the same."""
    machine = machine_at(tmp_path)
    (run_on(machine, 50, "/bin/login", "--") / "fd" / "0").symlink_to(machine.dev / "ttyS0")

    assert "serial-getty@ttyS0.service" in claim_on(machine.dev / "ttyS0", machine)


def test_the_kernels_console_is_a_claim(tmp_path):
    """Its messages would come between the reader's bytes."""
    machine = machine_at(tmp_path)
    machine.consoles.write_text("tty0 ttyS0\n")

    assert "take console=ttyS0 out" in claim_on(machine.dev / "ttyS0", machine)


def test_an_old_lock_file_counts_while_its_process_lives(tmp_path):
    """minicom and its relatives write one; a crashed one leaves it behind."""
    machine = machine_at(tmp_path)
    (tmp_path / "lock" / "LCK..ttyS0").write_text("      4711 minicom root\n")
    assert claim_on(machine.dev / "ttyS0", machine) == ""
    run_on(machine, 4711, "/usr/bin/minicom", "-D", "/dev/ttyS0")

    assert re.match(
        r"minicom has it open \(process 4711\)", claim_on(machine.dev / "ttyS0", machine)
    )


def test_the_running_station_is_called_the_station(tmp_path):
    """The technician who runs a command beside it need not guess what python is."""
    machine = machine_at(tmp_path)
    process = run_on(machine, 99, "/opt/anxin/python", "/opt/anxin/run_edge.py", "run")
    (process / "fd" / "5").symlink_to(machine.dev / "ttyS0")

    assert claim_on(machine.dev / "ttyS0", machine) == (
        "the station itself has it open (process 99)"
    )


@pytest.mark.parametrize("name", ["zfm", "gt521"])
def test_a_reader_that_does_not_open_hands_over_what_was_said(name, tmp_path):
    """Its trace would else be lost with it, and support would see an empty line."""
    options = tomllib.loads((CONFIGS / MODEL_OF[name]).read_text(encoding="utf-8"))
    quick = {"handshake_s": 0.05}
    peer_class = getattr(import_module(f"drivers.peers.{name}"), f"{name.capitalize()}Peer")
    with peer_class() as peer:
        peer.deaf = True
        with pytest.raises(DeviceError) as failed:
            drivers.load.open_reader(name, {**options, **quick, "port": peer.port})

    notes = failed.value.__notes__
    assert notes
    assert all(re.match(r"-?\d+ ms [<>] ", note) for note in notes)

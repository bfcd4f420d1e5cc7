"""A station's files and its process, as systemd would have them; the devices are absent."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.station import free_port
from edge.trust.keys import StationKey

CHECKOUT = Path(__file__).resolve().parent.parent
LONG_S = 90.0
"""No test measures time with this: it only ends a test that would else hang."""

SETTINGS = """\
[station]
id = "st-upkeep"
hotline = "12367"
language = "en"

[camera]
id = "camera-1"
driver = "{driver}"

[camera.options]
{options}

[reader]
id = "reader-1"
driver = "zfm"
model = "r307"

[reader.options]
port = "{folder}/no-such-port"

[vision]
face_landmarker = "{checkout}/.cache/anxin/models/face_landmarker.task"
selfie_segmentation = "{checkout}/.cache/anxin/models/selfie_segmentation.tflite"

[portrait]
documents = ["cn_exit_entry"]

[store]
folder = "{folder}/store"
centre_keys = "{folder}/centre"
floor_mib = 1
reserve_mib = 1
tpm = "device:{folder}/no-tpm"

[kiosk]
port = {kiosk}

[v1]
port = {v1}

[technician]
port = {technician}

[[sinks]]
name = "copies"
driver = "folder"
role = "custody"
first_wait_max_s = 0

[sinks.options]
folder = "{folder}/delivered"
station_id = "st-upkeep"
"""
FOLDER_CAMERA = """\
model = "Folder camera"
folder = "{folder}/camera"
play = "straight"
scripts = { straight = { views = [{ picture = "straight.png" }] } }"""


@dataclass(frozen=True)
class Home:
    """Where one station's files lie, and its ports."""

    folder: Path
    kiosk: int
    v1: int
    technician: int

    @property
    def file(self) -> Path:
        return self.folder / "station.toml"

    @property
    def state(self) -> Path:
        return self.folder / "upkeep"

    def settings(self, driver: str = "folder", options: str = FOLDER_CAMERA) -> str:
        return SETTINGS.format(
            driver=driver, options=options.replace("{folder}", str(self.folder)),
            folder=self.folder, checkout=CHECKOUT, kiosk=self.kiosk, v1=self.v1,
            technician=self.technician,
        )  # fmt: skip

    def provision(self, centre: Path) -> None:
        """Bring the centre's keys and the station's own."""
        shutil.copytree(centre, self.folder / "centre")
        StationKey.open_or_make(self.folder / "store" / "station-key.pem")

    def page(self, port: int, path: str = "/") -> tuple[int, str]:
        """Return status and body; (0, "") while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def health(self) -> dict:
        """Return what `/v1/health` says to who has the token."""
        token = (self.folder / "store" / "v1.token").read_text().strip()
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.v1}/v1/health", headers={"Authorization": f"Bearer {token}"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return json.load(refused)

    def starts(self) -> list[dict]:
        return json.loads((self.state / "starts.json").read_bytes())["starts"]


def new_home(folder: Path) -> Home:
    folder.mkdir(parents=True, exist_ok=True)
    ports: set[int] = set()
    while len(ports) < 3:
        ports.add(free_port())
    return Home(folder, *sorted(ports))


def until(wanted: Callable[[], bool], why: str) -> None:
    """Wait for a condition; fail with its name."""
    until_s = time.monotonic() + LONG_S
    while not wanted():
        if time.monotonic() > until_s:
            raise AssertionError(f"waited in vain for {why}")
        time.sleep(0.05)


@contextmanager
def service(home: Home, *more: str, python_path: Path | None = None) -> Iterator[subprocess.Popen]:
    """`run_edge.py run` as the unit starts it, ended by SIGTERM."""
    environment = dict(os.environ)
    if python_path is not None:
        environment["PYTHONPATH"] = str(python_path)
    words = [sys.executable, "run_edge.py", "run", "--settings", home.file, "--state", home.state]
    with (home.folder / "service.log").open("a") as said:
        process = subprocess.Popen(
            [*map(str, words), *more], cwd=CHECKOUT, stderr=said, env=environment
        )
        try:
            yield process
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=LONG_S)
        finally:
            process.kill()
            process.wait()

"""Stories of faults: the camera, the line to the centre. It is never the person's fault."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.persons import CHECKOUT
from tests.stories.elder import delivered, packages


def test_camera_lost_and_back(come, demo, before):
    """A calm card where the picture was, nothing to be pressed, and then the portrait."""
    elder = come("nobody")
    elder.begins()
    elder.sees("portrait")
    demo.turns("camera.plug", "out")
    elder.sees_over("calm")
    (demo.folder / "camera" / "camera.control").write_text('play = "suit"\n')
    demo.turns("camera.plug", "in")
    elder.is_photographed()
    elder.hands_in()
    elder.goes()
    package = delivered(demo, before)

    assert package.manifest["result"] == "accepted"
    assert package.missing == {}
    assert elder.was_told("calm.question")


def test_network_down_all_day(come, demo, before, centre_port):
    """She notices nothing; what waits is delivered in the evening, once."""
    for centre in centres_of(demo):
        os.kill(centre, signal.SIGKILL)
    elder = come()
    elder.begins()
    elder.is_photographed()
    elder.hands_in()
    elder.goes()
    assert packages(demo) == before
    assert {row["state"] for row in demo.packages()} - {"receipted"}

    command = [sys.executable, "run_edge.py", "demo-centre", "--attached"]
    command += ["--folder", str(demo.folder / "centre"), "--port", centre_port]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as evening:
        try:
            package = delivered(demo, before)
        finally:
            evening.stdin.close()

    assert package.manifest["result"] == "accepted"


@pytest.fixture(scope="module")
def centre_port(demo):
    """Where the station of this file looks for its centre, told while the demo's own is there."""
    (centre,) = centres_of(demo)
    words = Path(f"/proc/{centre}/cmdline").read_bytes().decode().split("\0")
    return words[words.index("--port") + 1]


def centres_of(demo):
    """Return the process ids of the demo's centre: one until it was killed."""
    return [
        pid
        for task in Path(f"/proc/{demo.process.pid}/task").iterdir()
        for pid in map(int, (task / "children").read_text().split())
        if b"demo-centre" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]

"""Nothing leaves the vision worker: each wall is proved to hold alone, on the system's own word."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edge.vision.cell import environment

LONG = os.environ.get("ANXIN_LONG") == "1"
CHECKOUT = Path(__file__).resolve().parent.parent
CLOSED = re.compile(r"sin_port=htons\(9\), sin_addr=inet_addr\(\"127\.0\.0\.1\"\)")

# Create, detect, close: the library reports when it is closed, and after 60 s of use.
STATION = """
import sys, time
from pathlib import Path
import cv2
from drivers.camera import Frame
from edge.vision.client import Depth, ModelFiles, VisionWorker
landmarker, segmenter, picture = map(Path, sys.argv[1:4])
worker = VisionWorker(ModelFiles(landmarker, segmenter), own_network=sys.argv[4] == "own")
worker.start()
until_s = time.monotonic() + float(sys.argv[5])
sequence = 0
while not sequence or time.monotonic() < until_s:
    sequence += 1
    frame = Frame(cv2.imread(str(picture)), sequence, 0.0)
    assert worker.look(frame, (Depth.LIVE, Depth.STILL)[sequence % 2], 60).faces == 1
    time.sleep(0.2)
worker.close()
assert worker.restarts == 0
"""

ANALYST = """
import sys
from pathlib import Path
import numpy as np
from edge.vision.worker import Analyst
with Analyst(Path(sys.argv[1]), Path(sys.argv[2])) as analyst:
    analyst.look(np.zeros((360, 640, 3), np.uint8), still=False)
"""


def addresses(models, picture: Path, trace: Path, network: str, seconds: float, **parent: str):
    """Run a station under strace; return its lines that name an internet address."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.fail("strace is missing: run `make test`", pytrace=False)
    subprocess.run(
        [strace, "-f", "-qq", "-o", str(trace),
         "-e", "trace=connect,sendto,sendmsg,sendmmsg,bind",
         sys.executable, "-B", "-c", STATION,
         str(models.face_landmarker), str(models.selfie_segmentation), str(picture),
         network, str(seconds)],
        check=True, cwd=CHECKOUT, timeout=seconds + 120, stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(CHECKOUT), **parent},
    )  # fmt: skip
    return [line for line in trace.read_text().splitlines() if "AF_INET" in line]


@pytest.mark.parametrize("network", ["own", "shared"])
@pytest.mark.parametrize(
    "parent", [{}, {"no_proxy": "*", "NO_PROXY": "*"}], ids=["plain", "no-proxy-inherited"]
)
def test_it_reaches_only_the_closed_port(models, pictures, tmp_path, network, parent):
    """With a network namespace and without: no name is asked for, nothing else is connected."""
    seen = addresses(
        models, pictures / "man-25.jpg", tmp_path / "trace", network, 90 if LONG else 0, **parent
    )

    # Not silence: the attempt proves that the trace would have shown another one.
    assert seen
    assert [line for line in seen if not CLOSED.search(line)] == []


def test_the_library_would_call_home_and_obeys_the_proxy(models):
    """The control: with the closed port opened, exactly its request for the way out arrives."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)

        def listen() -> None:
            with listener.accept()[0] as caller:
                caller.settimeout(10)
                heard.append(caller.recv(4096))

        thread = threading.Thread(target=listen)
        thread.start()
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        subprocess.run(
            [sys.executable, "-s", "-B", "-c", ANALYST,
             str(models.face_landmarker), str(models.selfie_segmentation)],
            check=True, timeout=120, stderr=subprocess.DEVNULL,
            env={**environment(), "https_proxy": proxy, "HTTPS_PROXY": proxy},
        )  # fmt: skip
        thread.join()

    assert heard[0].splitlines()[0] == b"CONNECT play.googleapis.com:443 HTTP/1.1"

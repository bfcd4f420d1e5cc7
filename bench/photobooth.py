"""photobooth-app, a well-known open photo booth, serving its own live stream to three viewers.

It lies in an environment of its own under `.cache/anxin/photobooth`, which only a long run makes
(some 700 MB; docs/benchmarks.md says whether it was there). Its virtual camera plays JPEG files
from a folder of its home: it is given ours, so that both serve the same pictures. How old a picture
is when it is seen cannot be read: nobody knows when its camera "took" it.

Source: photobooth-app 9.0.0, services/backends/virtualcamera.py, routers/api/acquisition.py.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench import CannotRun
from demo.station import free_port

CACHE: Final = Path(__file__).resolve().parents[1] / ".cache" / "anxin" / "photobooth"
PYTHON: Final = CACHE / "bin" / "python"
WANTED: Final = "photobooth-app==9.0.0"
STREAM: Final = "/api/aquisition/stream.mjpg"
MAKES_WITHIN_S: Final = 300.0
BEGINS_WITHIN_S: Final = 90.0


def make_environment() -> None:
    """Install it, unless it is there. Raises `CannotRun`."""
    if PYTHON.exists():
        return
    try:
        subprocess.run([sys.executable, "-m", "venv", str(CACHE)], check=True, timeout=60)
        subprocess.run(
            [str(PYTHON), "-m", "pip", "install", "--quiet", WANTED],
            check=True, timeout=MAKES_WITHIN_S, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as refused:
        raise CannotRun("photobooth-app cannot be installed here") from refused


@contextmanager
def photobooth(pictures: list[bytes]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run it on these pictures; yield its process and port. Raises `CannotRun`: it is not here."""
    if not PYTHON.exists():
        raise CannotRun("photobooth-app is not here: python -m bench preview --long installs it")
    with TemporaryDirectory(prefix="anxin-photobooth-") as name:
        home, port = Path(name), free_port()
        _give(home, pictures)
        process = subprocess.Popen(
            [str(PYTHON), "-m", "photobooth", "--host", "127.0.0.1", "--port", str(port)],
            cwd=home, env=_environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _await(process, port)
            yield process, port
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10.0)
            process.kill()
            process.wait()


def _environment(home: Path) -> Mapping[str, str]:
    return {"HOME": str(home), "PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"}


def _give(home: Path, pictures: list[bytes]) -> None:
    """Lay the pictures where its camera looks, under the mark that says they are its own."""
    folder = home / ".photobooth-data" / "virtualcamera"
    folder.mkdir(parents=True)
    for number, jpeg in enumerate(pictures):
        (folder / f"{number:04d}.jpg").write_bytes(jpeg)
    backends = next(CACHE.glob("lib/python3*/site-packages/photobooth/services/backends"), CACHE)
    asset = backends / "assets" / "backend_virtualcamera" / "video" / "demovideo.mp4"
    if not asset.exists():
        raise CannotRun("this photobooth-app has another virtual camera")
    digest = hashlib.sha256(asset.read_bytes()).hexdigest()
    (folder / "extraction.done").write_text(digest)


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    until_s = time.monotonic() + BEGINS_WITHIN_S
    while time.monotonic() < until_s and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(0.2)
    raise CannotRun("photobooth-app does not begin")

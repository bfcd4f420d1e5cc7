"""The live half of a station, of its own parts: camera owner, vision worker, guidance, web server.

Left out are the reader, the store and the sitting's table, which do nothing while a person is
looked at. A client in a process of its own fetches the preview as a page does. What a browser
spends on drawing is not in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from typing import Final, cast

from api.app import KIOSK_STREAMS, KioskStation, create_kiosk_app
from api.kiosk.station import Desk
from api.listener import Listener
from bench import CannotRun
from bench.frames import Picture
from drivers.camera import Frame
from edge.camera_owner import CameraOwner
from edge.guidance import Guidance
from edge.settings import load_document, load_preset
from edge.sitting import Snapshot, State
from edge.supervisor import Upkeep
from edge.vision.client import Depth, ModelFiles, VisionWorker

CAMERA_FPS: Final = 30
CORES: Final = 2
_TIMEOUT_S: Final = 30.0
_WARM_UP_S: Final = 2.0

# Like the page's module: it asks for the frame after the one it has, until its input ends.
_PAGE: Final = """
import http.client, sys, threading
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
after, frames = -1, 0
while not over.is_set():
    connection.request("GET", f"/preview/camera?after={after}&token={sys.argv[2]}")
    answer = connection.getresponse()
    answer.read()
    if answer.status == 200:
        after, frames = int(answer.headers["X-Frame"]), frames + 1
print(frames)
"""


@dataclass(frozen=True, slots=True)
class Rates:
    """What came through, a second."""

    analysed: float
    previewed: float


class SteadyCamera:
    """A camera of `CAMERA_FPS` that shows the same few frames in turn, at their time."""

    model = "steady"

    def __init__(self, frames: Picture) -> None:
        self._frames, self._numbers = frames, count()
        self._began_s = time.monotonic()

    def read(self, timeout_s: float) -> Frame:
        """Return the newest frame when its time has come; frames missed meanwhile are lost."""
        number = max(next(self._numbers), int((time.monotonic() - self._began_s) * CAMERA_FPS))
        self._numbers = count(number + 1)
        time.sleep(max(0.0, self._began_s + number / CAMERA_FPS - time.monotonic()))
        return Frame(self._frames[number % len(self._frames)], number, time.monotonic())

    def still(self, timeout_s: float) -> Frame:
        """Return the next frame: nobody asks here."""
        return self.read(timeout_s)

    def close(self) -> None:
        """There is nothing to release."""


class StandingDesk:
    """A sitting that stays at the portrait: all that the preview's route asks for."""

    snapshot = Snapshot(token="0" * 32, state=State.PORTRAIT, camera="ready")

    def wait(self, after_revision: int, timeout_s: float) -> Snapshot:
        """Return the one screen, once time is up."""
        time.sleep(timeout_s)
        return self.snapshot

    def no_picture(self, token: str) -> None:
        """Return none: nothing was taken."""

    portrait_jpeg = earlier_photo_jpeg = live_look_jpeg = no_picture


def rates(models: ModelFiles, frames: Picture, seconds: float) -> Rates:
    """Let it run for so long on two cores.

    Raises:
        CannotRun: the preview's client ended early.
    """
    all_cores = os.sched_getaffinity(0)
    with ExitStack() as station:
        # Every process and thread started from here on has the same two.
        os.sched_setaffinity(0, set(sorted(all_cores)[:CORES]))
        station.callback(os.sched_setaffinity, 0, all_cores)
        worker = VisionWorker(models)
        station.callback(worker.close)
        worker.start()
        worker.wait_ready()
        camera = CameraOwner(Upkeep("camera-1", "camera", "steady"), lambda: SteadyCamera(frames))
        station.callback(camera.close)
        camera.start()
        closing = threading.Event()
        kiosk = KioskStation(cast(Desk, StandingDesk()), camera, "bench", "", 96.0)
        listener = Listener(
            create_kiosk_app(kiosk, closing), "127.0.0.1", 0, streams=KIOSK_STREAMS, closing=closing
        )
        station.callback(listener.close)
        listener.start()
        return _watched(worker, camera, listener.port, seconds)


def _watched(worker: VisionWorker, camera: CameraOwner, port: int, seconds: float) -> Rates:
    guidance = Guidance([load_document("cn_exit_entry")], load_preset("standing"))
    with subprocess.Popen(
        [sys.executable, "-s", "-c", _PAGE, str(port), StandingDesk.snapshot.token],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as page:  # fmt: skip
        began_s = time.monotonic()
        after, looked, looked_s = -1, 0, 0.0
        while (now_s := time.monotonic() - began_s) < _WARM_UP_S + seconds:
            frame = camera.wait_frame(after, _TIMEOUT_S)
            if frame is None:
                raise CannotRun("the camera gave no frame")
            after = frame.sequence
            sight = worker.look(frame, Depth.LIVE, _TIMEOUT_S)
            guidance.see(sight, frame.captured_at_s)
            if now_s >= _WARM_UP_S:
                looked, looked_s = looked + 1, time.monotonic() - began_s - _WARM_UP_S
        shown, _ = page.communicate(timeout=_TIMEOUT_S)
    if page.returncode:
        raise CannotRun("the preview's client ended early")
    return Rates(looked / looked_s, int(shown) / (_WARM_UP_S + looked_s))

"""A station that looks at one person, as `bench.live_station`, with its page open in a browser.

Each camera frame carries its number as a row of black and white fields, so that whoever reads the
page's pixels knows which frame it is and, by the machine's one clock, how old.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import cv2
import numpy as np

from api.app import KIOSK_STREAMS, KioskStation, create_kiosk_app
from api.kiosk.station import Desk
from api.listener import Listener
from bench import CannotRun
from bench.frames import Picture, live_frames, model_files
from bench.live_station import CAMERA_FPS, CORES, StandingDesk
from drivers.camera import Frame, JpegPicture
from edge.camera_owner import CameraOwner
from edge.guidance import Guidance
from edge.settings import load_document, load_preset
from edge.supervisor import Upkeep
from edge.vision.client import Depth, VisionWorker

if TYPE_CHECKING:
    from playwright.sync_api import Page, Playwright

CHROMIUM: Final = "/usr/bin/chromium"
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
                    "--disable-background-networking", "--disable-component-update")  # fmt: skip
UPRIGHT_PX: Final = (1080, 1920)
REFERENCE_PPI: Final = 102.46
BITS: Final = 12
FIELD_PX: Final = 48
"""Width of a field in the camera's frame: several of a JPEG's blocks, so it survives them."""
QUALITY: Final = 80
_TIMEOUT_S: Final = 30.0


class NumberedCamera:
    """Shows the same frames in turn at `CAMERA_FPS`, each marked with its number."""

    model = "numbered"

    def __init__(self, frames: Picture, clock: FrameClock) -> None:
        self._frames, self._clock = frames, clock
        self._number, self._began_s = 0, time.monotonic()

    def read(self, timeout_s: float) -> Frame:
        """Return the newest frame when its time has come; a stopped clock gives none."""
        elapsed = time.monotonic() - self._began_s
        self._number = max(self._number + 1, int(elapsed * CAMERA_FPS))
        time.sleep(max(0.0, self._began_s + self._number / CAMERA_FPS - time.monotonic()))
        # A camera that hangs: nobody may see its last picture for long.
        while self._clock.stopped.is_set():
            time.sleep(0.01)
        picture = self._frames[self._number % len(self._frames)].copy()
        mark(picture, self._number)
        delivered = self.delivered(picture)
        self._clock.taken(self._number)
        return Frame(delivered, self._number, time.monotonic())

    def delivered(self, picture: Picture) -> Picture | JpegPicture:
        """Return what leaves the camera."""
        return picture

    def still(self, timeout_s: float) -> Frame:
        """Return the next frame: nobody asks here."""
        return self.read(timeout_s)

    def close(self) -> None:
        """There is nothing to release."""


class JpegNumberedCamera(NumberedCamera):
    """The same, with an encoder of its own as most cameras have one: that time is the camera's."""

    def delivered(self, picture: Picture) -> Picture | JpegPicture:
        """Return the picture as JPEG."""
        jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        return JpegPicture(jpeg, int(picture.shape[1]), int(picture.shape[0]))


class PageDesk(StandingDesk):
    """The same sitting, before a person who also changes how large it is."""

    def note_look(self, token: str, scale: str, theme: str, voice: str) -> None:
        """Nobody keeps it here."""


@dataclass
class FrameClock:
    """When each frame was taken, in ms of the clock that a page reads too."""

    taken_at_ms: dict[int, float] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    def taken(self, number: int) -> None:
        """Note that this frame is here now."""
        self.taken_at_ms[number % 2**BITS] = 1000 * time.time()


def mark(picture: Picture, number: int) -> None:
    """Draw the number into the middle of a frame, lowest bit leftmost."""
    height_px, width_px = picture.shape[:2]
    left = (width_px - BITS * FIELD_PX) // 2
    for bit in range(BITS):
        value = 255 if number >> bit & 1 else 0
        x = left + bit * FIELD_PX
        picture[height_px - 2 * FIELD_PX : height_px - FIELD_PX, x : x + FIELD_PX] = value


@contextmanager
def page_of_station(
    clock: FrameClock, camera_of: type[NumberedCamera] = NumberedCamera
) -> Iterator[Page]:
    """Run the station on two cores with its page open, upright, as a kiosk has it.

    Args:
        clock: notes when each frame was taken.
        camera_of: what the camera delivers.

    Raises:
        CannotRun: models, pictures, Chromium or Playwright are not here.
    """
    sync_playwright = _playwright()
    all_cores = os.sched_getaffinity(0)
    with ExitStack() as station:
        os.sched_setaffinity(0, set(sorted(all_cores)[:CORES]))
        station.callback(os.sched_setaffinity, 0, all_cores)
        camera = _camera(station, clock, camera_of)
        listener = _listener(station, camera)
        _analyst(station, camera)
        playwright = station.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        station.callback(browser.close)
        width, height = UPRIGHT_PX
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(listener.url)
        page.wait_for_selector("canvas[data-preview]:not([hidden])")
        yield page


def _playwright() -> Callable[[], AbstractContextManager[Playwright]]:
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the tests alone
    except ImportError as missing:
        raise CannotRun("no playwright: run `make test` once") from missing
    if not Path(CHROMIUM).exists():
        raise CannotRun("no chromium: run `make test` once")
    return sync_playwright


def _camera(station: ExitStack, clock: FrameClock, camera_of: type[NumberedCamera]) -> CameraOwner:
    frames = live_frames()
    camera = CameraOwner(Upkeep("camera-1", "camera", "numbered"), lambda: camera_of(frames, clock))
    station.callback(camera.close)
    station.callback(clock.stopped.clear)
    camera.start()
    return camera


def _listener(station: ExitStack, camera: CameraOwner) -> Listener:
    closing = threading.Event()
    kiosk = KioskStation(cast(Desk, PageDesk()), camera, "bench", "", REFERENCE_PPI)
    listener = Listener(
        create_kiosk_app(kiosk, closing), "127.0.0.1", 0, streams=KIOSK_STREAMS, closing=closing
    )
    station.callback(listener.close)
    listener.start()
    return listener


def _analyst(station: ExitStack, camera: CameraOwner) -> None:
    """Look at the frames all the while, as the sitting does: it has its share of the cores."""
    worker = VisionWorker(model_files())
    station.callback(worker.close)
    worker.start()
    worker.wait_ready()
    over = threading.Event()
    watching = threading.Thread(target=_watch, args=(worker, camera, over))
    station.callback(watching.join)
    station.callback(over.set)
    watching.start()


def _watch(worker: VisionWorker, camera: CameraOwner, over: threading.Event) -> None:
    guidance = Guidance([load_document("cn_exit_entry")], load_preset("standing"))
    after = -1
    while not over.is_set():
        frame = camera.wait_frame(after, 0.2)
        if frame is not None:
            after = frame.sequence
            guidance.see(worker.look(frame, Depth.LIVE, _TIMEOUT_S), frame.captured_at_s)


def middle(numbers: list[float]) -> float:
    """Return the median. Raises `CannotRun`: nothing was seen."""
    if not numbers:
        raise CannotRun("the page showed nothing")
    return float(np.median(numbers))


def high(numbers: list[float], share: float) -> float:
    """Return the quantile of this share, by the nearest rank. Raises `CannotRun`."""
    if not numbers:
        raise CannotRun("the page showed nothing")
    return float(np.quantile(numbers, share, method="higher"))

"""The attendants' console on a real socket, over a real desk, for tests of who may do what."""

from __future__ import annotations

import http.client
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from flask import Flask

from api.console.session import Sessions
from api.guide.app import GUIDE_STREAMS, create_guide_app
from api.guide.station import GuideStation
from api.listener import Listener
from drivers.camera import Frame
from edge.assist.acts import ActBook
from edge.assist.desk import AssistDesk
from edge.assist.remote import RemoteHelp
from edge.camera_owner import CameraOwner
from edge.capture import SittingDesk
from edge.settings_sections import Service
from edge.sitting import Snapshot
from edge.staff import ASSISTING, Staff, add_staff
from edge.supervisor import Upkeep
from edge.vision.client import ModelFiles, VisionWorker
from tests.browser.desk import Camera
from tests.sitting_kit import Sittings, desk, sittings

GUIDE, VOLUNTEER, REMOTE = "1024", "2048", "4096"
PIN, WRONG = "190604", "190605"
SHOWN_AS = "王"
PATIENCE_S = 30.0
CHECKOUT = Path(__file__).resolve().parent.parent


class Clock:
    """Time passes when a test says so."""

    now_s = 1000.0

    def read_s(self) -> float:
        return self.now_s


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")


@dataclass
class Tablet:
    """Somebody's browser before the console: keeps the cookie and what the page's forms hold."""

    port: int
    cookie: str = ""
    page: str = ""
    tls: ssl.SSLContext | None = None

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def _connection(self) -> http.client.HTTPConnection:
        if self.tls is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.tls)

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> Answer:
        """Send one request as bytes on the wire; no redirect is followed."""
        connection = self._connection()
        own = {"Accept": "text/html", "Cookie": self.cookie} if self.cookie else {}
        if method == "POST":
            own |= {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request(method, path, body or None, {**own, **headers})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def sign_in(self, staff_id: str = GUIDE, pin: str = PIN) -> Answer:
        """Sign in; the cookie is kept, and the board is read."""
        answer = self.post("/sign-in", staff=staff_id, pin=pin)
        if answer.status == 303:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
            self.read()
        return answer

    def read(self) -> str:
        """Read the board."""
        self.page = self.ask("GET", "/").text
        return self.page

    def reads(self, words: str) -> str:
        """Read the board until these words stand there: the lists are read once a second."""
        end_s = time.monotonic() + PATIENCE_S
        while words not in self.read():
            assert time.monotonic() < end_s, self.page
            time.sleep(0.1)
        return self.page

    def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> Answer:
        """Post a form."""
        return self.ask("POST", path, urlencode(form), **(headers or {}))

    def act(self, do: str, **form: str) -> Answer:
        """Do what a form of the board that was read last would do, and read the board anew."""
        held = {name: self.held(name) for name in ("csrf", "token", "mark")}
        answer = self.post("/act", **{**held, "do": do, **form})
        self.read()
        return answer

    def held(self, name: str) -> str:
        """What the page's first form holds under this name."""
        found = re.search(f'name="{name}" value="([^"]*)"', self.page)
        return unescape(found[1]) if found else ""

    def buttons(self) -> set[str]:
        """Every act that the page offers."""
        return set(re.findall(r'name="do" value="([^"]*)"', self.page))


@dataclass
class Hall:
    """A station with people: the console's listener, the desk, and who may sign in."""

    found: Sittings
    desk: SittingDesk
    app: Flask
    listener: Listener
    staff_file: Path
    camera: Camera
    clock: Clock
    remote: RemoteHelp
    tablets: list[Tablet] = field(default_factory=list)

    def tablet(self, staff_id: str | None = None) -> Tablet:
        """Another browser, signed in if somebody is named."""
        tablet = Tablet(self.listener.port)
        if staff_id is not None:
            assert tablet.sign_in(staff_id).status == 303
        return tablet

    def until(self, holds: Callable[[Snapshot], object]) -> Snapshot:
        """Wait until the screen is so."""
        shown = self.desk.snapshot
        for _ in range(int(PATIENCE_S / 0.5)):
            if holds(shown):
                return shown
            shown = self.desk.wait(shown.revision, 0.5)
        raise AssertionError(shown)

    def acts(self, prefix: str = "") -> list[tuple[str, str, str]]:
        """What the audit chain tells of consoles: who, what, how it ended."""
        return [
            (row["actor"]["id"], row["act"], row["outcome"])
            for row in self.found.audit()
            if row["act"].startswith(prefix or ("guide.", "remote."))
        ]


class UntakenFrames:
    """A camera that works and numbers its pictures so that nobody takes one to look at."""

    model = "wired"

    def __init__(self) -> None:
        self._sequence = 0
        self._closed = threading.Event()

    def read(self, timeout_s: float) -> Frame:
        """Return another picture, not newer than the one that everybody has."""
        self._closed.wait(0.02)
        self._sequence += 1
        bgr = np.full((48, 64, 3), 100 + self._sequence % 100, np.uint8)
        return Frame(bgr, -1, time.monotonic())

    still = read

    def close(self) -> None:
        """Nothing to release."""
        self._closed.set()


def can_serve(found: Sittings, stack: ExitStack) -> None:
    """Let the station take people: its camera works, and it could see."""
    camera = CameraOwner(Upkeep("camera-1", "camera", "wired"), UntakenFrames)
    camera.start()
    stack.callback(camera.close)
    models = CHECKOUT / ".cache" / "anxin" / "models"
    files = ModelFiles(models / "face_landmarker.task", models / "selfie_segmentation.tflite")
    found.set(camera=camera, vision=VisionWorker(files))
    found.room.seeing.set()
    end_s = time.monotonic() + PATIENCE_S
    while not camera.status.working:
        assert time.monotonic() < end_s
        time.sleep(0.01)


@contextmanager
def hall(folder: Path) -> Iterator[Hall]:
    """Open a station with its console, a guide, a volunteer and somebody far away."""
    staff_file, clock, camera = folder / "staff.toml", Clock(), Camera()
    add_staff(staff_file, GUIDE, PIN)
    add_staff(staff_file, VOLUNTEER, PIN, "volunteer")
    add_staff(staff_file, REMOTE, PIN, "remote", SHOWN_AS)
    with sittings(folder / "station") as found, ExitStack() as stack:
        can_serve(found, stack)
        staff = Staff(staff_file, found.store)
        found.set(staff=staff, service=Service(remote=True))
        with desk(found) as running:
            book, closing = ActBook(found.store), threading.Event()
            remote = RemoteHelp(running, book, clock.read_s)
            station = GuideStation(
                "demo-01", AssistDesk(running, book), camera, found.tickets,
                found.orders.waiting, found.orders.running, book, remote,
            )  # fmt: skip
            app = create_guide_app(
                station, staff, closing, sessions=Sessions(staff, ASSISTING, clock.read_s)
            )
            listener = Listener(app, "127.0.0.1", 0, streams=GUIDE_STREAMS, closing=closing)
            listener.start()
            try:
                yield Hall(found, running, app, listener, staff_file, camera, clock, remote)
            finally:
                listener.close()
                remote.close()
